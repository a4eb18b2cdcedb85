"""Unit tests of adapters/generic/xroad/."""
