"""What a programme would see of a made-up household: the real decision, no registry, and cases that say what is right."""

from datetime import date
from pathlib import Path

import pytest

from policies.cases import Cases, cases_beside, read_cases, read_household, run, worded
from policies.folder import agreement_files
from policies.handles import HandleKey, HandleRing
from policies.reading import read_agreement
from policies.rehearsal import Household, Question, Surroundings, rehearse
from standards.errors import ConfigurationError
from standards.permit import Reason
from tests.builders import PLANNER
from tests.unit.policies.builders import CATALOGUE, agreement

SANDBOX = Path(__file__).parents[3] / "policies" / "sandbox"
RING = HandleRing([HandleKey("k1", b"a" * 32, date(2020, 1, 1))])


def around(derive=lambda profile, _names, _now: profile):
    """Surroundings of a rehearsal; nothing is derived unless stated."""
    return Surroundings(CATALOGUE, PLANNER.holders(), derive, RING.handles)


def household(*members, **facts):
    """A made-up household."""
    return Household.model_validate({"members": members, "facts": facts})


def seen(agreed, asked=None, of=None, **more):
    """(who, attribute) -> what is told, as cases write it."""
    outcome = rehearse(agreed, asked or Question(), of or household(ASHA, JUMA), around(**more))
    assert outcome.denials == ()
    return {(t.who, t.attribute): worded(t.state) for t in outcome.told}


ASHA = {"name": "asha", "consent": "granted", "knows": {"given_name": "Asha", "income_annual": 250}}
JUMA = {"name": "juma", "knows": {"given_name": "Juma", "income_annual": {"value": 50, "from": "tax"}}}


def test_each_member_is_told_about_by_their_own_consent():
    """Who gave none stays a member, with everything withheld; what the household counts as needs its own facts."""
    told = seen(agreement())

    assert told["asha", "given_name"] == "Asha"
    assert told["asha", "income_annual"] == ">=100"
    assert told["juma", "given_name"] == told["juma", "income_annual"] == {"withheld": "consent_missing"}


def test_what_no_permit_needs_is_not_even_read():
    """A derivation sees nothing of whom nobody may ask about, nor of a refused registry."""
    given = []

    def derive(profile, _names, _now):
        given.append(profile)
        return profile

    refusing = ASHA | {"consent": {"refused_sources": ["tax"]}}
    refusing["knows"] = {"given_name": "Asha", "income_annual": {"value": 250, "from": "tax"}, "surname": "Moyo"}
    seen(agreement(), of=household(refusing, JUMA), derive=derive)

    (profile,) = given
    assert "250" not in repr(profile)
    assert "50" not in repr(profile.members[1])
    assert "Moyo" not in repr(profile)


def test_a_law_asks_nobody_but_hears_who_objects():
    """Under a public task only an objection counts, under another law not even that."""
    by_law = {"eligibility": {"title": "T", "legal_basis": "public_task", "reference": "R"}}
    by_duty = {"eligibility": {"title": "T", "legal_basis": "legal_obligation", "reference": "R"}}
    people = household(ASHA | {"consent": "refused"}, JUMA | {"consent": "objected"})

    told = seen(agreement(purposes=by_law), of=people)
    assert told["asha", "given_name"] == "Asha"
    assert told["juma", "given_name"] == {"withheld": "objected"}
    assert seen(agreement(purposes=by_duty), of=people)["juma", "given_name"] == "Juma"
    assert seen(agreement(), of=people)["juma", "given_name"] == {"withheld": "consent_refused"}


def test_a_pseudonym_is_told_in_place_of_a_number():
    """With a key of the rehearsal's own, so that it fits nobody's file."""
    masked = agreement(attributes={"uin": {"form": "pseudonym"}})
    told = seen(masked, of=household({"name": "asha", "consent": "granted", "knows": {"uin": "1234567890"}}))

    assert told["asha", "uin"] == RING.handles("programme", date(2026, 1, 1)).current("uin", "1234567890")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (Question(purpose="marketing"), Reason.PURPOSE_NOT_AGREED),
        (Question(attributes=("surname",)), Reason.NOTHING_AGREED),
        (Question(on=date(2027, 1, 1)), Reason.AGREEMENT_NOT_IN_FORCE),
        (Question(search_by=("given_name",)), Reason.SEARCH_NOT_AGREED),
        (Question(bulk=2), Reason.BULK_NOT_AGREED),
        (Question(past=True), Reason.PAST_NOT_AGREED),
    ],
)
def test_a_denied_question_tells_nothing(asked, reason):
    """Only why, and what to obtain."""
    outcome = rehearse(agreement(), asked, household(ASHA), around())

    assert ([d.reason for d in outcome.denials], outcome.told) == ([reason], ())
    assert outcome.denials[0].remedy


@pytest.mark.parametrize("path", agreement_files(SANDBOX), ids=lambda path: path.stem)
def test_the_practice_agreements_hold_what_their_cases_expect(path):
    """Every agreement of the practice country has cases, and they are tried with the real derivations."""
    from gateway.stages.derive import Deriver

    cases = read_cases(cases_beside(path))
    results = run(read_agreement(path, CATALOGUE), cases, around(Deriver(CATALOGUE).derive))

    assert len(results) == len(cases.cases) >= 4
    assert {result.name: result.faults for result in results if result.faults} == {}


def faults(**case):
    """What is wrong with one case about Asha and Juma."""
    stated = {"agreement": "grant", "household": {"members": [ASHA, JUMA]}, "cases": [{"name": "case"} | case]}
    (result,) = run(agreement(), Cases.model_validate(stated), around())
    return result.faults


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        ({"expect": {"asha": {"given_name": "Neema"}}}, "expected 'Neema', found 'Asha'"),
        ({"expect": {"asha": {"surname": "Moyo"}}}, "not asked for"),
        ({"expect": {"juma": {"given_name": "Juma"}}}, "found {'withheld': 'consent_missing'}"),
        ({"expect": {"asha": {"given_name": "Asha"}}, "nothing_else": True}, "asha.income_annual: is told"),
        ({"consents": {"juma": "granted"}, "expect": {"juma": {"given_name": {"withheld": "consent_missing"}}}}, "'Juma'"),
        ({"denied": "past_not_agreed"}, "the question was permitted"),
        ({"ask": {"past": True}}, "the question was denied: past_not_agreed"),
    ],
)  # fmt: skip
def test_a_case_that_does_not_hold_says_what_was_found(case, fault):
    """A test that cannot fail is none."""
    assert any(fault in said for said in faults(**case)), faults(**case)


def test_a_case_that_holds_has_no_fault():
    """Consents of a case stand in place of the household's."""
    expect = {"asha": {"given_name": {"withheld": "consent_refused"}}, "juma": {"given_name": "Juma"}}

    assert faults(consents={"asha": "refused", "juma": "granted"}, expect=expect) == ()


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ({"expect": {"nobody": {}}}, "nobody in the household is called nobody"),
        ({"household": {"members": [ASHA, ASHA]}}, "a name of their own"),
        ({"household": {"members": [ASHA | {"knows": {"shoe": 1}}]}}, "no attribute shoe"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused(case, sentence):
    """With what to change."""
    with pytest.raises(ConfigurationError, match=sentence):
        faults(**case)


def test_cases_of_another_agreement_or_file_are_refused(tmp_path):
    """Wherever the mistake lies, it is named."""
    stated = {"agreement": "other", "cases": [{"name": "case"}]}
    with pytest.raises(ConfigurationError, match="of the agreement other, not of grant"):
        run(agreement(), Cases.model_validate(stated), around())
    with pytest.raises(ConfigurationError, match="state a household"):
        run(agreement(), Cases.model_validate(stated | {"agreement": "grant"}), around())
    file = tmp_path / "grant.cases.yaml"
    perhaps = "agreement: grant\ncases: [{name: case, consents: {asha: perhaps}}]"
    for text, sentence in (
        (perhaps, "consents.asha"),
        ("[", "not well-formed"),
        ("agreement: 2026-02-30", "does not exist"),
        ("agreement: grant", "cases: Field required"),
        ("", "valid"),
    ):
        file.write_text(text)
        with pytest.raises(ConfigurationError, match=sentence):
            read_cases(file)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_household(tmp_path / "nowhere.yaml")
