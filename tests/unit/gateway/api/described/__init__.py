"""Unit tests of gateway/api/described/."""
