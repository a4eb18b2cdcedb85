"""Unit tests of adapters/generic/mapping/."""
