"""Tests of the application, part by part."""
