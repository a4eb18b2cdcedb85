"""Unit tests of adapters/generic/dci/."""
