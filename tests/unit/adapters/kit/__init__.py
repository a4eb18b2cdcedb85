"""Tests of the registry kit."""
