"""Unit tests of the groups of the hearth command."""
