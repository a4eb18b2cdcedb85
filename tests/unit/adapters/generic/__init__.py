"""Tests of the drivers and of what they share."""
