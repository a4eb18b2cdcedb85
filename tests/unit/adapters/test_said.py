"""What registries said: noted for who listens, task by task."""

import asyncio
import hashlib

import pytest

from adapters.said import Said, Signed, listen, note, unheard, vouch


def digest(body: bytes) -> bytes:
    """What is noted of a response."""
    return hashlib.sha256(body).digest()


async def test_whoever_listens_hears_tasks_of_its_own_and_no_others():
    """A second call that is made because the first one was slow is heard too; another question's calls are not."""

    async def call(*bodies: bytes) -> list[Said]:
        said = listen()
        for body in bodies:
            note(200, body)
            await asyncio.sleep(0)
        await asyncio.create_task(_later(b"hedged " + bodies[0]))
        return said

    one, other = await asyncio.gather(call(b"a", b"b"), call(b"c"))

    assert [said.digest for said in one] == [digest(b"a"), digest(b"b"), digest(b"hedged a")]
    assert [said.digest for said in other] == [digest(b"c"), digest(b"hedged c")]


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

    assert [one.digest for one in said] == ([digest(b"body")] if is_noted else [])


def test_a_signature_that_holds_is_kept_with_the_response_it_is_of():
    """And with no other one."""
    said, signed = listen(), Signed("kid", "jws", "2026-11-21T10:00:00+00:00")
    note(200, b"one")
    note(200, b"two")
    vouch(b"two", signed)
    vouch(b"never said", signed)

    assert said == [Said(digest(b"one")), Said(digest(b"two"), signed)]


def test_keys_and_acknowledgements_are_not_what_a_registry_said():
    """They are about nobody; what comes after them is heard again."""
    said = listen()
    with unheard():
        note(200, b"keys")
    note(200, b"answer")

    assert [one.digest for one in said] == [digest(b"answer")]
