"""Unit tests, by package."""
