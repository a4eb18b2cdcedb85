"""Members who turn out to be one person at the very end, and those who share a number and are not one."""

import pytest

from gateway.stages.household import Found
from gateway.stages.people import Person, told_apart
from standards.household import Evidence
from standards.identifiers import Identifier
from standards.permit import PersonPermit
from standards.states import WithheldReason
from tests.builders import VALUE, heard, record

ISSUERS = {"UIN": frozenset({"national_id"}), "BRN": frozenset({"crvs"})}
PERSON, LEARNER = ("crvs", "person"), ("education", "learner")
AMBIGUOUS = Evidence("ambiguous_identity")
SAME = {"sex": "2", "birth_date": "1990-02-01"}


def somebody(number, by, *evidence, permit=None, relationship="", **said):
    """A member found by some numbers, of whom registries said this: lookup -> what it said."""
    person = Person(number, Found(by, relationship, evidence))
    person.permit = permit or PersonPermit({"given_name": VALUE}, {})
    person.heard.update({(source, name): one for source, (name, one) in said.items()})
    return person


def crvs(values=SAME, **numbers):
    """What civil registration says of the birth B1."""
    return "person", heard(record(values, **numbers))


def people(*, first=SAME, second=SAME, permit=None):
    """Asha by her national number, a member by the birth number B1, and a child who is kin by that member."""
    return [
        somebody(0, {"UIN": "1"}, Evidence("asked"), crvs=crvs(first, UIN="1", BRN="B1")),
        somebody(1, {"BRN": "B1"}, Evidence("registered", "social"), permit=permit, crvs=crvs(second, UIN="1", BRN="B1")),
        somebody(2, {"UIN": "3"}, Evidence("kin", "crvs", "CHILD", of=1), crvs=crvs({}, UIN="3", BRN="B3")),
    ]  # fmt: skip


def test_two_members_who_are_one_person_become_one():
    """The first stays, with the word of both; whose tie leads from the other is kin of the first."""
    asha, child = told_apart(people(), ISSUERS)

    assert asha.identifiers == {"UIN": "1", "BRN": "B1"}
    assert asha.evidence == (Evidence("asked"), Evidence("registered", "social"))
    assert (asha.number, child.number) == (0, 1)
    assert child.evidence == (Evidence("kin", "crvs", "CHILD", of=0),)


def test_what_either_of_them_keeps_back_is_kept_back():
    """Two decisions were made about one person: only what both permit is given."""
    refuses = PersonPermit(
        {}, {"given_name": WithheldReason.CONSENT_REFUSED}, refused_sources=frozenset({"health"})
    )  # fmt: skip

    asha, _ = told_apart(people(permit=refuses), ISSUERS)

    assert asha.permit is not None
    assert asha.permit.forms == {}
    assert asha.permit.withheld == {"given_name": WithheldReason.CONSENT_REFUSED}
    assert not asha.permit.allows("health")


def test_what_was_heard_of_one_of_them_only_is_heard_of_the_person():
    """Somebody found by a birth number was known to the school, where nobody knew a national number."""
    asha, same, child = people()
    same.heard[LEARNER] = heard(record({"school_enrolled": True}, BRN="B1"), "education")

    asha, _ = told_apart([asha, same, child], ISSUERS)

    assert asha.heard[LEARNER].record is not None


@pytest.mark.parametrize(
    "other", [{**SAME, "sex": "1"}, {**SAME, "birth_date": "1955-07-07"}], ids=["sex", "birth date"]
)
def test_two_who_share_a_number_and_are_known_otherwise_remain_two(other):
    """One number that leads to two people makes them one never: both say so, and nobody is lost."""
    asha, stranger, child = told_apart(people(second=other), ISSUERS)

    assert AMBIGUOUS in asha.evidence
    assert AMBIGUOUS in stranger.evidence
    assert AMBIGUOUS not in child.evidence
    assert [asha.number, stranger.number, child.number] == [0, 1, 2]
    assert child.evidence == (Evidence("kin", "crvs", "CHILD", of=1),)


def test_a_second_number_of_one_type_stays_an_alias_with_its_evidence():
    """The issuer says of both national numbers that they rest on one birth."""
    first = somebody(0, {"UIN": "1"}, Evidence("asked"), national_id=("entry", heard(record(UIN="1", BRN="B1"), "national_id")))  # fmt: skip
    second = somebody(1, {"UIN": "9"}, Evidence("registered", "social"), national_id=("entry", heard(record(UIN="9", BRN="B1"), "national_id")))  # fmt: skip

    (asha,) = told_apart([first, second], ISSUERS)

    assert asha.aliases == {Identifier("UIN", "9")}
    assert Evidence("double_registration", "national_id") in asha.evidence
