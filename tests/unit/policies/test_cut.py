"""Cuts: what is taken of a person, and that no decision outlives itself in them."""

import pytest

from policies import cut
from policies.cut import UNKNOWN, cut_of
from policies.minimise import minimise
from standards.permit import Form, FormKind, PersonPermit
from standards.states import Withheld, WithheldReason
from tests.unit.policies.builders import VALUE, permit, person, profile, said

YEAR = Form(FormKind.GENERALISED, to="year")
DISTRICT = Form(FormKind.GENERALISED, to="district")


def test_a_cut_says_for_every_name_of_the_permit_what_becomes_of_it():
    """Whole, in a form and from which attribute, or kept back and why; the household's own stand apart."""
    granted = permit(
        {"sex": VALUE, "birth_date": YEAR, "address_line": DISTRICT, "surname": VALUE, "rooms": VALUE},
        withheld={"email": WithheldReason.NOT_IN_AGREEMENT},
    )
    decided = person(granted, withheld={"surname": WithheldReason.CONSENT_REFUSED})

    found = cut_of(granted, decided)

    assert found.of_person.whole == ("sex",)
    assert found.of_person.formed == (
        ("address_line", "sub_region_code", DISTRICT),
        ("birth_date", "birth_date", YEAR),
    )
    assert [*found.of_person.blank] == ["address_line", "birth_date", "email", "sex", "surname"]
    assert found.of_person.blank["email"] == Withheld(WithheldReason.NOT_IN_AGREEMENT)
    assert found.of_person.blank["surname"] == Withheld(WithheldReason.CONSENT_REFUSED)
    assert found.of_household.blank == {"rooms": UNKNOWN}
    assert found.of_household.whole == ("rooms",)


def test_of_whom_nothing_was_decided_nothing_is_told():
    """Every name is withheld for want of consent."""
    found = cut_of(permit({"sex": VALUE}), None)

    assert found.of_person.blank == {"sex": Withheld(WithheldReason.CONSENT_MISSING)}
    assert found.of_person.whole == ()


def test_the_same_decision_has_the_same_cut():
    """Also under another receipt, or at another time: neither says what may be told."""
    granted = permit({"sex": VALUE})
    decided = person(granted)

    assert cut_of(granted, decided) is cut_of(granted._replace(max_age_s=1.0), decided._replace(basis="consent:r1"))


def test_another_decision_has_its_own_cut():
    """Equal or not: a decision made anew is never answered with an old one."""
    granted = permit({"sex": VALUE})
    decided = person(granted)

    assert cut_of(granted, decided) is not cut_of(granted, decided._replace(forms=dict(granted.forms)))
    assert cut_of(granted, decided._replace(refused_sources=frozenset({"tax"}))).refused == {"tax"}
    assert cut_of(granted, decided).refused == frozenset()


def test_many_decisions_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    """And whatever was dropped is compiled again, the same."""
    monkeypatch.setattr(cut, "KEPT_AT_MOST", 3)
    granted = permit({"sex": VALUE})

    for _ in range(10):
        assert cut_of(granted, PersonPermit({"sex": VALUE}, {})).of_person.whole == ("sex",)
        assert cut_of(granted, PersonPermit({}, {})).of_person.whole == ()

    assert len(cut._kept) <= 3


def test_a_withdrawal_shows_at_once():
    """Two answers about one person, between them a new decision."""
    granted = permit({"sex": VALUE})
    composed = profile({"sex": said("female")})
    withdrawn = PersonPermit({}, {"sex": WithheldReason.CONSENT_REFUSED})

    before = minimise(composed, granted, {1: person(granted)})
    after = minimise(composed, granted, {1: withdrawn})

    assert before.members[0].attributes == {"sex": said("female")}
    assert after.members[0].attributes == {"sex": Withheld(WithheldReason.CONSENT_REFUSED)}
