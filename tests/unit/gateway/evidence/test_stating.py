"""Stating: what an answer rests on stands in its journal entry, and tells nobody what any registry said."""

import hashlib

import orjson
import pytest

from adapters.said import Said, Signed
from gateway.cache import MemoryCache
from gateway.evidence.stating import form_words, salt_of, salted, sources_of
from gateway.journal.chain import entry_text
from gateway.keys import Keys
from gateway.pipeline import answer
from gateway.ports import JournalEntry
from standards.identifiers import HOUSEHOLD_ID, Identifier
from standards.permit import Form, FormKind, Operator
from tests.builders import ASHA, KEY, KEYS, World, item, question, uin
from tests.unit.gateway.evidence.conftest import DIGESTS, Office


async def entry_of(world: World, consumer: str = "cct-education") -> JournalEntry:
    """The journal entry of a question about Asha's household."""
    return (await answer(question(item(), consumer), world.rooms)).entry


def bodies(world: World) -> dict[str, list[bytes]]:
    """What every lookup was answered, word for word, as the in-memory registries note it."""
    found: dict[str, list[bytes]] = {}
    for id_, registry in world.registries.items():
        for asked in registry.asked:
            records = {s: registry._record(asked, s) for s in asked.subjects}
            found.setdefault(f"{id_}.{asked.lookup}", []).append(repr((id_, asked.lookup, records)).encode())
    return found


async def test_every_response_is_named_by_a_salted_digest():
    """Of every registry that was asked, under its lookup; who knows salt and body can confirm each."""
    world = World()
    entry = await entry_of(world)
    salt = salt_of(entry.salt, KEYS)
    said = {
        name: sorted(salted(salt, hashlib.sha256(body).digest()) for body in set(found))
        for name, found in bodies(world).items()
    }

    assert said
    assert entry.sources == said


async def test_nobody_can_try_what_a_registry_may_have_said():
    """No digest in the entry is one of a body, and equal bodies have other digests in every entry."""
    world = World()
    first, second = await entry_of(world), await entry_of(world)
    texts = entry_text(first) + entry_text(second)

    assert first.salt != second.salt
    assert first.sources.keys() == second.sources.keys()
    for name, digests in first.sources.items():
        assert set(digests).isdisjoint(second.sources[name])
    for body in (body for found in bodies(world).values() for body in found):
        plain = hashlib.sha256(body)
        for tried in (plain.hexdigest(), hashlib.sha256(plain.digest()).hexdigest(), plain.hexdigest()[:16]):
            assert tried not in texts
    other = Keys(KEYS.signing, b"another key of thirty-two bytes...")
    assert salt_of(first.salt, other) != salt_of(first.salt, KEYS)


def test_a_signature_that_held_is_stated_with_the_response_it_was_over():
    """Under the salted digest alone: whose key, which form, when; of the others, nothing."""
    held = Said(b"1" * 32, Signed("kid-1", "jws", "2026-11-21T10:00:00+00:00"))
    told = sources_of({("crvs", "person"): {held, Said(b"2" * 32)}, ("tax", "taxpayer"): {Said(b"3" * 32)}}, KEYS)
    salt = salt_of(told.nonce, KEYS)

    assert {name: len(digests) for name, digests in told.digests.items()} == {"crvs.person": 2, "tax.taxpayer": 1}
    assert told.signed == {salted(salt, b"1" * 32): {"key": "kid-1", "form": "jws", "at": "2026-11-21T10:00:00+00:00"}}


async def test_an_answer_from_the_cache_names_what_it_was_read_from():
    """The same responses as the answer before; and an answer that is given again names them as that one did."""
    world = World(cache=MemoryCache(KEY, 10_000_000))
    entries = [await entry_of(world) for _ in range(3)]
    asked = dict(world.asked)
    said = bodies(world)

    assert world.rooms.recall.recalled == 1
    assert world.asked == asked
    for entry in entries:
        salt = salt_of(entry.salt, KEYS)
        assert entry.sources == {
            name: sorted(salted(salt, hashlib.sha256(body).digest()) for body in set(found))
            for name, found in said.items()
        }
    assert entries[2].salt == entries[1].salt != entries[0].salt
    assert entries[2].permit == entries[0].permit


async def test_the_permit_is_what_was_asked_for_and_agreed(office: Office):
    """Every attribute in its form, what is read in place of it, and the agreement's file."""
    entry = (await office.ask(attributes=frozenset({"income_annual", "given_name", "total_land_ha"}))).entry

    assert entry.permit == {
        "agreement_sha256": DIGESTS["uct-eligibility", "1.0"],
        "legal_basis": "consent",
        "household_rule": "registered-or-kin@1",
        "forms": {
            "given_name": "value",
            "income_annual": "band 1,6000,12000,24000,48000,96000",
            "total_land_ha": "value",
        },
        "reads": ["land_area_ha"],
    }


async def test_everybodys_ground_is_named_where_people_decide(office: Office):
    """By a pseudonym that the entry has for this person anyway, with the receipt that counted."""
    entry = (await office.ask()).entry
    mine = KEYS.pseudonym_of(uin(ASHA))
    (receipt,) = await office.ledger.receipts(dict([uin(ASHA)]))

    assert entry.grounds.keys() <= set(entry.members) | {name for name in entry.grounds if " " in name}
    named = {KEYS.pseudonym_of(Identifier(type_, value)) for type_, value in ASHA.items() if type_ != HOUSEHOLD_ID}
    (ground,) = [ground for name, ground in entry.grounds.items() if name in named | {mine}]
    assert ground == {"basis": f"consent:{receipt.receipt_id}", "kept_back": []}


async def test_where_nobody_decides_nobody_is_named():
    """A public task to which nobody has objected rests on the law."""
    assert (await entry_of(World())).grounds == {}


async def test_what_was_denied_rests_on_nothing(office: Office):
    """No permit, nobody asked."""
    entry = (await office.ask(purpose="research")).entry

    assert (entry.permit, entry.grounds, entry.sources, entry.salt) == ({}, {}, {}, "")


async def test_what_is_stated_can_be_written(office: Office):
    """As canonical JSON that reads back as it was."""
    entry = (await office.ask()).entry
    told = orjson.loads(entry_text(entry))

    assert told["permit"] == entry.permit
    assert told["grounds"] == entry.grounds
    assert told["sources"] == entry.sources


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (Form(FormKind.VALUE), "value"),
        (Form(FormKind.MASKED), "masked"),
        (Form(FormKind.PSEUDONYM, to="uin"), "pseudonym"),
        (Form(FormKind.BAND, edges=(1, 2.5, 1_234_567)), "band 1,2.5,1234567"),
        (Form(FormKind.PREDICATE, operator=Operator.LT, threshold=24_000), "predicate lt 24000"),
        (Form(FormKind.PREDICATE, operator=Operator.IN, threshold=(1, 2)), "predicate in 1,2"),
        (Form(FormKind.GENERALISED, to="district"), "generalised to district"),
    ],
)
def test_a_form_is_one_line(form, words):
    """Different forms have different lines."""
    assert form_words(form) == words
