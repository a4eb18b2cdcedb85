"""X-Road around a way to a registry: what is sent, what an answer must bear, what errors of the servers mean."""

from __future__ import annotations

import re

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.generic.xroad.errors import meaning
from adapters.generic.xroad.layer import ThroughSecurityServer, new_id, through
from adapters.generic.xroad.options import XRoadOptions
from adapters.generic.xroad.soap import SHA512, HeaderBlock, digest, told
from adapters.manifest import Connection, OAuth2Auth
from adapters.markup import MarkupError
from adapters.ports import Deadline, Response
from standards.errors import (
    ConfigurationError,
    SourceContractError,
    SourceRefusedError,
    SourceUnavailableError,
)
from tests.fakes import InMemoryClient
from tests.unit.adapters.builders import small_manifest

LONG = Deadline.after(3600)
CLIENT = "PV/GOV/1001/hearth"
SERVICE = "PV/GOV/2002/civil/births"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
BODY = f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body><Find xmlns="urn:probe"/></s:Body></s:Envelope>'.encode()


class Client(InMemoryClient):
    """An in-memory way that can be closed."""

    is_closed = False

    async def close(self):
        self.is_closed = True


def options(protocol="rest", **changes):
    """Return options of one protocol."""
    return XRoadOptions.model_validate({"protocol": protocol, "client": CLIENT, "service": SERVICE} | changes)


def layer(answers, protocol="rest", **changes):
    """Return the layer over prepared answers, and what is below it."""
    client = Client(answers)
    return ThroughSecurityServer(client, "probe", options(protocol, **changes), new_id=lambda: "m-1"), client


def rest_answer(status=200, body=b"{}", **headers):
    """Return an answer of a security server."""
    usual = {"x-road-id": "m-1", "x-road-client": CLIENT, "x-road-service": SERVICE}
    told_ = usual | {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status, "application/json", body, headers={name: text for name, text in told_.items() if text})


def soap_answer(fields, content='<Found xmlns="urn:probe"/>', status=200):
    """Return an answer with a header block."""
    head = f"<s:Header>{fields}</s:Header>" if fields is not None else ""
    text = f'<s:Envelope xmlns:s="{ENVELOPE}">{head}<s:Body>{content}</s:Body></s:Envelope>'
    return Response(status, "text/xml", text.encode())


def block(message="m-1", client=CLIENT, service=SERVICE, extra=""):
    """Return the header block that an answer repeats."""
    whole = HeaderBlock(options("soap", client=client, service=service)).into(BODY, service, message)
    return whole.decode().partition("<s:Header>")[2].partition("</s:Header>")[0] + extra


def hashed(text, algorithm=SHA512):
    """Return a hash of the request, as an answer states it."""
    return f'<q:requestHash xmlns:q="http://x-road.eu/xsd/xroad.xsd" algorithmId="{algorithm}">{text}</q:requestHash>'


def hashed_answer(sent):
    """Return the right answer to an envelope."""
    return soap_answer(block(extra=hashed(digest(sent.body or b""))))


class TestRest:
    async def test_a_question_goes_to_the_service_s_own_path_with_its_headers(self):
        """What the adapter sends stays as it is."""
        way, client = layer([rest_answer()], user_id="hearth", represented_party="GOV/3003", issue="Act 12/2026")
        await way.send("POST", "/people", LONG, params={"a": "b"}, headers={"Accept": "x"}, body=b"1")

        (sent,) = client.sent
        assert (sent.method, sent.path, sent.params, sent.body) == ("POST", f"/r1/{SERVICE}/people", {"a": "b"}, b"1")
        assert sent.headers == {
            "Accept": "x",
            "X-Road-Client": CLIENT,
            "X-Road-Id": "m-1",
            "X-Road-UserId": "hearth",
            "X-Road-Represented-Party": "GOV/3003",
            "X-Road-Issue": "Act 12/2026",
        }

    async def test_every_message_has_an_id_of_its_own(self):
        """Also a second try."""
        client = Client(lambda sent: rest_answer(x_road_id=sent.headers["X-Road-Id"]))
        way = ThroughSecurityServer(client, "probe", options())
        for _ in range(50):
            await way.send("GET", "", LONG)

        assert len({sent.headers["X-Road-Id"] for sent in client.sent}) == 50

    @pytest.mark.parametrize(
        "answer",
        [
            rest_answer(x_road_id="m-2"),
            rest_answer(x_road_id=""),
            rest_answer(x_road_client="PV/GOV/1001/other"),
            rest_answer(x_road_client=""),
            rest_answer(x_road_service=SERVICE + "2"),
            rest_answer(x_road_service=""),
            rest_answer(404, x_road_id="m-2"),
            rest_answer(404, x_road_id=""),
            rest_answer(x_road_id="m-2, m-1"),
            Response(200, "application/json", b"{}"),
        ],
    )
    async def test_an_answer_to_another_message_is_refused(self, answer):
        """Whatever it says."""
        with pytest.raises(SourceContractError, match=r"x-road-[a-z]+: (not that of the request|missing)"):
            await layer([answer])[0].send("GET", "", LONG)

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (404, SourceContractError),
            (410, SourceContractError),
            (403, SourceRefusedError),
            (502, SourceUnavailableError),
        ],
    )
    async def test_what_stands_before_the_server_never_speaks_for_the_registry(self, status, error):
        """A proxy's 502 is an outage, and its 404 means nobody's absence."""
        with pytest.raises(error, match=f"status {status}, not from a security server"):
            await layer([Response(status, "text/html", b"")])[0].send("GET", "", LONG)

    async def test_the_hash_of_the_request_must_hold_where_it_is_checked(self):
        """A server that counts its headers in has another one, so it is checked only where the manifest says so."""
        right, wrong = rest_answer(x_road_request_hash=digest(b"1")), rest_answer(x_road_request_hash=digest(b"2"))
        await layer([right], request_hash="checked")[0].send("POST", "", LONG, body=b"1")
        await layer([wrong])[0].send("POST", "", LONG, body=b"1")
        for answer in (wrong, rest_answer()):
            with pytest.raises(SourceContractError, match="request-hash"):
                await layer([answer], request_hash="checked")[0].send("POST", "", LONG, body=b"1")

    async def test_the_servers_own_errors_are_raised_and_the_registry_s_passed_on(self):
        """The header tells them apart; their text is not shown."""
        own = Response(
            500,
            "application/json",
            b'{"message": "Asha Moyo"}',
            headers={"x-road-error": "Server.ServerProxy.AccessDenied"},
        )
        with pytest.raises(SourceRefusedError, match=r"X-Road Server\.ServerProxy\.AccessDenied") as caught:
            await layer([own])[0].send("GET", "", LONG)
        passed = await layer([rest_answer(404)])[0].send("GET", "", LONG)

        assert "Asha" not in str(caught.value)
        assert passed.status == 404

    async def test_a_code_that_may_hold_a_number_is_not_shown(self):
        """It is the servers' text, after all."""
        own = Response(500, "", b"", headers={"x-road-error": "Server.ServerProxy.2000000014"})
        with pytest.raises(SourceUnavailableError) as caught:
            await layer([own])[0].send("GET", "", LONG)

        assert "2000000014" not in str(caught.value)

    async def test_closing_it_closes_the_way_below(self):
        """It owns nothing else."""
        way, client = layer([])
        await way.close()

        assert client.is_closed


class TestSoap:
    async def test_the_envelope_gets_the_header_block(self):
        """Everything the message protocol wants, and the content as it was."""
        way, client = layer(hashed_answer, "soap", user_id="hearth", issue="A-1", represented_party="GOV/3003")
        await way.send("POST", "/ignored", LONG, headers={"SOAPAction": '"x"'}, body=BODY)

        (sent,) = client.sent
        root = fromstring(sent.body or b"", forbid_dtd=True)
        said = {
            one.tag.partition("}")[2]: "/".join(filter(None, (part.text for part in one.iter()))) for one in root[0]
        }
        assert (sent.path, sent.headers) == ("/", {"SOAPAction": '"x"'})
        assert said == {
            "client": CLIENT,
            "service": SERVICE,
            "id": "m-1",
            "userId": "hearth",
            "issue": "A-1",
            "protocolVersion": "4.0",
            "representedParty": "GOV/3003",
        }
        assert root[1][0].tag == "{urn:probe}Find"

    @pytest.mark.parametrize(
        "body",
        [
            BODY,
            BODY.replace(b"<s:Body>", b"<s:Header/><s:Body>"),
            BODY.replace(b"<s:Body>", b"<s:Header><own xmlns='u'/></s:Header><s:Body>"),
            BODY.replace(b"s:", b"").replace(b"xmlns:s", b"xmlns").replace(b"xmlnsEnv", b"xmlns"),
            b'<?xml version="1.0"?>\n' + BODY.replace(b"<s:Body>", b"<s:Body id='1'>"),
        ],
    )
    def test_it_goes_into_any_envelope(self, body):
        """With and without a header of its own, with any prefix."""
        whole = HeaderBlock(options("soap")).into(body, SERVICE, "m-1")

        assert told(whole).fields == {"client": CLIENT, "service": SERVICE, "id": "m-1", "protocolVersion": "4.0"}
        assert len(fromstring(whole).findall(f"{{{ENVELOPE}}}Header")) == 1

    def test_the_service_may_be_named_by_the_content(self):
        """And may have a version."""
        named = HeaderBlock(options("soap", service="PV/GOV/2002/civil/*/v2"))

        assert named.service(BODY) == "PV/GOV/2002/civil/Find/v2"
        assert told(named.into(BODY, named.service(BODY), "m")).fields["service"] == "PV/GOV/2002/civil/Find/v2"

    @pytest.mark.parametrize(
        "answer",
        [
            soap_answer(block(message="m-2")),
            soap_answer(block(client="PV/GOV/1001/other")),
            soap_answer(block(service="PV/GOV/2002/civil/deaths")),
            soap_answer(""),
            soap_answer(None),
            soap_answer(block()),
            soap_answer(block(extra=hashed(""))),
            soap_answer(block(extra=hashed(digest(b"another")))),
            soap_answer(block(extra=hashed(digest(b"another"), "md5"))),
            soap_answer(block(message="m-2"), "<s:Fault><faultcode>s:Server</faultcode></s:Fault>", 500),
            Response(200, "text/xml", b"junk"),
            Response(200, "text/xml", b'<!DOCTYPE a [<!ENTITY e "m-1">]>' + soap_answer(block("&e;")).body),
        ],
    )
    async def test_an_answer_to_another_message_is_refused(self, answer):
        """Whatever it says."""
        with pytest.raises(SourceContractError):
            await layer([answer], "soap")[0].send("POST", "", LONG, body=BODY)

    async def test_the_hash_of_the_request_holds(self):
        """It is that of the envelope as it went out."""
        way, _ = layer(hashed_answer, "soap")
        unchecked, _ = layer([soap_answer(block(extra=hashed("x")))], "soap", request_hash="unchecked")

        assert (await way.send("POST", "", LONG, body=BODY)).status == 200
        assert (await unchecked.send("POST", "", LONG, body=BODY)).status == 200

    @pytest.mark.parametrize("field", ["id", "client", "service", "requestHash"])
    @pytest.mark.parametrize("is_right_last", [True, False])
    async def test_a_field_that_stands_there_twice_says_nothing(self, field, is_right_last):
        """Whichever of the two is the right one."""

        def twice(sent):
            right = block(extra=hashed(digest(sent.body or b"")))
            wrong = block("m-2", "PV/GOV/1001/other", SERVICE + "2", hashed(digest(b"another")))
            other = next(one for one in re.findall(r"<(?:xro|q):.*?</(?:xro|q):\w+>", wrong) if f":{field} " in one)
            return soap_answer(other + right if is_right_last else right + other)

        with pytest.raises(SourceContractError, match=f"X-Road {field}: not that of the request"):
            await layer(twice, "soap")[0].send("POST", "", LONG, body=BODY)

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            ("Server.ServerProxy.AccessDenied", SourceRefusedError),
            ("Server.ServerProxy.UnknownService", SourceContractError),
            ("Server.ClientProxy.NetworkError", SourceUnavailableError),
        ],
    )
    async def test_faults_of_the_servers_are_told_from_the_registry_s_own(self, code, error):
        """These come without header block."""
        fault = f"<s:Fault><faultcode>{code}</faultcode><faultstring>Asha</faultstring></s:Fault>"
        with pytest.raises(error):
            await layer([soap_answer(None, fault, 500)], "soap")[0].send("POST", "", LONG, body=BODY)
        own = soap_answer(None, fault.replace(code, "s:Client"), 500)

        assert (await layer([own], "soap")[0].send("POST", "", LONG, body=BODY)) == own

    async def test_what_is_no_envelope_is_not_sent(self):
        """A driver of another protocol cannot go this way."""
        way, client = layer([], "soap")
        with pytest.raises(SourceContractError, match="not a SOAP envelope"):
            await way.send("POST", "", LONG, body=b"{}")

        assert client.sent == []

    def test_a_block_that_is_not_found_at_once_is_found_all_the_same(self):
        """What only looks like the body's beginning decides nothing."""
        odd = soap_answer(block(extra="<!-- Body -->" + "<x>Body</x>")).body

        assert told(odd.replace(b"<s:Header>", b"<s:Header><a>Body</a>" + b" " * 3000)).fields["id"] == "m-1"
        with pytest.raises(MarkupError):
            told(b"<a>")


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("Server.ServerProxy.AccessDenied", "refused"),
        ("Server.ClientProxy.SslAuthenticationFailed", "refused"),
        ("Server.ServerProxy.UnknownService", "contract"),
        ("Server.ClientProxy.UnknownMember", "contract"),
        ("Server.ServerProxy.ServiceFailed.InvalidSoap", "contract"),
        ("Client.AnythingNew", "contract"),
        ("Server.ServerProxy.ServiceDisabled", "down"),
        ("Server.ServerProxy.ServiceFailed.NetworkError", "down"),
        ("Server.ClientProxy.OutdatedGlobalConf", "down"),
        ("Server.AnythingNew", "down"),
        ("", "down"),
    ],
)
def test_every_code_says_who_must_act(code, means):
    """What nobody has heard of is an outage, unless it blames the question."""
    assert meaning(code) == means


@given(st.from_regex(r"\A[0-9A-Za-z._-]*([0-9][._-]?){4,}[0-9A-Za-z._-]*\Z"))
def test_nobody_s_number_is_a_user(text):
    """However it is written; a word with a few digits is none."""
    with pytest.raises(ValidationError):
        options(user_id=text)
    assert options(user_id="hearth-2").user_id == "hearth-2"


@pytest.mark.parametrize(
    "changes",
    [
        {"client": "PV/GOV/1001"},
        {"client": "PV/GOV/10 01/hearth"},
        {"service": "PV/GOV/2002/civil"},
        {"service": "PV/GOV/2002/civil/*"},
        {"service": "PV/GOV/2002/civil/births/v1"},
        {"service": "PV/GOV/../civil/births"},
        {"issue": "a\r\nX-Road-Client: b"},
        {"represented_party": "a/b/c"},
    ],
)
def test_names_that_could_be_something_else_are_refused(changes):
    """No line breaks, no dots alone, no missing part; `*` and versions belong to soap."""
    with pytest.raises(ValidationError):
        options(**changes)


def test_it_is_put_around_what_it_can_carry():
    """Nothing without it; no tokens that would be asked for elsewhere; no envelopes where there are none."""
    client = Client([])
    plain = small_manifest()
    token = OAuth2Auth(kind="oauth2", token_path="/t", client_id="env:A", client_secret="env:B")
    assert through(client, plain) is client
    assert isinstance(through(client, plain.model_copy(update={"xroad": options()})), ThroughSecurityServer)
    connection = Connection(base_url="env:PROBE_URL", auth=token)
    with pytest.raises(ConfigurationError, match="oauth2"):
        through(client, plain.model_copy(update={"xroad": options(), "connection": connection}))
    with pytest.raises(ConfigurationError, match="use `rest`"):
        through(client, plain.model_copy(update={"xroad": options("soap")}))


def test_ids_are_unique():
    """As the message protocol wants."""
    assert len({new_id() for _ in range(1000)}) == 1000
