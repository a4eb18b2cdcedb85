"""Unit tests of adapters/generic/files/."""
