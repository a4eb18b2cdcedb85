"""Tests of gateway/linkage."""
