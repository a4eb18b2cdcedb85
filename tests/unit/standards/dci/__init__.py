"""Unit tests of the DCI wire."""
