"""Answers that take few bytes and long to read: every registry that comes with Hearth refuses them, and reads none."""

from __future__ import annotations

import orjson
import pytest

from adapters.catalogue import build
from adapters.kit.fields_seen import beyond
from adapters.manifest import Protocol
from adapters.ports import Deadline, Fetch, Response
from standards.errors import SourceContractError, SourceError
from standards.identifiers import Identifier
from standards.json_bodies import MOST_VALUES
from tests.builders import MANIFESTS
from tests.contract.hostile import response, serving
from tests.contract.speakers import SPEAKERS
from tests.contract.test_fault_matrix import ask, connected
from tests.fakes import InMemoryClient

pytestmark = pytest.mark.contract

VALUES = {"UIN": "2000000014", "PATIENT_NUMBER": "PT0000001"}
NO_JSON = {Protocol.SOAP, Protocol.SQL, Protocol.FILES}
TYPES = {Protocol.FHIR: "application/fhir+json", Protocol.OGC: "application/geo+json"}
DEEP = b"[" * 1000 + b"1" + b"]" * 1000
"""As deep as a reader of JSON goes; a writer of JSON gives up before, and so do functions that call themselves."""
IN_JSON = [one for one in SPEAKERS if one is not Protocol.SOAP]
ERRORS = (
    {"ack_status": "PLACE"},
    {"message": {"ack_status": "PLACE"}},
    {"error": {"code": "PLACE"}},
    {"errors": [{"code": "PLACE", "extensions": {"code": "PLACE"}}]},
    {"title": "PLACE", "status": "PLACE"},
    {"resourceType": "OperationOutcome", "issue": [{"severity": "PLACE", "code": "PLACE"}]},
)


@pytest.mark.parametrize("name", sorted(id_ for id_, one in MANIFESTS.items() if one.speaks not in NO_JSON))
async def test_too_many_values_are_refused(name):
    """Within the bytes that its manifest allows: reading them would hold up every other question."""
    manifest = MANIFESTS[name]
    known = next(lookup for lookup in manifest.lookups if lookup.by)
    by = next((type_ for type_ in known.by if type_ in VALUES), known.by[0])
    body = b"[" + b",".join([b"[]"] * (MOST_VALUES // 2 + 1)) + b"]"
    assert len(body) <= manifest.limits.max_response_bytes
    client = InMemoryClient(lambda _: Response(200, TYPES.get(manifest.speaks, "application/json"), body))
    asked = Fetch(name, known.name, (Identifier(by, VALUES.get(by, "L0000001")),), frozenset(known.attributes[:1]))

    with pytest.raises(SourceContractError, match=f"body: JSON with more than {MOST_VALUES} values"):
        await build(manifest, client).fetch(asked, Deadline.after(30))


def places(part, path=()):
    """Yield the way to every value of an answer."""
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


def with_deep(content, path):
    """Return an answer in which a value of many lists stands in place of another."""
    whole = part = orjson.loads(content)
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = "PLACE"
    return deep(whole)


def deep(content):
    """Return JSON with many lists for every text `PLACE`."""
    return orjson.dumps(content).replace(b'"PLACE"', DEEP)


@pytest.mark.parametrize("protocol", IN_JSON)
async def test_what_is_nested_deep_is_refused_wherever_it_stands(tmp_path, protocol):
    """Or passed over, where nobody reads it; and it is a fault of the answer, never of ours."""
    speaker = SPEAKERS[protocol]
    answers: list[tuple[int, bytes]] = []

    async def behave(talk):
        if not answers:
            answers.extend((200, with_deep(talk.good.body, path)) for path in places(orjson.loads(talk.good.body)))
            answers.extend((status, deep(content)) for content in ERRORS for status in (200, 400))
        status, body = answers.pop()
        left.append(len(answers))
        await talk.send(response(status, talk.good._replace(body=body)))

    left: list[int] = []
    async with serving(behave, speaker.good) as server, connected(tmp_path, speaker, server.address) as registry:
        while not left or left[-1]:
            try:
                await ask(registry)
            except SourceError as error:
                assert not str(error).endswith("Error")  # noqa: PT017 - the name of a class is what a defect is told by
    assert len(left) > len(ERRORS)


def test_the_names_of_what_is_nested_deep_are_told():
    """A probe looks through whole answers, also those that no driver would."""
    body = b'{"a":' * 1000 + b'{"owner": "Asha"}' + b"}" * 1000

    assert beyond(MANIFESTS["housing"], [Response(200, "application/json", body)]) == {"owner": 1}
