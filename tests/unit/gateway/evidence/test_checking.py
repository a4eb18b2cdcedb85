"""Checking a pack: everything in it is covered by something, and whatever is changed is found."""

import copy
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.evidence.checking import Line, check, holds, read_pack
from gateway.evidence.packing import TYPE, digest_of
from gateway.journal.chain import chained
from gateway.journal.checkpoints import checkpoint
from policies.receipts import Decision
from policies.signed import Signer
from standards.dci.codes import ResponseEntity
from standards.dci.search import FilterQuery, Page
from standards.errors import ConfigurationError
from standards.filters import Comparison
from standards.permit import Operator
from tests.builders import ASHA, JUMA, KEYS, NEEMA, NOW
from tests.unit.gateway.evidence.conftest import PUBLIC, Office
from tests.unit.gateway.test_consenting import carrying, emergencies, open_to, token

Pack = dict[str, Any]
Path_ = tuple[str | int, ...]


LINKING = "1 farmers_list.entry by surname+birth_date for everyone after 2: listed_crop"
"""A step that looks people up without a number of theirs."""


def failed(pack: Pack, **more: Any) -> dict[str, str]:
    """What does not hold of a pack: about what -> the sentence."""
    found: dict[str, str] = {}
    for line in check(read(pack), PUBLIC, **more):
        if line.holds is False:
            found[line.about] = f"{found.get(line.about, '')}{line.sentence}; "
    return found


def read(pack: Pack) -> Pack:
    """A pack as it comes out of its file."""
    return read_pack(orjson.dumps(pack))


def signed_anew(pack: Pack) -> Pack:
    """A pack that the gateway's own key has signed after something was changed in it."""
    claim = {"sha256": digest_of(pack), "at": NOW.isoformat()}
    return pack | {"proof": Signer(KEYS.signing).sign(claim, TYPE)}


def leaves(stated: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where every value of a pack stands."""
    if isinstance(stated, dict | list):
        named = stated.items() if isinstance(stated, dict) else enumerate(stated)
        for name, part in named:
            yield from leaves(part, (*path, name))
    else:
        yield path


def changed(pack: Pack, path: Path_, change: Callable[[Any], Any]) -> Pack:
    """The pack with one value changed."""
    other = copy.deepcopy(pack)
    holder: Any = other
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = change(holder[path[-1]])
    return other


def another(value: Any) -> Any:
    """A value of the same kind that is not the same."""
    if isinstance(value, str):
        middle = len(value) // 2
        return value[:middle] + ("b" if value[middle : middle + 1] != "b" else "c") + value[middle + 1 :]
    return 1 if value is None else value + 1


def rewritten(pack: Pack, **fields: Any) -> Pack:
    """A pack whose entry says something else, with chain, checkpoint and pack signed anew: a gateway that lies."""
    other = copy.deepcopy(pack)
    entry = orjson.loads(other["journal"]["entry"]) | fields
    journal = other["journal"] | {"entry": orjson.dumps(entry, option=orjson.OPT_SORT_KEYS).decode(), "after": []}
    hash_ = chained(journal["seq"], journal["previous"], journal["entry"])
    journal["checkpoint"] = checkpoint(journal["seq"], hash_, NOW, KEYS.signing)._asdict()
    return signed_anew(other | {"journal": journal})


async def test_signatures_of_registries_are_told_and_belong_to_what_was_said(office: Office):
    """Of a response that the answer rests on; a signature over anything else is held against the pack."""
    await office.ask()
    pack = await office.pack(correlation="c-1")
    entry = orjson.loads(pack["journal"]["entry"])
    one = {"key": "kid-1", "form": "jws", "at": "2026-11-21T10:00:00+00:00"}
    digest = entry["sources"]["crvs.person"][0]
    told = [line.sentence for line in check(read(rewritten(pack, signed={digest: one})), PUBLIC)]

    assert (
        f"crvs.person: {digest} was signed with the registry's key kid-1 (jws), as was verified at {one['at']}" in told
    )
    assert failed(rewritten(pack, signed={digest: one})) == {}
    assert "signatures over what no registry said" in failed(rewritten(pack, signed={"0" * 64: one}))["sources"]


async def test_a_pack_holds(office: Office):
    """Of an answer under consent: signature, chain, permit, everybody's receipt, plan."""
    answered = await office.ask()
    lines = check(read(await office.pack(correlation="c-1")), PUBLIC, answer=answered.item)

    assert holds(lines), lines
    assert {line.about for line in lines if line.holds} == {"pack", "journal", "permit", "consent", "plan", "answer"}


async def test_every_change_of_every_value_is_found(office: Office):
    """Whoever has no key of the gateway can change nothing: each value of the file, one after another."""
    await office.ask()
    await office.ask(correlation="c-2")
    pack = await office.pack(correlation="c-1", with_salt=True)
    places = list(leaves(pack))

    assert len(places) > 15
    for place in places:
        try:
            is_found = bool(failed(changed(pack, place, another)))
        except ConfigurationError:
            is_found = True
        assert is_found, place


@pytest.mark.parametrize("name", ["journal", "agreement", "receipts", "salt", "keys", "proof", "format"])
async def test_what_is_left_out_is_missed(office: Office, name):
    """A pack has all of its parts, and no others."""
    await office.ask()
    pack = await office.pack(correlation="c-1")

    with pytest.raises(ConfigurationError, match="not a pack of evidence"):
        read({n: part for n, part in pack.items() if n != name})
    with pytest.raises(ConfigurationError, match="not a pack of evidence"):
        read(pack | {"more": 1})


async def test_the_gateways_own_signature_does_not_make_a_changed_pack_true(office: Office):
    """Who holds the signing key later cannot change what the chain, the journal or a receipt has fixed."""
    await office.ask()
    await office.ask(correlation="c-2")
    pack = await office.pack(correlation="c-1")
    receipt = min(pack["receipts"])
    others = {
        "journal": (
            ("journal", "entry"),
            ("journal", "seq"),
            ("journal", "previous"),
            ("journal", "after", 0),
            ("journal", "checkpoint", "hash"),
            ("journal", "checkpoint", "seq"),
            ("journal", "checkpoint", "at"),
            ("journal", "checkpoint", "key"),
            ("journal", "checkpoint", "signature"),
        ),
        "permit": (("agreement", "text"), ("agreement", "digest")),
        "consent": (("receipts", receipt),),
    }

    for about, places in others.items():
        for place in places:
            assert about in failed(signed_anew(changed(pack, place, _spelled_otherwise))), place
    for after in ([], [*pack["journal"]["after"], "0" * 64]):
        assert "journal" in failed(signed_anew(pack | {"journal": pack["journal"] | {"after": after}}))
    assert "consent" in failed(signed_anew(pack | {"receipts": {}}))
    assert "permit" in failed(signed_anew(pack | {"agreement": None}))


def _spelled_otherwise(value: Any) -> Any:
    """Another value that can still be read, as somebody would choose it who wants it to pass."""
    if isinstance(value, str) and value.startswith("{"):
        return value.replace('"released":["', '"released":["x", "', 1)
    if isinstance(value, str) and value.startswith("2026"):
        return value.replace("2026", "2025", 1)
    return another(value)


async def test_another_gateways_keys_prove_nothing(office: Office):
    """Neither the pack, nor the checkpoint, nor the receipts."""
    await office.ask()
    pack = read(await office.pack(correlation="c-1"))
    key = Ed25519PrivateKey.generate()
    said = {line.about for line in check(pack, {"another": key.public_key()}) if line.holds is False}

    assert said == {"pack", "journal", "consent"}


@pytest.mark.parametrize(
    ("about", "changes", "words"),
    [
        ("permit", {"released": ["income_annual", "religion"]}, "did not name religion"),
        ("permit", {"purpose": "research"}, "no purpose research"),
        ("permit", {"consumer": "cct-education"}, "not cct-education's"),
        ("permit", {"at": "2036-01-01T00:00:00+00:00"}, "does not hold on 2036-01-01"),
        ("consent", {"grounds": {}}, "nobody's decision"),
        ("consent", {"purpose": "research"}, "the receipt is for eligibility"),
        ("consent", {"at": "2025-01-01T00:00:00+00:00"}, "holds from 2026-01-05 on"),
        ("plan", {"plan": "1 tax.taxpayer by TIN for everyone: income_annual, bank_account"}, "bank_account"),
        ("permit", {"plan": LINKING}, "no right to look people up by birth_date, surname"),
    ],
)
async def test_an_answer_that_should_not_have_been_given_shows(office: Office, about, changes, words):
    """Even where the gateway has signed it all: agreement, receipts and plan are held against each other."""
    await office.ask()

    assert words in failed(rewritten(await office.pack(correlation="c-1"), **changes))[about]


async def test_traits_that_people_were_looked_up_by_may_have_been_asked_for(office: Office):
    """Somebody had to state them, though the programme is told none of them."""
    await office.ask()
    plan = f"{LINKING}, FARMER_ID\n2 national_id.identity by UIN for everyone: surname, birth_date, phone"

    told = failed(rewritten(await office.pack(correlation="c-1"), plan=plan))["plan"]

    assert "national_id.identity is asked for phone, which nobody needs" in told


async def test_a_form_that_was_not_agreed_shows(office: Office):
    """The agreement gives a band; the permit says that it was the value."""
    await office.ask()
    pack = await office.pack(correlation="c-1")
    permit = orjson.loads(pack["journal"]["entry"])["permit"]
    forms = permit["forms"] | {"income_annual": "value"}

    assert permit["forms"]["income_annual"].startswith("band ")
    assert "income_annual in that form" in failed(rewritten(pack, permit=permit | {"forms": forms}))["permit"]


async def test_who_kept_something_back_is_shown_so(undecided: Office):
    """What was kept back is named, and held against it."""
    await undecided.decide(ASHA)
    await undecided.decide(JUMA)
    await undecided.decide(JUMA, decision=Decision.REFUSED, groups=frozenset({"income"}))
    await undecided.decide(NEEMA, decision=Decision.REFUSED)
    await undecided.ask()
    pack = await undecided.pack(correlation="c-1")
    entry = orjson.loads(pack["journal"]["entry"])
    kept_back = sorted(len(ground["kept_back"]) for ground in entry["grounds"].values())

    assert failed(pack) == {}
    assert kept_back[0] == 0
    assert 0 < kept_back[1] < len(entry["permit"]["forms"])
    assert kept_back[-1] == len(entry["permit"]["forms"])
    told = {name: ground | {"kept_back": []} for name, ground in entry["grounds"].items()}
    said = failed(rewritten(pack, grounds=told))["consent"]
    for words in ("says refused for employment_status, ", "says refused, and", "nobody has decided, and"):
        assert words in said


async def test_a_registry_that_was_refused_is_not_heard(undecided: Office):
    """Nor may the entry say that it was."""
    await undecided.decide(ASHA, decision=Decision.REFUSED, sources=frozenset({"tax"}))
    await undecided.ask()
    pack = await undecided.pack(correlation="c-1")
    entry = orjson.loads(pack["journal"]["entry"])
    heard = {name: ground | {"heard": ["tax"]} for name, ground in entry["grounds"].items()}

    assert failed(pack) == {}
    assert "says refused for tax, which was asked" in failed(rewritten(pack, grounds=heard))["consent"]


async def test_consent_that_ran_out_before_shows(office: Office):
    """A grant has a last day."""
    await office.decide(ASHA, until=date(2026, 10, 1))
    await office.ask()
    pack = await office.pack(correlation="c-1")

    assert failed(pack) == {}
    assert "held until 2026-10-01" in failed(rewritten(pack, at="2026-10-02T00:00:00+00:00"))["consent"]


async def test_a_registry_confirms_what_it_said(office: Office):
    """With the salt, from its own copy of the response; without it, nobody can try what it may have been."""
    answered = await office.ask(consumer="cct-education")
    (asked,) = office.world.registries["education"].asked
    records = (await office.world.registries["education"].fetch(asked, None)).records  # type: ignore[arg-type]
    body = repr(("education", asked.lookup, records)).encode()
    name = f"education.{asked.lookup}"
    closed, opened = await office.pack(correlation="c-1"), await office.pack(correlation="c-1", with_salt=True)

    assert answered.entry.sources[name]
    assert closed["salt"] is None
    assert "does not tell its salt" in failed(closed, said={name: body})["sources"]
    assert failed(opened, said={name: body}) == {}
    assert "is not what the answer rests on" in failed(opened, said={name: body + b" "})["sources"]


async def test_answers_of_every_kind_hold(office: Office):
    """A search, a person alone, a public task, nobody, a refusal: there is always something to prove."""
    poor = FilterQuery(Comparison("poverty_score", Operator.LT, 30), "poverty_score lt ?")
    asked: dict[str, dict[str, Any]] = {
        "searched": {"query": poor, "page": Page(5)},
        "alone": {"response_entity": ResponseEntity.MEMBER},
        "task": {"consumer": "cct-education"},
        "denied": {"purpose": "research"},
    }
    events = {}
    for correlation, question in asked.items():
        events[correlation] = (await office.ask(correlation=correlation, **question)).entry.event
        assert failed(await office.pack(correlation=correlation)) == {}, correlation

    searched = orjson.loads((await office.pack(correlation="searched"))["journal"]["entry"])
    assert "social.search" in searched["sources"]
    assert events == dict.fromkeys(("searched", "alone", "task"), "search.answered") | {"denied": "search.denied"}


async def test_no_pack_is_read_out_of_something_else():
    """Whatever it is, it is refused in one sentence."""
    for content in (b"", b"[]", b"{}", b"null", b'{"format":"hearth-evidence/1"}', b"\xff"):
        with pytest.raises(ConfigurationError, match="not a pack of evidence"):
            read_pack(content)


def test_a_line_that_tells_something_fails_nothing():
    """Only what was looked at can fail."""
    assert holds([Line("plan", None, "nobody was asked"), Line("pack", True, "signed")])
    assert not holds([Line("plan", None, "nobody was asked"), Line("pack", False, "not signed")])


async def test_answers_under_an_emergency_and_by_token_hold(undecided: Office, tmp_path):
    """The emergency is named by entry and ground alike; a token is named, and kept by the programme."""
    (tmp_path / "declared").mkdir()
    open_to(undecided.world, emergencies(tmp_path / "declared"))
    await undecided.ask(correlation="flood")
    open_to(undecided.world)
    await undecided.ask(correlation="token", consent=carrying(token()))
    flood, carried = [await undecided.pack(correlation=name) for name in ("flood", "token")]
    bases = [
        {ground["basis"] for ground in orjson.loads(one["journal"]["entry"])["grounds"].values()}
        for one in (flood, carried)
    ]

    assert failed(flood) == failed(carried) == {}
    assert "consent+emergency:flood-2026" in bases[0]
    assert any(basis.startswith("consent:ct-") for basis in bases[1])
    said = failed(rewritten(flood, agreement="uct-eligibility@1.0"))["consent"]
    assert "the entry does not name emergency:flood-2026" in said


async def test_an_objection_to_a_public_task_is_shown(undecided: Office):
    """Who objected to a part is named with the receipt; the others rest on the law."""
    objection = {"decision": Decision.OBJECTED, "purpose": "enrolment_verification"}
    await undecided.decide(NEEMA, **objection, groups=frozenset({"education"}))
    await undecided.decide(JUMA, **objection)
    await undecided.ask("cct-education")
    pack = await undecided.pack(correlation="c-1")
    entry = orjson.loads(pack["journal"]["entry"])

    assert failed(pack) == {}
    assert sorted(ground["basis"][:15] for ground in entry["grounds"].values()) == ["public_task:cr-"] * 2
    assert len(pack["receipts"]) == 2
    told = {name: ground | {"kept_back": []} for name, ground in entry["grounds"].items()}
    said = failed(rewritten(pack, grounds=told))["consent"]
    assert "says objected for " in said
    assert "says objected, and something may have been told" in said
