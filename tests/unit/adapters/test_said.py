"""What registries said: noted for who listens, task by task."""

import asyncio
import hashlib

import pytest

from adapters.said import listen, note


def digest(body: bytes) -> bytes:
    """What is noted of a response."""
    return hashlib.sha256(body).digest()


async def test_whoever_listens_hears_tasks_of_its_own_and_no_others():
    """A second call that is made because the first one was slow is heard too; another question's calls are not."""

    async def call(*bodies: bytes) -> list[bytes]:
        said = listen()
        for body in bodies:
            note(200, body)
            await asyncio.sleep(0)
        await asyncio.create_task(_later(b"hedged " + bodies[0]))
        return said

    one, other = await asyncio.gather(call(b"a", b"b"), call(b"c"))

    assert one == [digest(b"a"), digest(b"b"), digest(b"hedged a")]
    assert other == [digest(b"c"), digest(b"hedged c")]


async def _later(body: bytes) -> None:
    note(200, body)


@pytest.mark.parametrize(
    ("status", "is_noted"),
    [(200, True), (206, True), (404, True), (302, False), (401, False), (429, False), (503, False)],
)
def test_only_answers_are_noted(status, is_noted):
    """A try that failed said nothing about anybody; that nobody is there by a number is an answer."""
    said = listen()
    note(status, b"body")

    assert said == ([digest(b"body")] if is_noted else [])
