"""Unit tests of adapters/generic/asking/."""
