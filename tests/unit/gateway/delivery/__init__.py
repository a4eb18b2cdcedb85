"""Tests of gateway/delivery."""
