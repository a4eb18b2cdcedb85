"""What is wrong with a list that was dropped."""

from __future__ import annotations


class DropError(Exception):
    """A list that cannot be used; its text names rows and columns, and never what stands in them."""
