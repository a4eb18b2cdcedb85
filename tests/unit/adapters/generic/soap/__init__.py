"""Unit tests of adapters/generic/soap/."""
