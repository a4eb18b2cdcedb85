"""Questions whose answers arrive by callback: who waits for what, and to whom an arrival belongs.

A registry acknowledges a question and later calls the gateway back, before the acknowledgement, in pages, out of order
or twice. An arrival is matched by the secret of its address, then by `correlation_id`, then by `transaction_id` and
`reference_id`. What nobody waits for is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, Self

from adapters.said import note
from standards.errors import SourceContractError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adapters.generic.dci.trust import Identity, Sealing
    from adapters.ports import Deadline
    from adapters.said import Signed

MOST_EARLY: Final = 32
"""Callbacks of one registry that are held until an acknowledgement says whose they are."""
MOST_ANSWERED: Final = 20_000
"""Handles of answered questions that are remembered, as digests: a callback may come twice."""


class Arrival(NamedTuple):
    """One callback, from a registry that has proved itself."""

    source_id: str
    body: bytes
    """As it was received."""
    message: Mapping[str, Any]
    """Header and message, verified and decrypted."""
    secret: str = ""
    """Of the address it came to, if that was one of a single question."""
    signed: Signed | None = None

    @property
    def payload(self) -> Mapping[str, Any]:
        """Return what was said: the message, or the whole where a registry leaves the envelope out."""
        inner = self.message.get("message")
        return inner if isinstance(inner, dict) else self.message

    @property
    def correlation(self) -> str:
        """Return the registry's own handle of the question; empty when it states none."""
        return _word(self.payload.get("correlation_id"))

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield transaction and reference of everything in it."""
        transaction = _word(self.payload.get("transaction_id"))
        stated = self.payload.get("search_response")
        for item in stated if isinstance(stated, list) else [stated]:
            reference = _word(item.get("reference_id")) if isinstance(item, dict) else ""
            if transaction and reference:
                yield transaction, reference

    def known_by(self) -> Iterator[tuple[str, ...]]:
        """Yield everything by which the question it belongs to may be known, the surest first."""
        if self.secret:
            yield self.source_id, "secret", self.secret
            return  # INVARIANT: what came to the address of one question never belongs to another
        if self.correlation:
            yield self.source_id, "correlation", self.correlation
        for pair in self.references():
            yield self.source_id, "reference", *pair


class Caller(NamedTuple):
    """How one registry proves who it is when it calls back."""

    source_id: str
    auth: Literal["bearer", "signature", "secret_path"]
    token: str = ""
    client_id: str | None = None
    """Client of this gateway whose access tokens it may send too."""
    names: frozenset[str] = frozenset()
    """What it calls itself as a sender."""
    secret: str = ""
    """Of the address to which it sends what no single question waits for."""
    sealing: Sealing | None = None


class Here(NamedTuple):
    """This gateway, as registries see it."""

    waiting: Waiting
    address: str
    """Where its own address begins, without a slash at the end."""
    secret_of: Callable[[str], str]
    """An unguessable word for a registry's id, always the same: part of the address for its events."""
    identity: Identity | None = None


class Beyond(Protocol):
    """The other worker processes of the same gateway, any of which a callback may reach."""

    async def expect(self, keys: Sequence[tuple[str, ...]], waiter: str) -> None:
        """Let the others know that a waiter here expects what has one of these keys."""
        ...

    async def hand_over(self, arrival: Arrival) -> bool:
        """Give an arrival to the process where somebody expects it; False when nobody does in any other."""
        ...

    async def collect(self) -> Sequence[tuple[str, Arrival]]:
        """Return what the others took for waiters here: waiter and arrival."""
        ...

    async def forget(self, waiter: str) -> None:
        """Drop everything of a waiter that has what it wants, or has given up."""
        ...

    def close(self) -> None:
        """Let go of what is shared."""
        ...


class Expected:
    """What one question expects, from the moment it is sent; to be used as a context."""

    def __init__(self, waiting: Waiting, source_id: str, transaction_id: str, asked: Sequence[str], limit: int) -> None:
        self._waiting, self.source_id = waiting, source_id
        self.id, self.secret = secrets.token_hex(16), f"{source_id}.{secrets.token_urlsafe(32)}"
        self._limit, self._bytes = limit, 0
        self.is_acknowledged = self.is_answered = False
        self.keys: list[tuple[str, ...]] = [
            (source_id, "secret", self.secret),
            *((source_id, "reference", transaction_id, reference) for reference in asked),
        ]
        self._arrived: asyncio.Queue[Arrival] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        """Begin to wait, before the question is sent: its answer may come before the acknowledgement."""
        try:
            await self._waiting.enter(self)
        except BaseException:  # whoever is cancelled here has not begun to wait
            await self._waiting.leave(self)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop waiting; whatever comes now is nobody's."""
        await self._waiting.leave(self)

    async def acknowledged(self, correlation_id: str) -> None:
        """Note under which handle the registry took the question; empty when it told none."""
        self.is_acknowledged = True
        if correlation_id:
            await self._waiting.correlated(self, correlation_id)

    def give(self, arrival: Arrival) -> None:
        """Take what has arrived."""
        self._arrived.put_nowait(arrival)

    async def next(self, deadline: Deadline, at_most_s: float | None = None) -> Arrival | None:
        """Return the next arrival, noted as said by the registry; None when there is none for `at_most_s`.

        Raises: SourceUnavailableError at the deadline, SourceContractError when more came than a response may hold.
        """
        left_s = deadline.left_s()
        try:
            async with asyncio.timeout(left_s if at_most_s is None else min(left_s, at_most_s)):
                arrival = await self._arrived.get()
        except TimeoutError:
            if at_most_s is not None and at_most_s < left_s:
                return None
            late = UnavailableReason.SOURCE_TIMEOUT
            raise SourceUnavailableError(self.source_id, late, "no callback") from None
        self._bytes += len(arrival.body)
        if self._bytes > self._limit:
            raise SourceContractError(self.source_id, f"callbacks: larger than {self._limit} bytes")
        note(200, arrival.body, arrival.signed)
        return arrival


class Waiting:
    """Everything that waits for a callback in this process.

    beyond: the other processes of this gateway; None where there is only one.
    poll_s: how often they are asked for what they took, while anybody waits.
    """

    def __init__(self, beyond: Beyond | None = None, *, poll_s: float = 0.02) -> None:
        self._beyond, self._poll_s = beyond, poll_s
        self._by_key: dict[tuple[str, ...], Expected] = {}
        self._by_id: dict[str, Expected] = {}
        self._early: dict[str, list[Arrival]] = {}
        self._answered: OrderedDict[bytes, None] = OrderedDict()
        self._collector: asyncio.Task[None] | None = None

    @property
    def open(self) -> int:
        """Return how many questions wait."""
        return len(self._by_id)

    @property
    def held(self) -> int:
        """Return how many callbacks are held until an acknowledgement says whose they are."""
        return sum(map(len, self._early.values()))

    def expect(self, source_id: str, transaction_id: str, asked: Sequence[str], limit: int) -> Expected:
        """Return what a question expects, to be entered before it is sent.

        asked: references of its items.
        limit: most bytes of all its callbacks together.
        """
        return Expected(self, source_id, transaction_id, asked, limit)

    async def arrived(self, arrival: Arrival) -> bool:
        """Give a callback to whoever waits for it, here or in another process; False when nobody does."""
        for key in arrival.known_by():
            expected = self._by_key.get(key)
            if expected is not None:
                expected.give(arrival)
                return True
            if _digest(key) in self._answered:
                return True  # the same once more: whoever sends it has not heard that it arrived
        if self._beyond is not None and await self._beyond.hand_over(arrival):
            return True
        early = self._early.get(arrival.source_id)
        # Only while a question of this registry has no acknowledgement yet may a callback be one that came before it.
        if arrival.secret or not arrival.correlation or early is None or len(early) >= MOST_EARLY:
            return False
        early.append(arrival)
        return True

    def close(self) -> None:
        """Let go of what is shared with the other processes; nobody waits any more."""
        if self._beyond is not None:
            self._beyond.close()

    async def enter(self, expected: Expected) -> None:
        """Let a question wait."""
        self._by_id[expected.id] = expected
        self._early.setdefault(expected.source_id, [])
        self._by_key.update(dict.fromkeys(expected.keys, expected))
        if self._beyond is not None:
            await self._beyond.expect(expected.keys, expected.id)
        if self._beyond is not None and self._collector is None:
            self._collector = asyncio.create_task(self._collect(self._beyond))

    async def correlated(self, expected: Expected, correlation_id: str) -> None:
        """Know a question by the registry's own handle too, and give it what came before that was known."""
        key = (expected.source_id, "correlation", correlation_id)
        expected.keys.append(key)
        self._by_key[key] = expected
        if self._beyond is not None:
            await self._beyond.expect([key], expected.id)
        early = self._early.get(expected.source_id, [])
        for arrival in [one for one in early if one.correlation == correlation_id]:
            early.remove(arrival)
            expected.give(arrival)
        self._drop_early(expected.source_id)

    async def leave(self, expected: Expected) -> None:
        """Let a question wait no longer."""
        self._by_id.pop(expected.id, None)
        for key in expected.keys:
            if self._by_key.get(key) is expected:
                del self._by_key[key]
            if expected.is_answered:
                self._answered[_digest(key)] = None
        while len(self._answered) > MOST_ANSWERED:
            self._answered.popitem(last=False)
        self._drop_early(expected.source_id)
        if not self._by_id and self._collector is not None:
            self._collector.cancel()
            self._collector = None
        if self._beyond is not None:
            await asyncio.shield(self._beyond.forget(expected.id))

    def _drop_early(self, source_id: str) -> None:
        """Forget what was held of a registry once no question to it is without an acknowledgement."""
        if not any(one.source_id == source_id and not one.is_acknowledged for one in self._by_id.values()):
            self._early.pop(source_id, None)

    async def _collect(self, beyond: Beyond) -> None:
        while True:
            for waiter, arrival in await beyond.collect():
                expected = self._by_id.get(waiter)
                if expected is not None:
                    expected.give(arrival)
            await asyncio.sleep(self._poll_s)


def _digest(key: tuple[str, ...]) -> bytes:
    return hashlib.sha256("\0".join(key).encode()).digest()


def _word(stated: object) -> str:
    """Return an id as text; some registries write theirs as numbers."""
    return str(stated) if isinstance(stated, str | int) and not isinstance(stated, bool) else ""
