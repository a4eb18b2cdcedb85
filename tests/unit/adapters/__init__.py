"""Unit tests of adapters/."""
