"""Finding a household in several rounds: who is asked about, on whose permit, and who turns out to be whom."""

import pytest

from adapters.ports import GroupMember, Link, Record
from standards.household import Evidence
from standards.identifiers import Identifier
from standards.permit import PersonPermit
from standards.rules import BoundaryRule, Combination
from standards.states import UnavailableReason, WithheldReason
from tests.builders import (
    ASHA,
    HOUSEHOLD,
    JUMA,
    MANIFESTS,
    NEEMA,
    NEVER,
    PLANNER,
    REGISTERED,
    REGISTERED_OR_KIN,
    SIBLINGS,
    VALUE,
    family,
    fetcher,
    permitting,
    uin,
)
from tests.fakes import in_memory

LAND = frozenset({"land_area_ha"})
FAMILY_HOME = SIBLINGS._replace(name="family-home", co_residence=True, combine=Combination.INTERSECTION)
HOME = BoundaryRule("home", "1", co_residence=True)
BROTHER = {"UIN": "1000000005", "BRN": "B2018-000005"}
SECOND = "1000000099"
"""A second national number of Asha."""
REFUSED = PersonPermit({}, {})


def truth(*, brother=True, crowd=0, second=False):
    """The family, where the social registry knows nobody, and who lives where by national ID."""
    known = {key: list(records) for key, records in family().items() if key[0] != "social"}
    if brother:
        tie = Link("CHILD", BROTHER, "2018-01-01")
        known["crvs", "person"] = [
            r._replace(links=(*r.links, tie)) if r.identifiers["UIN"] != NEEMA["UIN"] else r
            for r in known["crvs", "person"]
        ]
    births = {r.identifiers["UIN"]: r.identifiers["BRN"] for r in known["crvs", "person"]}
    entries = [Record({"UIN": n, "BRN": brn, "DWELLING_KEY": "DW1"}, {}) for n, brn in births.items()]
    if second:
        entries.append(Record({"UIN": SECOND, "BRN": births[ASHA["UIN"]], "DWELLING_KEY": "DW1"}, {}))
    here = [{"UIN": n, "BRN": brn} for n, brn in births.items()] + [
        {"UIN": SECOND, "BRN": births[ASHA["UIN"]]}
    ] * second
    many = [{"UIN": f"2{n:09}"} for n in range(crowd)]
    known["national_id", "entry"] = entries
    known["national_id", "residents"] = [
        Record({"DWELLING_KEY": "DW1"}, {}, members=tuple(GroupMember("", m) for m in (*here, *many)))
    ]
    return known


async def gather(of, subject=None, rule=SIBLINGS, names=LAND, decide=None):
    """Ask about Neema, unless somebody else is named."""
    who = subject or uin(NEEMA)
    return await fetcher(of).fetch(
        lambda _: PLANNER.plan(names, who.type, rule),
        who,
        decide or permitting(),
        max_age_s=0,
        deadline=NEVER,
        transaction_id="t-1",
    )


def registries(said=None, **changes):
    """Every registry, over the family."""
    return in_memory(MANIFESTS.values(), said or truth(), **changes)


def uins(gathered):
    """The national numbers of everybody found."""
    return [p.identifiers.get("UIN") for p in gathered.people]


async def test_a_brother_is_found_in_the_second_round():
    """Civil registration is asked about the child, then in one call about both parents."""
    of = registries()
    gathered = await gather(of)

    assert uins(gathered) == [NEEMA["UIN"], ASHA["UIN"], JUMA["UIN"], BROTHER["UIN"]]
    assert [p.relationship for p in gathered.people] == ["CHILD", "SELF", "SPS", "CHILD"]
    assert [[s.value for s in r.subjects] for r in of["crvs"].asked] == [[NEEMA["UIN"]], [ASHA["UIN"], JUMA["UIN"]]]
    assert gathered.unheard == ()


async def test_what_was_heard_in_a_round_is_not_asked_again():
    """The round brings home all that is wanted of the people it asks about."""
    of = registries()
    gathered = await gather(of, names=LAND | {"birth_place"})

    assert [[s.value for s in r.subjects] for r in of["crvs"].asked][2:] == [[BROTHER["UIN"]]]
    assert all(("crvs", "person") in p.heard for p in gathered.people)


async def test_nobody_is_asked_about_in_a_round_without_a_permit():
    """The father refused: the mother's word finds the brother, and the list counts as incomplete."""
    of = registries()
    gathered = await gather(of, decide=permitting(**{JUMA["UIN"]: REFUSED}))

    assert all(s.value != JUMA["UIN"] for r in of.values() for request in r.asked for s in request.subjects)
    assert BROTHER["UIN"] in uins(gathered)
    assert gathered.unheard == ("crvs",)


async def test_a_round_does_not_ask_for_what_somebody_keeps_back():
    """Of the father all is asked for, of the mother what she lets be known; ties are asked for of both."""
    keeps = PersonPermit({"land_area_ha": VALUE}, {}, refused_attributes={"crvs": frozenset({"birth_place"})})
    of = registries()
    gathered = await gather(of, names=LAND | {"birth_place"}, decide=permitting(**{ASHA["UIN"]: keeps}))
    asked = {s.value: r.names for r in of["crvs"].asked for s in r.subjects}

    assert asked[JUMA["UIN"]] - asked[ASHA["UIN"]] == {"birth_place"}
    assert uins(gathered) == [NEEMA["UIN"], ASHA["UIN"], JUMA["UIN"], BROTHER["UIN"]]
    assert gathered.unheard == ()


async def test_who_keeps_back_whether_they_live_leaves_the_list_incomplete():
    """The dead are no members, and of the mother nobody may know."""
    keeps = PersonPermit({"land_area_ha": VALUE}, {}, refused_attributes={"crvs": frozenset({"vital_status"})})
    gathered = await gather(registries(), decide=permitting(**{ASHA["UIN"]: keeps}))

    assert gathered.unheard == ("crvs",)


async def test_where_the_recorded_group_decides_nobody_is_asked_about_in_rounds():
    """The parents, who are not recorded with their child, are no members: no registry hears of them."""
    said = truth() | {key: list(records) for key, records in family().items() if key[0] == "social"}
    child = tuple(m for m in said["social", "group"][0].members if m.identifiers.get("UIN") == NEEMA["UIN"])
    said["social", "group"] = [said["social", "group"][0]._replace(members=child)]
    of = registries(said)
    gathered = await gather(of, rule=SIBLINGS._replace(registered=True))

    assert uins(gathered) == [NEEMA["UIN"]]
    assert {s.value for r in of["crvs"].asked for s in r.subjects} == {NEEMA["UIN"]}
    assert gathered.others == ()


async def test_the_plan_shows_the_rounds():
    """What is asked is journalled before anybody is found."""
    lines = PLANNER.plan(LAND, "UIN", FAMILY_HOME).text().splitlines()

    assert lines[1:5] == [
        "1 crvs.person by UIN|BRN for the person asked about: birth_date, vital_status",
        "2 crvs.person by UIN|BRN for kin found on the way after 1: birth_date, vital_status",
        "3 national_id.entry by UIN|BRN for the person asked about: DWELLING_KEY",
        "4 national_id.residents by DWELLING_KEY for the person asked about after 3: who belongs to it",
    ]


async def test_kin_who_live_elsewhere_are_no_members_and_were_asked_about_all_the_same():
    """The brother lives with others; the journal is told of everybody about whom a registry was asked."""
    gathered = await gather(registries(), rule=FAMILY_HOME)

    assert uins(gathered) == [NEEMA["UIN"], ASHA["UIN"], JUMA["UIN"]]
    assert {n.value for p in gathered.others for n in p.known_by()} >= {ASHA["UIN"], JUMA["UIN"]}
    assert [e.basis for e in gathered.people[1].evidence] == ["kin", "co-residence"]


async def test_who_lives_together_is_related_by_what_civil_registration_says():
    """National ID knows no kin; what is heard of the members' kin anyway tells what they are to the head."""
    gathered = await gather(registries(), uin(ASHA), HOME, LAND | {"birth_place", "birth_date"})

    assert [(p.identifiers["UIN"], p.relationship) for p in gathered.people] == [
        (ASHA["UIN"], "SELF"),
        (JUMA["UIN"], "SPS"),
        (NEEMA["UIN"], "CHILD"),
    ]


async def test_an_institution_is_no_household():
    """Three hundred people share an address: nobody of them is asked about."""
    of = registries(truth(crowd=300))
    gathered = await gather(of, uin(ASHA), HOME)

    assert uins(gathered) == [ASHA["UIN"]]
    assert Evidence("crowded_address", "national_id") in gathered.people[0].evidence
    assert {s.value for r in of["land"].asked for s in r.subjects} == {ASHA["UIN"]}


async def test_the_key_of_a_dwelling_is_nobody_s_number():
    """It is not kept among a person's numbers, where the journal would link everybody who lives there."""
    gathered = await gather(registries(), uin(ASHA), HOME)

    assert all("DWELLING_KEY" not in p.identifiers for p in gathered.people)
    assert all(n.type != "DWELLING_KEY" for p in gathered.people for n in p.known_by())


@pytest.mark.parametrize("rule", [REGISTERED, REGISTERED_OR_KIN])
async def test_a_second_number_of_somebody_leads_to_the_same_household(rule):
    """The issuer says on which birth it rests; then the household is found by the number that others know."""
    said = truth(second=True) | {key: list(r) for key, r in family().items() if key[0] == "social"}
    of = registries(said)
    of["national_id"].records["entry"][0] = (
        of["national_id"].records["entry"][0]._replace(duplicates=({"UIN": SECOND, "BRN": "B1990-000001"},))
    )
    first, second = await gather(of, uin(ASHA), rule), await gather(of, Identifier("UIN", SECOND), rule)

    assert [(p.identifiers.get("UIN"), p.relationship) for p in first.people] == [
        (p.identifiers.get("UIN"), p.relationship) for p in second.people
    ]
    assert Evidence("double_registration", "national_id") in second.people[0].evidence
    assert "whose number nobody knows" in second.plan.text()
    assert "whose number nobody knows" not in first.plan.text()


async def test_who_refused_under_one_number_is_not_asked_about_by_the_other():
    """The second number leads to no household then, and no registry hears of the first."""
    said = truth(second=True) | {key: list(r) for key, r in family().items() if key[0] == "social"}
    of = registries(said)
    of["national_id"].records["entry"][0] = (
        of["national_id"].records["entry"][0]._replace(duplicates=({"UIN": SECOND, "BRN": "B1990-000001"},))
    )
    gathered = await gather(of, Identifier("UIN", SECOND), REGISTERED, decide=permitting(**{ASHA["UIN"]: REFUSED}))

    assert uins(gathered) == [SECOND]
    assert all(s.value != ASHA["UIN"] for r in of.values() for request in r.asked for s in request.subjects)


async def test_who_keeps_less_back_under_one_number_is_not_asked_about_by_it():
    """What is kept back under the number given is not learned by the other, nor the other way about."""
    said = truth(second=True) | {key: list(r) for key, r in family().items() if key[0] == "social"}
    of = registries(said)
    of["national_id"].records["entry"][0] = (
        of["national_id"].records["entry"][0]._replace(duplicates=({"UIN": SECOND, "BRN": "B1990-000001"},))
    )
    keeps = PersonPermit({"given_name": VALUE}, {}, refused_attributes={"crvs": frozenset({"birth_date"})})
    gathered = await gather(of, Identifier("UIN", SECOND), REGISTERED, decide=permitting(**{SECOND: keeps}))

    assert uins(gathered) == [SECOND]
    assert all(s.value != ASHA["UIN"] for r in of.values() for request in r.asked for s in request.subjects)


async def test_two_numbers_of_one_resident_are_one_member():
    """National ID lists both; nobody is counted twice."""
    gathered = await gather(registries(truth(second=True)), uin(JUMA), HOME)

    assert sorted(uins(gathered)) == sorted([ASHA["UIN"], JUMA["UIN"], NEEMA["UIN"]])


async def test_who_refused_under_a_second_number_has_refused():
    """Nothing is known of a resident under it, and what national ID told of the number is not used to ask others."""
    refusal = PersonPermit({}, {"given_name": WithheldReason.CONSENT_REFUSED})
    of = registries(truth(second=True))
    gathered = await gather(of, uin(JUMA), HOME, decide=permitting(**{SECOND: refusal}))

    assert ASHA["UIN"] in uins(gathered)
    assert {s.value for r in of["land"].asked for s in r.subjects} == {JUMA["UIN"], NEEMA["UIN"]}


async def test_who_is_not_known_by_one_number_is_asked_about_by_the_other():
    """A registry that knows only the second number has its word too."""
    said = truth(second=True)
    said["land", "holdings"] = [Record({"UIN": SECOND}, {"land_area_ha": 2.0})]
    gathered = await gather(registries(said), uin(JUMA), HOME)

    (asha,) = [p for p in gathered.people if p.identifiers["UIN"] == ASHA["UIN"]]
    assert asha.heard["land", "holdings"].record == said["land", "holdings"][0]


async def test_the_number_given_is_verified_by_its_issuer_only():
    """Whether or not other registries repeat it."""
    verified = Evidence("verified", "national_id")

    assert verified in (await gather(registries(), names=frozenset({"address_line"}))).people[0].evidence
    assert verified not in (await gather(registries(), names=LAND)).people[0].evidence


async def test_a_number_that_two_members_share_is_asked_by_for_neither():
    """Nobody knows whose the record would be."""
    said = family()
    asha, juma, *_ = said["social", "group"][0].members
    twice = (asha, juma._replace(identifiers={"UIN": JUMA["UIN"], "MEMBER_ID": ASHA["MEMBER_ID"]}))
    said["social", "group"] = [said["social", "group"][0]._replace(members=twice)]
    gathered = await gather(registries(said), HOUSEHOLD, REGISTERED, frozenset({"is_disabled"}))

    assert [p.heard["social", "member"].reason for p in gathered.people] == [UnavailableReason.AMBIGUOUS_IDENTITY] * 2
    assert all(Evidence("ambiguous_identity") in p.evidence for p in gathered.people)


async def test_a_disputed_number_is_asked_by_on_its_issuer_s_word():
    """Civil registration, asked by birth number, says another national number than national ID vouches for nobody."""
    said = truth(brother=False)
    said["crvs", "person"] = [
        r._replace(identifiers=r.identifiers | {"UIN": "1000000077"}) if r.identifiers["UIN"] == NEEMA["UIN"] else r
        for r in said["crvs", "person"]
    ]
    said["crvs", "person"][2] = said["crvs", "person"][2]._replace(
        identifiers={"UIN": "1000000077", "BRN": "B2014-000003"}
    )
    gathered = await gather(registries(said), Identifier("BRN", "B2014-000003"), None, LAND)

    assert gathered.people[0].heard["land", "holdings"].reason is None
    assert gathered.people[0].numbers({})["UIN"] == "1000000077"


async def test_a_record_of_somebody_else_is_refused():
    """Civil registration's record under the same number is of another sex and birth date: its kin are not ours."""
    said = truth()
    stranger = {"sex": "male", "birth_date": "1951-01-01", "vital_status": "alive", "birth_place": "Far Away"}
    said["crvs", "person"] = [
        r._replace(values=stranger) if r.identifiers["UIN"] == ASHA["UIN"] else r for r in said["crvs", "person"]
    ]
    names = frozenset({"sex", "birth_date", "birth_place", "address_line"})
    gathered = await gather(registries(said), uin(ASHA), REGISTERED_OR_KIN, names)

    me = gathered.people[0]
    assert me.heard["crvs", "person"].reason is UnavailableReason.AMBIGUOUS_IDENTITY
    assert me.heard["national_id", "identity"].record is not None
    assert uins(gathered) == [ASHA["UIN"]]
    assert gathered.unheard == ("crvs",)
