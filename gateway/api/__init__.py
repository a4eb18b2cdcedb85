"""The HTTP surface: one folder per kind of path."""
