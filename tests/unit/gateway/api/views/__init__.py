"""Unit tests of gateway/api/views/."""
