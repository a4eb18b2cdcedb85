"""Tests of the rooms that a question walks through."""
