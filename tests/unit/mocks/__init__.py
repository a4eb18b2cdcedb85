"""Tests of the practice registries."""
