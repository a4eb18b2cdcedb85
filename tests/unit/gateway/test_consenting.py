"""What becomes of a question when consent stands elsewhere, ends, narrows on the way, or is not needed."""

from datetime import date, timedelta
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.cache import MemoryCache
from gateway.consents import Consents, EmergencyFolder
from gateway.pipeline import Answer, answer
from gateway.stages.decide import Decisions
from policies.book import AgreementSet
from policies.carried import TOKEN_TYPE
from policies.ledger import MemoryLedger
from policies.notices import MemoryNotices
from policies.receipts import Capacity, Consent, Decision
from standards.dci.search import IdQuery
from standards.errors import JournalError
from standards.identifiers import Identifier, identifier
from standards.signing import public_jwk
from tests.builders import (
    ASHA,
    CATALOGUE,
    JUMA,
    KEY,
    NEEMA,
    NOW,
    PLANNER,
    World,
    family,
    item,
    question,
    sandbox_agreement,
    uin,
)

TIN = identifier("TIN", "T00000001")
BRN = identifier("BRN", "B1990-000001")
LEARNER = identifier("LEARNER_NUMBER", "L0000003")
BEFORE = date(2026, 1, 5)
PORTAL = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KID = public_jwk(PORTAL.public_key())["kid"]
GATEWAY = "https://gateway.example.pv"


def decided(who: Identifier, decision: str = "granted", **changes: Any) -> Consent:
    """What somebody decided at the beginning of the year."""
    return Consent(who, "eligibility", Decision(decision), who, BEFORE)._replace(**changes)


async def ledger_of(*consents: Consent) -> MemoryLedger:
    """A ledger with these decisions."""
    ledger = MemoryLedger(KEY)
    for consent in consents:
        await ledger.record(consent)
    return ledger


async def ask(world: World, who: Identifier, **changes: Any) -> Answer:
    """The cash transfer asks about a household."""
    return await answer(question(item(IdQuery(who), purpose="eligibility", **changes), "uct"), world.rooms)


def evidence(answered: Answer, member: int = 0) -> dict[str, Any]:
    """What is said of one member."""
    return dict(orjson.loads(answered.item)["data"]["hearth:evidence"][0]["members"][member])


def reasons(answered: Answer, member: int = 0) -> set[str]:
    """Why something of one member is withheld."""
    return {s["reason"] for s in evidence(answered, member)["attributes"].values() if s["state"] == "withheld"}


def state(answered: Answer, name: str, member: int = 0) -> str:
    """State, and reason if there is one, of one attribute."""
    said = evidence(answered, member)["attributes"][name]
    return ":".join(filter(None, (said["state"], said.get("reason"))))


def names_asked(world: World, source: str) -> set[str]:
    """Every attribute that a registry was asked for."""
    return {name for request in world.registries[source].asked for name in request.names}


# -- another number


@pytest.mark.parametrize("number", [TIN, BRN])
async def test_consent_counts_under_whatever_number_is_asked_by(number):
    """The registry that issues the numbers ties them, and the grant given under the national number is found."""
    world = World(ledger=await ledger_of(decided(uin(ASHA))))
    answered = await ask(world, number)

    assert state(answered, "given_name") == "value"
    assert reasons(answered) == set()


async def test_a_learner_s_number_leads_over_the_birth_number():
    """Two numbers away."""
    grant = decided(uin(NEEMA), given_by=uin(ASHA), capacity=Capacity.GUARDIAN, majority_on=date(2032, 6, 1))
    answered = await ask(World(ledger=await ledger_of(grant)), LEARNER)

    assert state(answered, "given_name") == "value"


async def test_without_consent_nothing_but_other_numbers_is_asked_for():
    """Under no number a decision: nobody is asked for any fact, and everything is withheld."""
    world = World()
    answered = await ask(world, TIN)

    assert reasons(answered) == {"consent_missing"}
    assert {n for s in world.asked for n in names_asked(world, s)} == set()
    assert set(world.asked) <= {"national_id"}


async def test_somebody_else_s_consent_is_not_found():
    """Juma's grant opens nothing of Asha."""
    answered = await ask(World(ledger=await ledger_of(decided(uin(JUMA)))), TIN)

    assert reasons(answered) == {"consent_missing"}


async def test_a_refusal_under_the_number_asked_by_ends_the_search():
    """Who has refused is not looked for under other numbers."""
    world = World(ledger=await ledger_of(decided(uin(ASHA)), decided(TIN, "refused")))
    answered = await ask(world, TIN)

    assert reasons(answered) == {"consent_refused"}
    assert world.asked == {}


@pytest.mark.parametrize("number", [TIN, BRN])
async def test_a_refusal_under_a_number_found_on_the_way_counts(number):
    """It came later than the grant, and under a number that the question did not know."""
    refusal = decided(number, "refused", given_on=date(2026, 5, 1))
    answered = await ask(World(ledger=await ledger_of(decided(uin(ASHA)), refusal)), uin(ASHA))

    assert reasons(answered) == {"consent_refused"}


async def test_a_registry_that_issues_neither_number_ties_no_consent():
    """A wrong number at the tax authority does not lend anybody's consent."""
    truth = family()
    identity = truth["national_id", "identity"]
    truth["national_id", "identity"] = [r for r in identity if r.identifiers["UIN"] != ASHA["UIN"]]
    truth["social", "member"] = [
        r._replace(identifiers={**r.identifiers, "TIN": "T00000009"}) for r in truth["social", "member"]
    ]
    world = World(truth, ledger=await ledger_of(decided(uin(ASHA))))
    answered = await ask(world, identifier("TIN", "T00000009"))

    assert reasons(answered) == {"consent_missing"}


async def test_an_outage_of_the_registry_that_ties_numbers_opens_nothing():
    """Nothing is known, and nothing is told."""
    from standards.states import UnavailableReason

    down = {("national_id", "identity"): UnavailableReason.SOURCE_DOWN}
    answered = await ask(World(ledger=await ledger_of(decided(uin(ASHA))), failing=down), TIN)

    assert answered.status == "rjct"
    assert answered.entry.released == ()


# -- parts


async def test_a_group_that_is_kept_back_is_not_even_asked_for():
    """Of this person; what the others grant is asked for, and a total over all is not made up."""
    refusal = decided(uin(ASHA), "refused", groups=frozenset({"income"}), given_on=date(2026, 2, 1))
    people = [decided(uin(ASHA)), refusal, decided(uin(JUMA))]
    world = World(ledger=await ledger_of(*people))
    answered = await ask(world, uin(ASHA))

    assert state(answered, "income_annual") == "withheld:consent_refused"
    assert state(answered, "given_name") == "value"
    assert state(answered, "income_annual", 1) == "value"
    asked_tax = [(set(r.subjects), set(r.names)) for r in world.registries["tax"].asked]
    assert all("income_annual" not in names for subjects, names in asked_tax if TIN in subjects)
    household = orjson.loads(answered.item)["data"]["hearth:evidence"][0]["attributes"]
    assert household["household_income"] == {"state": "withheld", "reason": "input_withheld"}


async def test_one_registry_may_be_kept_from_telling_one_group():
    """Others may still tell it, and that registry everything else."""
    refusal = decided(
        uin(ASHA), "refused", sources=frozenset({"crvs"}), groups=frozenset({"identity"}), given_on=date(2026, 2, 1)
    )
    world = World(ledger=await ledger_of(decided(uin(ASHA)), refusal))
    answered = await ask(world, uin(ASHA))

    told = evidence(answered)["attributes"]
    assert told["given_name"]["source"] == "national_id"
    assert told["marital_status"]["source"] == "crvs"
    for request in world.registries["crvs"].asked:
        assert uin(ASHA) not in request.subjects or "given_name" not in request.names


# -- ends


async def test_consent_ends_with_death():
    """What remains is that it ended: nothing else is told of the dead, or of the household by their word."""
    truth = family()
    truth["crvs", "person"] = [
        r._replace(values={**r.values, "vital_status": "dead", "death_date": "2026-08-01"})
        if r.identifiers["UIN"] == ASHA["UIN"]
        else r
        for r in truth["crvs", "person"]
    ]
    world = World(truth, ledger=await ledger_of(decided(uin(ASHA)), decided(uin(JUMA))), cache=MemoryCache(KEY, 10**7))
    answered = await ask(world, uin(ASHA))

    assert state(answered, "vital_status") in {"value", "conflict"}
    assert state(answered, "income_annual") == "withheld:consent_ended"
    assert state(answered, "given_name") == "withheld:consent_ended"
    assert state(answered, "income_annual", 1) == "value"
    asked = world.registries["tax"].asked
    before = len(asked)
    await ask(world, uin(ASHA))
    assert any(TIN in request.subjects for request in asked[before:]), "nothing of the dead was kept"


async def test_under_a_law_the_dead_are_told_of():
    """Only consent ends with death."""
    truth = family()
    truth["crvs", "person"] = [r._replace(values={**r.values, "vital_status": "dead"}) for r in truth["crvs", "person"]]
    answered = await answer(question(item()), World(truth).rooms)

    assert reasons(answered) <= {"not_in_agreement"}


def guardians(**changes: Any) -> Consent:
    """What Asha decided for Neema, who was born on 1 June 2014."""
    stated: dict[str, Any] = {"given_by": uin(ASHA), "capacity": Capacity.GUARDIAN, "relation": "PRN"}
    stated["majority_on"] = date(2032, 6, 1)
    return decided(uin(NEEMA), **(stated | changes))


async def test_a_parent_decides_for_a_child():
    """Whom civil registration names as such."""
    answered = await ask(World(ledger=await ledger_of(guardians())), uin(NEEMA))

    assert state(answered, "given_name") == "value"


async def test_who_is_no_parent_is_not_believed_to_be_one():
    """Civil registration names two others."""
    answered = await ask(World(ledger=await ledger_of(guardians(given_by=identifier("UIN", "1000000009")))), uin(NEEMA))

    assert reasons(answered) == {"consent_missing"}


async def test_the_person_s_own_birth_date_ends_a_guardian_s_grant():
    """Whatever day the receipt names."""
    truth = family()
    for key in (("crvs", "person"), ("national_id", "identity"), ("social", "member")):
        truth[key] = [
            r._replace(values={**r.values, "birth_date": "2008-09-30"})
            if r.identifiers.get("UIN") == NEEMA["UIN"]
            else r
            for r in truth[key]
        ]
    answered = await ask(World(truth, ledger=await ledger_of(guardians())), uin(NEEMA))

    assert reasons(answered) == {"consent_ended"}


# -- objections


def objecting(**changes: Any) -> Consent:
    """Asha objects to what the education grant asks for by law."""
    return decided(uin(ASHA), "objected", purpose="enrolment_verification", **changes)


async def test_an_objection_counts_where_the_law_allows_it():
    """Under a public task: nothing is asked about who has objected, who could be asked about; others are told of."""
    world = World(ledger=await ledger_of(objecting()))
    answered = await answer(question(item()), world.rooms)

    assert reasons(answered) <= {"objected", "not_in_agreement"}
    assert state(answered, "given_name") == "withheld:objected"
    assert all(
        TIN not in r.subjects and uin(ASHA) not in r.subjects for s in world.registries.values() for r in s.asked
    )


async def test_an_objection_can_be_about_a_part():
    """The rest is told; and under consent an objection is none."""
    part = await ledger_of(objecting(groups=frozenset({"education"})), decided(uin(ASHA)))
    answered = await answer(question(item()), World(ledger=part).rooms)

    assert state(answered, "given_name") == "value"
    assert state(await ask(World(ledger=part), uin(ASHA)), "given_name") == "value"


async def test_while_nobody_has_objected_nobody_is_looked_up():
    """An answer given meanwhile still notices the first who does."""
    world = World()
    (held,) = (await answer(question(item()), world.rooms)).held

    assert held.standings == {}
    assert await world.rooms.decisions.still_holds(held, NOW)
    assert isinstance(world.ledger, MemoryLedger)
    await world.ledger.record(objecting())
    assert not await world.rooms.decisions.still_holds(held, NOW)


# -- on the way


async def test_a_withdrawal_while_registries_are_asked_counts():
    """What they said is let go of, and nothing of it is told."""
    ledger = await ledger_of(decided(uin(ASHA)))
    world = World(ledger=ledger)
    fetch = world.registries["land"].fetch

    async def slow(request: Any, deadline: Any) -> Any:
        said = await fetch(request, deadline)
        await ledger.record(decided(uin(ASHA), "withdrawn", given_on=NOW.date()))
        return said

    world.registries["land"].fetch = slow  # type: ignore[method-assign]
    answered = await ask(world, uin(ASHA))

    assert reasons(answered) == {"consent_refused"}
    assert answered.entry.released == ()


async def test_an_answer_holds_until_somebody_it_rests_on_decides_otherwise():
    """Somebody else's decision costs a look, and changes nothing."""
    ledger = await ledger_of(decided(uin(ASHA)))
    world = World(ledger=ledger)
    (held,) = (await ask(world, uin(ASHA))).held
    decisions = world.rooms.decisions

    assert await decisions.still_holds(held, NOW)
    await ledger.record(decided(identifier("UIN", "7"), "refused"))
    assert await decisions.still_holds(held, NOW)
    await ledger.record(decided(TIN, "withdrawn", given_on=NOW.date()))
    assert not await decisions.still_holds(held, NOW)


async def test_an_answer_does_not_outlive_its_agreement():
    """The version it was given under must be the one in force."""
    world = World(ledger=await ledger_of(decided(uin(ASHA))))
    (held,) = (await ask(world, uin(ASHA))).held

    assert not await world.rooms.decisions.still_holds(held, NOW + timedelta(days=1000))


# -- tokens


def carrying(*tokens: str) -> dict[str, Any]:
    """The consent of a question that carries tokens."""
    return {"purpose": {"code": "eligibility"}, "hearth:proof": list(tokens)}


def token(**changes: Any) -> str:
    """A token in which Asha grants the cash transfer everything."""
    at = int(NOW.timestamp())
    claims = {
        "iss": "portal", "aud": GATEWAY, "iat": at - 5, "exp": at + 600, "jti": "t-1", "consumer": "uct",
        "purpose": "eligibility", "subject": {"type": "UIN", "value": ASHA["UIN"]},
    }  # fmt: skip
    return jwt.encode(claims | changes, PORTAL, algorithm="EdDSA", headers={"kid": KID, "typ": TOKEN_TYPE})


def open_to(world: World, folder: EmergencyFolder | None = None) -> World:
    """The same world, where tokens of a portal and declared emergencies count."""
    agreements = AgreementSet([sandbox_agreement("uct"), sandbox_agreement("cct-education")])
    consents = Consents(world.ledger, {"portal": {KID: PORTAL.public_key()}}, GATEWAY, folder=folder)
    decisions = Decisions(agreements, world.ledger, CATALOGUE, PLANNER.holders(), consents=consents)
    world.rooms = world.rooms._replace(decisions=decisions, notices=MemoryNotices())
    return world


async def test_a_token_is_consent_for_its_question():
    """For the person it names, and for nobody else of the household; nothing of it is kept."""
    world = open_to(World())
    answered = await ask(world, uin(ASHA), consent=carrying(token()))

    assert state(answered, "given_name") == "value"
    assert reasons(answered, 1) == {"consent_missing"}
    assert reasons(await ask(world, uin(ASHA))) == {"consent_missing"}


async def test_a_token_does_not_outweigh_a_refusal_of_its_day():
    """Who has withdrawn has withdrawn, whatever a programme still holds; an older refusal it does outweigh."""
    today = open_to(World(ledger=await ledger_of(decided(uin(ASHA), "refused", given_on=NOW.date()))))
    older = open_to(World(ledger=await ledger_of(decided(uin(ASHA), "refused"))))

    assert reasons(await ask(today, uin(ASHA), consent=carrying(token()))) == {"consent_refused"}
    assert state(await ask(older, uin(ASHA), consent=carrying(token())), "given_name") == "value"


async def test_a_child_s_own_token_is_no_consent():
    """Adults decide for themselves; the child's birth date tells that this is none."""
    own = token(subject={"type": "UIN", "value": NEEMA["UIN"]})
    answered = await ask(open_to(World()), uin(NEEMA), consent=carrying(own))

    assert reasons(answered) == {"consent_missing"}


async def test_a_token_that_does_not_hold_refuses_the_question():
    """And nobody is asked."""
    world = open_to(World())
    answered = await ask(world, uin(ASHA), consent=carrying(token(consumer="cct-education")))

    assert answered.entry.event == "search.rejected"
    assert b"another programme" in answered.item
    assert world.asked == {}


# -- emergencies


FLOOD = """\
id: flood-2026
title: Flood at the lake
reference: Declaration 12/2026
declared_by: Director of Relief
approved_by: Data Protection Officer
start: 2026-09-20
end: 2026-10-10
consumers: [uct]
attributes: [given_name, land_parcel_count]
"""


def emergencies(folder: Any, text: str = FLOOD) -> EmergencyFolder:
    """A folder with one declaration."""
    (folder / "flood.yaml").write_text(text)
    return EmergencyFolder(folder, CATALOGUE, 30)


async def test_an_emergency_stands_in_for_consent_and_says_so(tmp_path):
    """In its scope; the answer, its evidence and the journal name it, and everybody affected has a notice due."""
    world = open_to(World(), emergencies(tmp_path))
    answered = await ask(world, uin(ASHA))
    notices = world.rooms.notices
    assert isinstance(notices, MemoryNotices)

    assert state(answered, "given_name") == "value"
    assert state(answered, "income_annual") == "withheld:consent_missing"
    assert {"basis": "emergency", "source": "flood-2026"} in evidence(answered)["evidence"]
    assert b"declared emergency flood-2026" in answered.item
    assert answered.entry.agreement == "uct-eligibility@1.0+emergency:flood-2026"
    assert names_asked(world, "tax") == set()
    assert world.ledger.names({"UIN": ASHA["UIN"]})[0] in {n.person for n in notices.owed}
    assert {n.emergency for n in notices.owed} == {"flood-2026"}


async def test_an_emergency_ends_by_itself(tmp_path):
    """On the day after its last."""
    world = open_to(World(), emergencies(tmp_path, FLOOD.replace("2026-10-10", "2026-09-29")))

    assert reasons(await ask(world, uin(ASHA))) == {"consent_missing"}


@pytest.mark.parametrize(("area", "told"), [("[PV-1]", True), ("[PV-101]", True), ("[PV-2]", False)])
async def test_an_emergency_counts_where_people_live(tmp_path, area, told):
    """Where that is, is asked before anything else; outside the area nothing is."""
    world = open_to(World(), emergencies(tmp_path, FLOOD + f"area: {area}\n"))
    answered = await ask(world, uin(ASHA))

    assert (state(answered, "given_name") == "value") is told
    if not told:
        assert reasons(answered) == {"consent_missing"}
        assert names_asked(world, "national_id") == {"region_code", "sub_region_code"}
        assert set(world.asked) == {"national_id"}


async def test_without_a_sink_for_notices_no_emergency_is_answered(tmp_path):
    """What nobody will be told of is not done."""
    world = open_to(World(), emergencies(tmp_path))
    world.rooms = world.rooms._replace(notices=None)

    with pytest.raises(JournalError):
        await ask(world, uin(ASHA))


async def test_a_declaration_that_is_spoilt_lifts_nobody_s_consent(tmp_path):
    """Until it is mended; a changed one counts as it stands now."""
    folder = emergencies(tmp_path)
    world = open_to(World(), folder)
    assert state(await ask(world, uin(ASHA)), "given_name") == "value"

    for spoilt in ("id: [", FLOOD.replace("2026-10-10", "2026-09-31")):
        (tmp_path / "flood.yaml").write_text(spoilt)
        assert folder.refresh()
        assert reasons(await ask(world, uin(ASHA))) == {"consent_missing"}
    (tmp_path / "flood.yaml").write_text(FLOOD + "\n")
    assert folder.refresh()
    assert state(await ask(world, uin(ASHA)), "given_name") == "value"


async def test_an_answer_does_not_outlive_the_declaration_as_it_was(tmp_path):
    """One that was narrowed under its old name is another one."""
    folder = emergencies(tmp_path)
    world = open_to(World(), folder)
    (held,) = (await ask(world, uin(ASHA))).held
    decisions = world.rooms.decisions
    assert await decisions.still_holds(held, NOW)

    (tmp_path / "flood.yaml").write_text(FLOOD + "# a comment changes nothing\n")
    folder.refresh()
    assert await decisions.still_holds(held, NOW)
    (tmp_path / "flood.yaml").write_text(FLOOD.replace("given_name, ", ""))
    folder.refresh()
    assert not await decisions.still_holds(held, NOW)
