"""Unit tests of the shared language."""
