"""Every fault with every protocol: each ends as the one right error, in time, and with little memory.

The protocols are those that drivers are found for, and X-Road as a layer under two of them; no registry is named here.
"""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from contextlib import asynccontextmanager

import pytest

from adapters.catalogue import connect
from adapters.generic.driving import DRIVERS
from adapters.manifest import Protocol
from adapters.ports import Deadline, Fetch
from adapters.transport.client import open_session
from standards.errors import SourceContractError, SourceError, SourceUnavailableError
from standards.identifiers import identifier
from standards.states import UnavailableReason
from tests.contract.by_manifest import manifest_in
from tests.contract.hostile import DOWN, FAULTS, LIMIT, SHORT, closed_port, port_of, response, serving, well
from tests.contract.speakers import BEHIND, ELSEWHERE, NUMBER, OTHER, SPEAKERS, SUBJECT

pytestmark = pytest.mark.contract

LONG_S = 30.0
SHORT_S = 0.3
"""For faults that only the deadline ends."""
PROTOCOLS = [
    *(pytest.param(speaker, id=one.value) for one, speaker in SPEAKERS.items()),
    *(pytest.param(speaker, id=name) for name, speaker in BEHIND.items()),
]
COUNTING = (SPEAKERS[Protocol.FHIR], SPEAKERS[Protocol.OGC])
NOTHING_SAID = ("Asha", "Moyo", NUMBER, OTHER)


def test_every_protocol_is_tried():
    """A new driver gets a registry here, or says where else it is tried."""
    assert SPEAKERS.keys() | ELSEWHERE == DRIVERS.keys() | {Protocol.DCI}


@asynccontextmanager
async def connected(folder, speaker, address):
    """Yield a registry that a manifest connects."""
    manifest = manifest_in(folder, speaker.manifest)
    async with open_session() as session:
        registries = connect([manifest], session, {"PROBE_URL": address})
        try:
            yield registries["probe"]
        finally:
            await registries.close()


async def ask(registry, seconds=LONG_S):
    """Ask about one person, and return the record."""
    subject = identifier(*SUBJECT.split(" "))
    request = Fetch("probe", "person", (subject,), frozenset({"given_name"}))
    return (await registry.guarded.fetch(request, Deadline.after(seconds))).records[subject]


@pytest.fixture(params=PROTOCOLS)
def speaker(request):
    """Return the registry of one protocol."""
    return request.param


async def test_all_is_well_without_a_fault(tmp_path, speaker):
    """So that whatever goes wrong below is the fault's doing; and the connection serves the next question."""
    async with serving(well, speaker.good) as server, connected(tmp_path, speaker, server.address) as registry:
        for _ in range(2):
            assert (await ask(registry)).values == {"given_name": "Asha"}

        assert (server.connections, len(server.requests)) == (1, 2)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_ends_as_what_it_is(tmp_path, speaker, fault):
    """One class, one reason; in time; nothing of the answer or the question in the error; nobody else is asked."""
    behaviour, ending = FAULTS[fault]
    seconds = SHORT_S if fault in SHORT else LONG_S
    async with (
        serving(well) as elsewhere,
        serving(behaviour, speaker.good, elsewhere.address) as server,
        connected(tmp_path, speaker, server.address) as registry,
    ):
        start = time.monotonic()
        with pytest.raises(SourceError) as caught:
            await ask(registry, seconds)

        assert (type(caught.value), caught.value.reason) == ending
        assert time.monotonic() - start < (seconds + 5 if fault in SHORT else LONG_S)
        assert not any(word in str(caught.value) for word in NOTHING_SAID)
        assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "fault", ["chunks without end", "a body without length or end", "ten gigabytes", "headers without end", "a bomb"]
)
async def test_a_fault_takes_little_memory(tmp_path, speaker, fault):
    """A few times what a response may be, however much is sent."""
    behaviour, ending = FAULTS[fault]
    async with (
        serving(behaviour, speaker.good) as server,
        connected(tmp_path, speaker, server.address) as registry,
    ):
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            with pytest.raises(ending.error):
                await ask(registry)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()

    assert peak < 6 * LIMIT


async def test_somebody_else_s_record_is_refused(tmp_path, speaker):
    """Whatever the protocol: it is not an answer about the one asked about, and the error says neither number."""
    async with serving(well, speaker.wrong) as server, connected(tmp_path, speaker, server.address) as registry:
        with pytest.raises(SourceContractError) as caught:
            await ask(registry)

    assert caught.value.reason is UnavailableReason.WRONG_SUBJECT
    assert not any(word in str(caught.value) for word in NOTHING_SAID)


async def test_silence_about_one_of_several_is_no_answer(tmp_path, speaker):
    """Unless the registry counts what it found, and all of that came."""
    people = tuple(identifier("UIN", number) for number in (NUMBER, OTHER))
    async with serving(well, speaker.good) as server, connected(tmp_path, speaker, server.address) as registry:
        asking = registry.guarded.fetch(
            Fetch("probe", "person", people, frozenset({"given_name"})), Deadline.after(LONG_S)
        )
        if speaker in COUNTING:
            told = (await asking).records
            assert [told[one] and told[one].values for one in people] == [{"given_name": "Asha"}, None]
        else:
            with pytest.raises(SourceContractError) as caught:
                await asking
            assert not any(word in str(caught.value) for word in NOTHING_SAID)


async def test_nobody_listens(tmp_path, speaker):
    """Refused at once."""
    async with connected(tmp_path, speaker, closed_port()) as registry:
        with pytest.raises(SourceError) as caught:
            await ask(registry)
    assert (type(caught.value), caught.value.reason) == DOWN


async def test_plain_text_where_tls_is_expected(tmp_path, speaker):
    """No connection comes about, and no question leaves."""
    heard = []

    async def refuse(reader, writer):
        heard.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with listener, connected(tmp_path, speaker, f"https://127.0.0.1:{port_of(listener)}") as registry:
        with pytest.raises(SourceError) as caught:
            await ask(registry)
    assert (type(caught.value), caught.value.reason) == DOWN
    assert not any(b"HTTP" in one for one in heard)


async def test_it_is_left_alone_for_as_long_as_it_asks(tmp_path, speaker):
    """The next question does not reach it."""
    behaviour, _ = FAULTS["asks for peace with 429"]
    async with serving(behaviour, speaker.good) as server, connected(tmp_path, speaker, server.address) as registry:
        for _ in range(2):
            with pytest.raises(SourceUnavailableError) as caught:
                await ask(registry)
            assert caught.value.reason is UnavailableReason.SOURCE_BUSY
        assert len(server.requests) == 1


async def test_what_comes_unasked_never_meets_the_next_question(tmp_path, speaker):
    """A second answer, sent ahead with the first one or just after it, is nobody's."""

    async def twice(talk):
        await talk.send(response(200, talk.good))
        await asyncio.sleep(0)
        await talk.send(response(200, speaker.wrong(talk.asked)))

    async with serving(twice, speaker.good) as server, connected(tmp_path, speaker, server.address) as registry:
        for _ in range(5):
            try:
                assert (await ask(registry)).values == {"given_name": "Asha"}
            except SourceError as error:
                assert error.reason in {UnavailableReason.SOURCE_CONTRACT, UnavailableReason.SOURCE_DOWN}  # noqa: PT017 - either is right


@pytest.mark.parametrize("keep", [0.05, 0.3, 0.6, 0.95])
async def test_a_right_answer_cut_short_is_none(tmp_path, speaker, keep):
    """Though HTTP calls it whole."""

    def cut(asked):
        good = speaker.good(asked)
        return good._replace(body=good.body[: int(len(good.body) * keep)])

    async with serving(well, cut) as server, connected(tmp_path, speaker, server.address) as registry:
        with pytest.raises(SourceContractError):
            await ask(registry)
