"""Agreements that change, have quotas or agree pseudonyms, as the decision takes them."""

from datetime import date

import pytest

from gateway.stages.decide import Decisions
from policies.book import AgreementSet
from policies.counters import QuestionCounter
from policies.handles import HandleKey, HandleRing
from policies.ledger import MemoryLedger
from policies.minimise import minimise
from standards.permit import Permit, Reason
from standards.states import Unavailable, Value
from tests.builders import ASHA, CATALOGUE, KEY, NOW, PLANNER, uin
from tests.unit.policies.builders import agreement, person, profile, request, said

QUOTA = {"eligibility": {"title": "T", "legal_basis": "consent", "reference": "R", "quota": {"per_day": 1}}}


class ChangingBook:
    """A book whose agreements are replaced whole."""

    def __init__(self, *agreements):
        self.current = AgreementSet(agreements)

    def __getattr__(self, name):
        return getattr(self.current, name)


def permitted(of, **changes):
    """The permit of a question about Asha."""
    permit = of.decide(request(subject=uin(ASHA))._replace(**changes), NOW)
    assert isinstance(permit, Permit)
    return permit


def test_no_decision_outlives_the_agreement_it_was_made_under():
    """What was remembered is forgotten with the change, and permits of before are not current any more."""
    book = ChangingBook(agreement())
    of = Decisions(book, MemoryLedger(KEY), CATALOGUE, PLANNER.holders())
    before = permitted(of)
    assert of.is_current(before, NOW)

    book.current = AgreementSet([agreement(), agreement(version="1.1", attributes={"given_name": "value"})])

    assert not of.is_current(before, NOW)
    after = permitted(of)
    assert after.forms.keys() == {"given_name"}
    assert of.is_current(after, NOW)
    book.current = AgreementSet([])
    assert not of.is_current(after, NOW)
    assert isinstance(of.decide(request(), NOW), tuple)


def test_a_change_elsewhere_leaves_a_permit_current():
    """Another programme's new version keeps nobody's answer back."""
    book = ChangingBook(agreement())
    of = Decisions(book, MemoryLedger(KEY), CATALOGUE, PLANNER.holders())
    permit = permitted(of)
    names = {"id": "other", "title": "Other", "client_id": "other", "sender_id": "other.pv"}

    book.current = AgreementSet([agreement(), agreement(id="other", consumer=names)])

    assert of.is_current(permit, NOW)


def test_a_job_is_decided_by_how_much_it_asks():
    """An ordinary message needs no right to bulk; a job needs it, for as many questions as it has."""
    of = Decisions(AgreementSet([agreement(bulk={"max_questions": 10})]), MemoryLedger(KEY), CATALOGUE, {})
    none = Decisions(AgreementSet([agreement()]), MemoryLedger(KEY), CATALOGUE, {})
    decided = [of.decide(request(), NOW, None, size) for size in (10, None)]
    decided += [none.decide(request(), NOW)]
    assert all(isinstance(one, Permit) for one in decided)
    for which, size in ((of, 11), (none, 1)):
        denials = which.decide(request(), NOW, None, size)
        assert not isinstance(denials, Permit)
        assert [denial.reason for denial in denials] == [Reason.BULK_NOT_AGREED]


async def test_a_question_over_the_quota_is_denied(tmp_path):
    """And one without a quota is never counted."""
    counter = QuestionCounter(f"sqlite:///{tmp_path / 'counters.db'}")
    of = Decisions(AgreementSet([agreement(purposes=QUOTA)]), MemoryLedger(KEY), CATALOGUE, {}, counter)
    permit = permitted(of)
    assert await of.over_quota(permit, NOW) is None

    denial = await of.over_quota(permit, NOW)

    assert denial is not None
    assert denial.reason is Reason.QUOTA_USED_UP
    assert await of.over_quota(permit._replace(per_day=None), NOW) is None
    counter.close()


@pytest.mark.parametrize("is_broken", [True, False])
async def test_a_question_that_cannot_be_counted_is_denied(tmp_path, is_broken):
    """A quota that nothing counts, or that cannot be written, is no free pass."""
    counter = QuestionCounter(f"sqlite:///{tmp_path / 'counters.db'}") if is_broken else None
    if counter is not None:
        counter.close()
        for file in tmp_path.iterdir():
            file.unlink()
        (tmp_path / "counters.db").write_bytes(b"this is no database, however long one looks at it\n" * 4)
    of = Decisions(AgreementSet([agreement(purposes=QUOTA)]), MemoryLedger(KEY), CATALOGUE, {}, counter)

    denial = await of.over_quota(permitted(of), NOW)

    assert denial is not None
    assert denial.reason is Reason.UNDECIDED


RING = HandleRing([HandleKey("k1", b"a" * 32, date(2020, 1, 1))]).rotated(NOW.date(), 30)


def test_a_pseudonym_leaves_in_place_of_the_number():
    """With the former handle beside it while that is kept; other forms need no key."""
    of = Decisions(
        AgreementSet([agreement(attributes={"uin": {"form": "pseudonym"}, "given_name": "value"})]),
        MemoryLedger(KEY), CATALOGUE, {}, None, RING.handles,
    )  # fmt: skip
    permit = permitted(of)
    handles = of.handles(permit)
    assert handles is not None

    told = minimise(profile({"uin": said("1234567890")}), permit, {1: person(permit)}, handles)
    state = told.members[0].attributes["uin"]

    assert isinstance(state, Value)
    assert state.value == handles.current("uin", "1234567890")
    assert state.provenance.formerly == handles.former("uin", "1234567890")
    assert [h.split(".")[0] for h in (str(state.value), *state.provenance.formerly)] == ["k2", "k1"]
    assert "1234567890" not in repr(told)
    assert of.handles(permit._replace(forms={"given_name": permit.forms["given_name"]})) is None


def test_without_a_key_no_number_leaves():
    """Neither the number nor a handle: it is unavailable."""
    of = Decisions(
        AgreementSet([agreement(attributes={"uin": {"form": "pseudonym"}})]), MemoryLedger(KEY), CATALOGUE, {}
    )
    permit = permitted(of)

    told = minimise(profile({"uin": said("1234567890")}), permit, {1: person(permit)}, of.handles(permit))

    assert isinstance(told.members[0].attributes["uin"], Unavailable)
    assert "1234567890" not in repr(told)
