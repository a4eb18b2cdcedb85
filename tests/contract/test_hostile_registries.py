"""Registries that send what is made to do harm: nothing is fetched, nothing grows, and nothing of it is told."""

from __future__ import annotations

import gc
import time
import tracemalloc
from contextlib import asynccontextmanager

import orjson
import pytest

from adapters.catalogue import connect
from adapters.manifest import Protocol
from adapters.transport.client import open_session
from standards.errors import ConfigurationError, SourceContractError, SourceError
from standards.states import UnavailableReason
from tests.contract.by_manifest import manifest_in
from tests.contract.hostile import LIMIT, body, response, serving, well
from tests.contract.hostile_documents import JSON, WSDL_AS_IT_IS, XML, XML_AS_IT_IS
from tests.contract.hostile_documents import WSDL as HOSTILE_WSDL
from tests.contract.speakers import NUMBER, OTHER, SPEAKERS, WSDL
from tests.contract.test_fault_matrix import ask, connected

pytestmark = pytest.mark.contract

TELLING = ("Asha", "Moyo", "2000000014", "2000000099", "root:")
IN_TIME_S = 20.0
MEMORY = 40 * LIMIT
"""Of what is read whole, a parsed answer takes several times its bytes."""
WSDL_MEMORY = 60 * 1024 * 1024
"""For documents of 700 kB at most, and what a codec makes of them."""
IN_JSON = [one for one in SPEAKERS if one is not Protocol.SOAP]


@asynccontextmanager
async def answered(folder, protocol, change):
    """Yield a registry whose right answers are changed, and the server that nobody may be led to."""
    speaker = SPEAKERS[protocol]
    async with serving(well) as elsewhere:

        async def behave(talk):
            await talk.send(response(200, talk.good._replace(body=change(talk.good.body, elsewhere.address))))

        async with (
            serving(behave, speaker.good) as server,
            connected(folder, speaker, server.address) as registry,
        ):
            yield registry, elsewhere


async def refused(registry):
    """Ask; return the error, which came in time and with little memory, and tells nothing."""
    gc.collect()
    tracemalloc.start()
    start, before = time.monotonic(), tracemalloc.get_traced_memory()[0]
    try:
        with pytest.raises(SourceError) as caught:
            await ask(registry)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert time.monotonic() - start < IN_TIME_S
    assert peak < MEMORY
    assert not any(word in str(caught.value) for word in TELLING)
    return caught.value


class TestXml:
    @pytest.mark.parametrize("name", XML)
    async def test_what_is_made_to_do_harm_is_refused(self, tmp_path, name):
        """As a broken contract, and nothing is looked up anywhere."""
        async with answered(tmp_path, Protocol.SOAP, XML[name]) as (registry, elsewhere):
            assert isinstance(await refused(registry), SourceContractError)
            assert elsewhere.connections == 0

    @pytest.mark.parametrize("name", XML_AS_IT_IS)
    async def test_what_is_only_strange_leads_nowhere(self, tmp_path, name):
        """It is read as it stands, or refused."""
        async with answered(tmp_path, Protocol.SOAP, XML_AS_IT_IS[name]) as (registry, elsewhere):
            try:
                assert (await ask(registry)).values == {"given_name": "Asha"}
            except SourceContractError as error:
                assert not any(word in str(error) for word in TELLING)  # noqa: PT017 - either is right
            assert elsewhere.connections == 0


class TestWsdl:
    """A WSDL lies beside its manifest: whoever wrote it is no more to be trusted than whoever answers."""

    @staticmethod
    def manifest(folder, name, files, place):
        """Lay a hostile WSDL beside a manifest, and return that manifest's text."""
        for file, content in files[name](WSDL, place).items():
            (folder / file).write_bytes(content)
        text = SPEAKERS[Protocol.SOAP].manifest
        return text[: text.index("  documents:")] + text[text.index("  lookups:\n    person: {operation") :]

    @pytest.mark.parametrize("name", HOSTILE_WSDL)
    async def test_what_is_made_to_do_harm_is_refused(self, tmp_path, name):
        """At start, in time, with little memory; nothing is fetched, and nothing of other files is told."""
        async with serving(well) as elsewhere:
            text = self.manifest(tmp_path, name, HOSTILE_WSDL, elsewhere.address)
            async with open_session() as session:
                start = time.monotonic()
                gc.collect()
                tracemalloc.start()
                try:
                    with pytest.raises(ConfigurationError, match="soap") as caught:
                        connect([manifest_in(tmp_path, text)], session, {"PROBE_URL": "http://127.0.0.1:1"})
                    peak = tracemalloc.get_traced_memory()[1]
                finally:
                    tracemalloc.stop()

            assert time.monotonic() - start < IN_TIME_S
            assert peak < WSDL_MEMORY
            assert not any(word in str(caught.value) for word in TELLING)
            assert elsewhere.connections == 0

    @pytest.mark.parametrize("name", WSDL_AS_IT_IS)
    async def test_what_is_only_strange_leads_nowhere(self, tmp_path, name):
        """It is used as far as it goes, and only the manifest's own address is asked."""
        speaker = SPEAKERS[Protocol.SOAP]
        async with serving(well) as elsewhere, serving(well, speaker.good) as server:
            text = self.manifest(tmp_path, name, WSDL_AS_IT_IS, elsewhere.address)
            start = time.monotonic()
            async with connected(tmp_path, speaker._replace(manifest=text), server.address) as registry:
                try:
                    assert (await ask(registry)).values == {"given_name": "Asha"}
                except SourceContractError as error:
                    assert not any(word in str(error) for word in TELLING)  # noqa: PT017 - either is right
            assert time.monotonic() - start < IN_TIME_S
            assert (elsewhere.connections, len(server.requests)) == (0, 1)


class TestJson:
    @pytest.mark.parametrize("name", JSON)
    @pytest.mark.parametrize("protocol", IN_JSON)
    async def test_what_is_made_to_do_harm_is_refused(self, tmp_path, protocol, name):
        """As a broken contract, whatever protocol it is wrapped in."""
        async with answered(tmp_path, protocol, lambda good, _: JSON[name](good)) as (registry, _):
            assert isinstance(await refused(registry), SourceContractError)

    @pytest.mark.parametrize("protocol", IN_JSON)
    @pytest.mark.parametrize("is_last", [True, False])
    async def test_of_a_name_that_stands_twice_the_last_counts_everywhere(self, tmp_path, protocol, is_last):
        """So that the number that is checked and the number that is kept are the same."""
        key = {Protocol.DCI: b"identifier_value", Protocol.FHIR: b"value"}.get(protocol, b"uin")
        own, other = (b'"%b":"%b"' % (key, number.encode()) for number in (NUMBER, OTHER))
        both = other + b"," + own if is_last else own + b"," + other

        async with answered(tmp_path, protocol, lambda good, _: good.replace(own, both)) as (registry, _):
            if is_last:
                assert (await ask(registry)).identifiers == {"UIN": NUMBER}
            else:
                assert (await refused(registry)).reason is UnavailableReason.WRONG_SUBJECT

    @pytest.mark.parametrize("protocol", IN_JSON)
    async def test_a_crowd_beside_the_one_asked_about(self, tmp_path, protocol):
        """Thousands of others spoil the answer, and cost little."""
        speaker = SPEAKERS[protocol]

        async def crowd(talk):
            good = orjson.loads(talk.good.body)
            others = orjson.loads(speaker.wrong(talk.asked).body)
            _join(good, others, 1000)
            await talk.send(response(200, talk.good._replace(body=orjson.dumps(good))))

        async with serving(crowd, speaker.good) as server, connected(tmp_path, speaker, server.address) as registry:
            assert (await refused(registry)).reason in {
                UnavailableReason.WRONG_SUBJECT,
                UnavailableReason.SOURCE_CONTRACT,
            }


def _join(good, others, count):
    """Put the entries of the others' lists into the same lists of the good answer, many times."""
    for name, value in good.items():
        if isinstance(value, dict):
            _join(value, others[name], count)
        elif isinstance(value, list) and name != "search_response":
            value.extend(others[name] * count)
        elif isinstance(value, list):
            _join(value[0], others[name][0], count)
        elif name in {"total", "numberMatched", "numberReturned"}:
            good[name] = value + count


class TestGraphQl:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ({"errors": [{"message": "Asha Moyo"}]}, "source_contract"),
            ({"errors": [{"message": "Asha"}], "data": None}, "source_contract"),
            (
                {
                    "errors": [{"message": "Asha", "path": ["Moyo"]}],
                    "data": {"people": [{"uin": NUMBER, "name": "Asha"}]},
                },
                "source_contract",
            ),
            ({"errors": [{"message": "Asha", "extensions": {"code": "Moyo"}}]}, "source_contract"),
            ({"errors": [{"extensions": {"code": "RATE_LIMITED"}}]}, "source_busy"),
            ({"errors": [{"extensions": {"code": "FORBIDDEN"}}]}, "source_refused"),
            ({"errors": [{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, "source_down"),
            ({"errors": "Asha"}, "source_contract"),
            ({"errors": [None]}, "source_contract"),
            ({"errors": [[]], "data": {}}, "source_contract"),
            ({"data": None}, "source_contract"),
            ({"data": []}, "source_contract"),
            ({"data": {"people": None}}, "source_contract"),
            ({"data": {"people": [None]}}, "source_contract"),
            ({"data": {"people": "Asha"}}, "source_contract"),
        ],
        ids=str,
    )
    async def test_errors_are_no_answers(self, tmp_path, content, reason):
        """Partial data neither; of an error only a code is read."""
        speaker = SPEAKERS[Protocol.GRAPHQL]
        async with (
            serving(body(orjson.dumps(content)), speaker.good) as server,
            connected(tmp_path, speaker, server.address) as registry,
        ):
            assert (await refused(registry)).reason == reason


class TestFhir:
    @pytest.mark.parametrize(
        "change",
        [
            {"entry": [{"fullUrl": "ELSEWHERE/Patient/p1"}]},
            {"entry": [{"resource": {"resourceType": "Bundle", "type": "searchset", "entry": []}}]},
            {"entry": [{"resource": None}]},
            {"entry": None},
            {"entry": {}},
            {"type": "history"},
            {"type": "batch-response"},
            {"resourceType": "Parameters"},
            {"total": -1},
            {"total": 10**30},
            {"total": True},
            {"link": [{"relation": "next", "url": "ELSEWHERE/Patient"}]},
            {"link": [{"relation": "next"}]},
            {"link": "ELSEWHERE"},
        ],
        ids=str,
    )
    async def test_bundles_that_are_none_or_lead_elsewhere(self, tmp_path, change):
        """A resource that stands somewhere else is not fetched from there."""

        def changed(good, place):
            return orjson.dumps(orjson.loads(good) | _pointing(change, place))

        async with answered(tmp_path, Protocol.FHIR, changed) as (registry, elsewhere):
            assert isinstance(await refused(registry), SourceContractError)
            assert elsewhere.connections == 0


def _pointing(part, place):
    if isinstance(part, dict):
        return {key: _pointing(value, place) for key, value in part.items()}
    if isinstance(part, list):
        return [_pointing(one, place) for one in part]
    if isinstance(part, int) and part > 2**60:
        return float(part)
    return part.replace("ELSEWHERE", place) if isinstance(part, str) else part
