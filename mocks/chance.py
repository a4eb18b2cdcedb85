"""Chance that falls alike everywhere: seeded streams and draws without platform arithmetic.

Only `random()`, sums and products are used: they give the same bits on every machine, which logarithms and powers do
not promise.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import Final, TypeVar

Option = TypeVar("Option")
Knots = tuple[tuple[float, float], ...]
"""A curve as (x, y) corners with rising x; straight lines lie between them."""

_SPAN: Final = 1 << 64


def stream(seed: int, label: str) -> Random:
    """Return the stream of chance of one concern, so that a draw more in one never moves another."""
    return Random(f"poveria/{seed}/{label}")


def fraction(seed: int, label: str, number: int) -> float:
    """Return a number in [0, 1) that belongs to (seed, label, number): what must be known without being stored."""
    digest = blake2b(f"{seed}/{label}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _SPAN


def pick(rng: Random, options: Sequence[Option]) -> Option:
    """Draw one of the options, each as likely as the others."""
    return options[int(rng.random() * len(options))]


def between(rng: Random, lowest: int, highest: int) -> int:
    """Draw a whole number from `lowest` to `highest`, both included."""
    return lowest + int(rng.random() * (highest - lowest + 1))


def curve(knots: Knots, x: float) -> float:
    """Read a curve at `x`; outside its corners it stays level."""
    place = bisect_right(knots, (x, _SPAN))
    if place == 0:
        return knots[0][1]
    if place == len(knots):
        return knots[-1][1]
    (left, low), (right, high) = knots[place - 1], knots[place]
    return low + (high - low) * (x - left) / (right - left)
