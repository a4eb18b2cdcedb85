"""Tests of registrations."""
