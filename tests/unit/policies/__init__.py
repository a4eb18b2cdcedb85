"""Unit tests of the policies package."""
