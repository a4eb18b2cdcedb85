"""Consent receipts: what a person's decisions amount to, and under what name they are kept."""

from datetime import date

import pytest

from policies.lines import read_lines
from policies.ports import Standing, StandingKind
from policies.receipts import Consent, Decision, Pseudonyms
from policies.standing import standing_of
from standards.errors import ConfigurationError
from standards.identifiers import identifier

PSEUDONYMS = Pseudonyms(b"k" * 32)
ASHA = identifier("UIN", "1234567890")
DAY = date(2026, 6, 1)
GRANTED, REFUSED, MISSING = StandingKind.GRANTED, StandingKind.REFUSED, StandingKind.MISSING


def decided(decision, on="2026-01-05", sources=None, until=None, consumer_id=None):
    """One decision of Asha about eligibility."""
    return Consent(
        subject=ASHA,
        purpose="eligibility",
        decision=Decision(decision),
        given_by=ASHA,
        given_on=date.fromisoformat(on),
        sources=None if sources is None else frozenset(sources),
        until=None if until is None else date.fromisoformat(until),
        consumer_id=consumer_id,
    )


def standing(*decisions, consumer_id="uct"):
    """Kind and refused sources of what these amount to on `DAY`."""
    receipts = [PSEUDONYMS.receipt(consent, str(n)) for n, consent in enumerate(decisions)]
    found = standing_of(receipts, consumer_id, DAY)
    return found.kind, set(found.refused_sources)


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([], (MISSING, set())),
        ([decided("granted")], (GRANTED, set())),
        ([decided("refused")], (REFUSED, set())),
        # The newest wins, by its day and then by the order of recording.
        ([decided("granted"), decided("refused", "2026-02-01")], (REFUSED, set())),
        ([decided("refused", "2026-02-01"), decided("granted")], (REFUSED, set())),
        ([decided("granted"), decided("refused")], (REFUSED, set())),
        ([decided("refused"), decided("granted")], (GRANTED, set())),
        # A grant has a term, a refusal has none.
        ([decided("granted", until="2026-06-01")], (GRANTED, set())),
        ([decided("granted", until="2026-05-31")], (MISSING, set())),
        ([decided("granted", "2026-06-01")], (GRANTED, set())),
        ([decided("granted", "2026-06-02")], (MISSING, set())),
        ([decided("refused", until="2026-05-31")], (REFUSED, set())),
        ([decided("granted"), decided("refused", "2026-06-02")], (REFUSED, set())),
        ([decided("granted", "2025-01-01"), decided("granted", until="2026-05-31")], (MISSING, set())),
        # Single sources.
        ([decided("refused", sources=["health"])], (REFUSED, set())),
        ([decided("granted"), decided("refused", sources=["health", "tax"])], (GRANTED, {"health", "tax"})),
        ([decided("refused", sources=["health"], until="2026-05-31")], (REFUSED, set())),
        ([decided("refused", "2026-06-02", sources=["health"])], (MISSING, set())),
        ([decided("granted"), decided("refused", sources=["health"])], (GRANTED, {"health"})),
        ([decided("granted"), decided("refused", "2026-06-02", sources=["health"])], (GRANTED, {"health"})),
        ([decided("granted", until="2026-05-31"), decided("refused", sources=["health"])], (MISSING, set())),
        ([decided("refused", sources=["health"]), decided("granted")], (GRANTED, set())),
        ([decided("refused", sources=["health"]), decided("granted", sources=["health"])], (REFUSED, set())),
        ([decided("granted", sources=["health"])], (MISSING, set())),
        # A grant of single sources has a term, too: when it has ended, the refusal before it is not lifted any more.
        (
            [
                decided("granted", "2025-01-01"),
                decided("refused", "2025-02-01", sources=["health"]),
                decided("granted", sources=["health"], until="2026-06-01"),
            ],
            (GRANTED, set()),
        ),
        (
            [
                decided("granted", "2025-01-01"),
                decided("refused", "2025-02-01", sources=["health"]),
                decided("granted", sources=["health"], until="2026-05-31"),
            ],
            (GRANTED, {"health"}),
        ),
        ([decided("granted"), decided("granted", sources=["tax"], until="2026-05-31")], (GRANTED, {"tax"})),
        ([decided("refused"), decided("granted", sources=["health"])], (REFUSED, set())),
        ([decided("refused"), decided("refused", sources=["health"])], (REFUSED, set())),
        # Of one consumer, or of all.
        ([decided("granted", consumer_id="other")], (MISSING, set())),
        ([decided("granted"), decided("refused", consumer_id="other")], (GRANTED, set())),
        ([decided("granted"), decided("refused", consumer_id="uct")], (REFUSED, set())),
    ],
)
def test_what_decisions_amount_to(decisions, expected):
    """One line per rule that policies/README.md states."""
    assert standing(*decisions) == expected


def test_a_standing_names_the_receipt_that_decided():
    """The journal can point at it."""
    receipts = [PSEUDONYMS.receipt(decided("granted"), "1"), PSEUDONYMS.receipt(decided("refused"), "2")]

    assert standing_of(receipts, "uct", DAY) == Standing(REFUSED, frozenset(), receipts[1].receipt_id)


def test_people_stand_under_keyed_pseudonyms():
    """Equal numbers meet whatever their spelling; another key gives another name; nothing is in clear."""
    receipt = PSEUDONYMS.receipt(decided("granted"), "1")

    assert PSEUDONYMS.of_person({"nid": " 1234 567890"}) == (receipt.person,)
    assert Pseudonyms(b"l" * 32).of(ASHA) != receipt.person
    assert PSEUDONYMS.of(identifier("TIN", "1234567890")) != receipt.person
    assert "1234567890" not in repr(receipt)


def test_numbers_of_several_people_do_not_count():
    """A marriage has two spouses, a household many members."""
    assert PSEUDONYMS.of_person({"MRN": "M2004-000123", "HOUSEHOLD_ID": "HH-000123", "TIN": ""}) == ()


def test_a_short_key_is_refused():
    """A key that can be guessed makes pseudonyms that can be reversed."""
    with pytest.raises(ConfigurationError, match="32 bytes"):
        Pseudonyms(b"short")


LINE = (
    '{"subject": {"type": "UIN", "value": "1234567890"}, "purpose": "eligibility", "decision": "granted",'
    ' "sources": null, "given_by": {"type": "UIN", "value": "1234567890"}, "given_on": "2026-01-05", "until": null}'
)


def test_lines_are_read():
    """Empty lines do not count; bytes and text are the same."""
    assert read_lines([LINE, "", LINE.encode() + b"\n"]) == [decided("granted")] * 2


def test_lines_say_until_when_somebody_else_s_grant_holds():
    """A refusal needs no end."""
    by_mother = LINE.replace(
        '"given_by": {"type": "UIN", "value": "1234567890"}', '"given_by": {"type": "UIN", "value": "2"}'
    )
    ending = by_mother.replace('"until": null', '"majority_on": "2030-01-01"')

    assert [one.acts_as for one in read_lines([ending, by_mother.replace("granted", "refused")])] == ["guardian"] * 2


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"granted"', '"perhaps"'),
        ('"sources": null', '"sources": []'),
        ('"sources": null', '"sources": "health"'),
        ('"sources": null', '"sources": [1]'),
        ('"2026-01-05"', '"soon"'),
        ('"2026-01-05"', "20260105"),
        ('"purpose": "eligibility", ', ""),
        ('"purpose": "eligibility"', '"purpose": ""'),
        ('"purpose": "eligibility"', '"consumer_id": 7, "purpose": "eligibility"'),
        ('"value": "1234567890"', '"value": 1234567890'),
        ('"value": "1234567890"', '"value": " "'),
        ("{", "["),
        ('"given_by": {"type": "UIN", "value": "1234567890"}', '"given_by": {"type": "UIN", "value": "2"}'),
        ('"until": null', '"until": null, "capacity": "guardian", "majority_on": "2030-01-01"'),
        (
            '"given_by": {"type": "UIN", "value": "1234567890"}',
            '"given_by": {"type": "UIN", "value": "2"}, "capacity": "proxy"',
        ),
        (
            '"given_by": {"type": "UIN", "value": "1234567890"}',
            '"given_by": {"type": "UIN", "value": "2"}, "capacity": "self"',
        ),
    ],
)
def test_a_wrong_line_is_named_by_its_number_only(right, wrong):
    """What stands in it is a person's."""
    assert right in LINE

    with pytest.raises(ConfigurationError, match="line 2") as refused:
        read_lines([LINE, LINE.replace(right, wrong, 1)])
    assert "1234567890" not in str(refused.value)
