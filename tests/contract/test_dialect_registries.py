"""The DCI driver against registries that speak each dialect, at once and by callback: the people are the same."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.callbacks import Here, Waiting
from adapters.catalogue import FOLDER, Registries, connect, load_manifest
from adapters.generic.dci.options import DciField, DciOptions
from adapters.generic.dci.trust import Identity
from adapters.manifest import Limits, Manifest
from adapters.ports import Deadline, EventWish, Fetch
from adapters.said import listen
from adapters.transport.client import open_session
from gateway.api.dci import callbacks
from gateway.api.state import GATEWAY
from gateway.bootstrap import utc_now
from gateway.settings import Limits as RequestLimits
from gateway.trust.limiting import Limiting
from mocks.country import open_country
from mocks.people import Person
from mocks.population import build
from mocks.speaking import DIALECTS
from standards.dci.events import EventKind
from standards.errors import SourceContractError, SourceError, SourceUnavailableError
from standards.identifiers import Identifier
from standards.signing import public_jwk

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

OPTIONS: dict[str, dict[str, Any]] = {
    "g2": {"dialect": "g2"},
    "g3": {"dialect": "g3"},
    "g4": {"dialect": "g4"},
    "g5": {"dialect": "g5"},
    "opencrvs-2024": {"dialect": "g2", "preset": "opencrvs-2024"},
    "opencrvs-1.9": {"dialect": "g4", "preset": "opencrvs-1.9"},
    "openspp2": {"preset": "openspp2", "trust": {"sign": "keyed"}},
    "openg2p-2026": {"preset": "openg2p-2026"},
    "openimis": {"preset": "openimis"},
    "spdci-mockups": {"preset": "spdci-mockups", "quirks": {"prefix": "/crvs"}},
}
LOOKUP: dict[str, dict[str, Any]] = {
    "g2": {"reg_event_type": "ns:org:RegistryEventType:LiveBirth"},
    "g3": {"reg_event_type": "spdci-common:RegistryEventType:LiveBirth"},
    "opencrvs-1.9": {"reg_event_type": "birth"},
    "opencrvs-2024": {
        "reg_type": "ocrvs:registry_type:birth",
        "reg_event_type": "birth",
        "identifier_types": {"UIN": "NID"},
        "attributes": {"given_name": DciField(path="givenName"), "birth_date": DciField(path="birthDate", type="date")},
        "as_of_path": None,
    },
}
ATTRIBUTES = {"given_name": DciField(path="name.given_name"), "birth_date": DciField(path="birth_date", type="date")}
SECRETIVE = {"opencrvs-2024"}
"""Which call back without any credentials."""
NEVER_CALLING = {"openg2p-2026"}
KEY = Ed25519PrivateKey.generate()


class Standing:
    """What the door of the gateway stands on, and no more."""

    def __init__(self) -> None:
        self.registries, self.waiting = Registries(()), Waiting()
        self.manifests: tuple[Manifest, ...] = ()
        self.rooms = SimpleNamespace(now=utc_now)
        self.limits = Limiting(RequestLimits())


class Country:
    """Civil registration of a small country, the door that it calls back at, and the people it knows."""

    def __init__(self, served: Any, session: Any, door: TestServer, standing: Standing) -> None:
        self.mock, self.url = served.registry, served.url
        self._session, self._door, self._standing = session, door, standing
        self.waiting = standing.waiting
        people = [p for p in self.mock.population.people if p.uin and p.brn and not p.drn and p.second_uin is None]
        self.people: list[Person] = people[:2]

    def connected(self, name: str, **options: Any) -> Any:
        """Let it speak a dialect, and return its connection."""
        self.mock.dialect = DIALECTS[name]
        manifest = load_manifest(FOLDER / "crvs" / "manifest.yaml")
        lookup = manifest.lookup("person").model_copy(
            update={"attributes": tuple(ATTRIBUTES), "as_of": False, "kin": False, "by": ("UIN",)}
        )
        assert manifest.dci is not None
        layout = manifest.dci.lookups["person"].model_copy(
            update={"attributes": ATTRIBUTES, "parents_paths": (), "children_path": None, "spouse_path": None}
            | LOOKUP.get(name, {})
        )
        stated = {"reg_type": manifest.dci.reg_type, "receiver_id": "crvs.registries.pv", "lookups": {"person": layout}}
        dci = DciOptions(**(stated | OPTIONS[name] | options))
        limits = Limits(timeout_s=2.0, retries=0)
        update = {"lookups": (lookup,), "dci": dci, "limits": limits, "authority": {}, "stands_in_for": ()}
        environment = {"HEARTH_CRVS_URL": self.url, "KEYS": orjson.dumps(self.mock.signer.published()).decode()}
        environment |= {f"HEARTH_CRVS_{key}": value for key, value in self.mock.credentials.items()}
        signing = (KEY, public_jwk(KEY.public_key())["kid"])
        here = Here(
            self.waiting,
            str(self._door.make_url("")).rstrip("/"),
            lambda source_id: f"{source_id}.of-events",
            Identity(lambda: signing),
        )
        manifest = manifest.model_copy(update=update)
        registries = connect((manifest,), self._session, environment, here)
        self._standing.registries, self._standing.manifests = registries, (manifest,)
        return registries["crvs"]

    async def ask(self, registry: Any, deadline_s: float = 5.0) -> list[dict[str, Any] | None]:
        """Return what it says of two people, and of a number that nobody has."""
        subjects = [*(Identifier("UIN", str(one.uin)) for one in self.people), Identifier("UIN", "0000000000")]
        request = Fetch("crvs", "person", tuple(subjects), frozenset(ATTRIBUTES), "txn-1")
        records = (await registry.guarded.fetch(request, Deadline.after(deadline_s))).records
        return [None if records[one] is None else dict(records[one].values) for one in subjects]

    @property
    def truth(self) -> list[dict[str, Any] | None]:
        """What is true of them."""
        told = [{"given_name": one.given_name, "birth_date": one.birth_date.isoformat()} for one in self.people]
        return [*told, None]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened():
    """The country, served once for this file."""
    app = web.Application()
    app.add_routes(callbacks.routes())
    standing = Standing()
    app[GATEWAY] = cast("Any", standing)
    door = TestServer(app)
    async with open_country(build(60, 11)) as served, open_session() as session, door:
        yield Country(served["crvs"], session, door, standing)


@pytest_asyncio.fixture(loop_scope="module")
async def country(opened):
    """The country; afterwards it speaks the release again, behaves, and nobody waits."""
    yield opened
    opened.mock.dialect = DIALECTS["g4"]
    opened.mock.later.manners.clear()
    opened.mock.signer.form = "none"
    assert opened.waiting.open == opened.waiting.held == 0


@pytest.mark.parametrize("name", OPTIONS)
async def test_every_dialect_tells_the_same_of_the_same_people(country: Country, name: str):
    """Whom it knows, as they are; and of a number that nobody has, that there is nobody."""
    assert await country.ask(country.connected(name)) == country.truth


@pytest.mark.parametrize("name", sorted(OPTIONS.keys() - NEVER_CALLING))
@pytest.mark.parametrize("manner", [{}, {"when": "before"}, {"copies": 2}, {"ack": "accepted"}], ids=str)
async def test_every_dialect_tells_it_by_callback_too(country: Country, name: str, manner: dict[str, Any]):
    """At once, before the acknowledgement, and twice; with what proof it can give."""
    token = {"auth": "bearer", "token": "env:HEARTH_CRVS_CALLBACK_TOKEN"}
    proof = {"auth": "secret_path"} if name in SECRETIVE else token
    registry = country.connected(name, mode="async", callback=proof)
    country.mock.later.manners.manner = country.mock.later.manners.manner._replace(**manner)

    assert await country.ask(registry) == country.truth


@pytest.mark.parametrize("name", ["g3", "g4", "openg2p-2026", "opencrvs-1.9"])
async def test_some_can_be_asked_what_became_of_a_question(country: Country, name: str):
    """Where no callback comes."""
    token = {"auth": "bearer", "token": "env:HEARTH_CRVS_CALLBACK_TOKEN"}
    registry = country.connected(name, mode="async", callback=token, poll_s=0.02)
    country.mock.later.manners.manner = country.mock.later.manners.manner._replace(when="never")

    assert await country.ask(registry) == country.truth


async def test_a_registry_asked_in_the_wrong_dialect_refuses_and_tells_nobody_apart(country: Country):
    """A dialect is configured and not guessed: what comes of a wrong one is an error, never "nobody"."""
    for name in sorted(OPTIONS):
        registry = country.connected("g4")
        country.mock.dialect = DIALECTS[name]
        try:
            told = await country.ask(registry)
        except SourceError:
            continue
        assert told == country.truth, name


@pytest.mark.parametrize(
    ("manner", "status"),
    [
        ({"bearer": "wrong"}, 401),
        ({"bearer": "none"}, 401),
        ({"body": "malformed"}, 400),
        ({"body": "stranger"}, 404),
    ],
    ids=str,
)
async def test_what_is_forged_broken_or_for_nobody_is_refused(country: Country, manner: dict[str, Any], status: int):
    """Nothing is taken, and the question ends without an answer."""
    token = {"auth": "bearer", "token": "env:HEARTH_CRVS_CALLBACK_TOKEN"}
    registry = country.connected("g4", mode="async", callback=token)
    country.mock.later.manners.manner = country.mock.later.manners.manner._replace(**manner)
    with pytest.raises(SourceUnavailableError, match="source_timeout"):
        await country.ask(registry, 0.3)

    assert country.mock.later.callbacks.sent[-1].status == status


@pytest.mark.parametrize("name", ["death"])
async def test_it_can_be_subscribed_to(country: Country, name: str):
    """The wish is acknowledged under a handle, and is there."""
    token = {"auth": "bearer", "token": "env:HEARTH_CRVS_CALLBACK_TOKEN"}
    registry = country.connected("g4", callback=token, events=(name,))
    wish = EventWish(EventKind(name), Identifier("UIN", str(country.people[0].uin)), "txn-9", "ref-9")

    assert await registry.events.subscribe(wish, Deadline.after(5))
    assert registry.events.kinds == {EventKind.DEATH}
    assert registry.events.identifier_types == ("UIN",)


# -- signatures

JWKS = {"jwks_path": "/.well-known/jwks.json"}


async def heard(country: Country, registry: Any) -> list[str | None]:
    """Ask, and return in which form each response was signed."""
    said = listen()
    assert await country.ask(registry) == country.truth
    return [one.signed.form if one.signed else None for one in said]


@pytest.mark.parametrize("form", ["keyed", "jws", "detached"])
async def test_what_a_registry_signs_is_verified_and_noted(country: Country, form: str):
    """With its published keys; at once, by callback, and where the signature is the callback's only proof."""
    country.mock.signer.form = form
    trust = {"answers": "required", "sign": form, **JWKS}
    token = {"auth": "bearer", "token": "env:HEARTH_CRVS_CALLBACK_TOKEN"}
    for options in ({}, {"mode": "async", "callback": token}, {"mode": "async", "callback": {"auth": "signature"}}):
        assert await heard(country, country.connected("g4", trust=trust, **options)) == [form]


async def test_keys_may_be_registered_instead_of_fetched(country: Country):
    """As a key set; nothing is fetched then."""
    country.mock.signer.form = "jws"
    registry = country.connected("g4", trust={"answers": "required", "keys": "env:KEYS"})

    assert await heard(country, registry) == ["jws"]


@pytest.mark.parametrize("form", ["none", "wrong", "placeholder"])
async def test_what_does_not_hold_is_no_answer(country: Country, form: str):
    """Missing, of another message, or a text in its place: refused at once, and at the door."""
    country.mock.signer.form = form
    trust = {"answers": "required", **JWKS}
    with pytest.raises(SourceContractError, match="signature"):
        await country.ask(country.connected("g4", trust=trust))
    with pytest.raises(SourceUnavailableError):
        await country.ask(country.connected("g4", mode="async", callback={"auth": "signature"}, trust=trust), 0.3)
    assert country.mock.later.callbacks.sent[-1].status == 401


async def test_a_signature_may_be_left_out_where_that_is_agreed_and_never_be_wrong(country: Country):
    """A known placeholder counts as none."""
    trust = {"answers": "optional", "placeholders": ("signature",), **JWKS}
    for form, signed in (("none", None), ("placeholder", None), ("detached", "detached")):
        country.mock.signer.form = form
        assert await heard(country, country.connected("g4", trust=trust)) == [signed]
    country.mock.signer.form = "wrong"
    with pytest.raises(SourceContractError, match="signature"):
        await country.ask(country.connected("g4", trust=trust))


async def test_a_new_key_is_looked_up_and_a_registry_cannot_make_us_look_all_the_time(country: Country, monkeypatch):
    """One look in so many seconds; what was read before serves on."""
    country.mock.signer.form = "keyed"
    registry = country.connected("g4", trust={"answers": "required", **JWKS})
    assert await heard(country, registry) == ["keyed"]
    country.mock.signer.rotate()
    with pytest.raises(SourceContractError, match="not registered"):
        await country.ask(registry)
    monkeypatch.setattr("adapters.generic.dci.trust.PAUSE_S", 0.0)
    assert await heard(country, registry) == ["keyed"]


async def test_a_registry_that_is_switched_off_is_not_listened_to(country: Country):
    """Whatever it calls back with, and however well it proves itself."""
    token = {"auth": "bearer", "token": "env:HEARTH_CRVS_CALLBACK_TOKEN"}
    registry = country.connected("g4", mode="async", callback=token)
    country.mock.later.manners.manner = country.mock.later.manners.manner._replace(delay_ms=50)
    asking = asyncio.ensure_future(country.ask(registry, 0.5))
    while not country.waiting.open:  # noqa: ASYNC110 - nobody rings when a question begins to wait
        await asyncio.sleep(0.001)
    registry.guarded.is_suspended = True
    with pytest.raises(SourceError):
        await asking

    assert country.mock.later.callbacks.sent[-1].status == 403


async def test_what_only_a_shadow_or_a_canary_is_connected_for_tells_no_events(country: Country):
    """Nobody is forgotten, and no programme told, on the word of a registry of which no version is live."""
    country.connected("g4", callback={"auth": "secret_path"})
    (manifest,) = country._standing.manifests
    country._standing.manifests = (manifest.model_copy(update={"id": "land"}),)
    address = country._door.make_url("/callbacks/crvs.of-events/registry/notify")
    async with aiohttp.ClientSession() as client:
        answer = await client.post(address, json={"header": {}, "message": {}})

    assert answer.status == 403


async def test_a_secret_address_opens_one_question_and_nothing_else(country: Country):
    """Events come to another address, known to this registry alone; no registry that can prove itself has one."""
    door, path = country._door, "registry/notify"
    body: dict[str, Any] = {"header": {}, "message": {}}
    country.connected("g4", callback={"auth": "secret_path"})
    for secret, status in (("crvs.guessed", 404), ("crvs.of-events", 400), ("tax.of-events", 404)):
        async with aiohttp.ClientSession() as client:
            answer = await client.post(door.make_url(f"/callbacks/{secret}/{path}"), json=body)
            assert answer.status == status, secret
    country.connected("g4", callback={"auth": "bearer", "token": "env:HEARTH_CRVS_CALLBACK_TOKEN"})
    async with aiohttp.ClientSession() as client:
        answer = await client.post(door.make_url(f"/callbacks/crvs.of-events/{path}"), json=body)
        assert answer.status == 404
