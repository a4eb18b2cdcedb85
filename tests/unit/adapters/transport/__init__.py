"""Unit tests of adapters/transport/."""
