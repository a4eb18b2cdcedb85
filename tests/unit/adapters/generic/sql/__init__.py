"""Unit tests of adapters/generic/sql/."""
