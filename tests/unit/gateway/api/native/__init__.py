"""Unit tests of gateway/api/native/."""
