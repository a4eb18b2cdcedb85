"""Tests of gateway/scoring."""
