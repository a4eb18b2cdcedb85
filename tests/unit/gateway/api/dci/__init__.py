"""Unit tests of gateway/api/dci/."""
