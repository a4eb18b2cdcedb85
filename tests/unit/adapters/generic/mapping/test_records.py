"""Records of any registry become Hearth's: about whom they are, what they say together, whom they name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.generic.mapping.layout import RecordLayout
from adapters.generic.mapping.records import Found, Records
from adapters.ports import GroupMember, Link
from standards.errors import SourceContractError
from standards.identifiers import Identifier
from standards.states import UnavailableReason

ASHA, BINTI = Identifier("UIN", "1"), Identifier("UIN", "2")
PLAIN: dict[str, Any] = {
    "identifiers": {"UIN": {"path": "nin"}, "TIN": {"path": "tin", "prefix": "T-"}},
    "as_of": {"path": "changed"},
    "attributes": {
        "surname": {"path": "last"},
        "income_annual": {"path": "income", "type": "money", "required": True},
        "sex": {"path": "sex", "type": "code", "codes": {"F": "2"}},
    },
}
NAMES = frozenset(PLAIN["attributes"])
TOGETHER: dict[str, Any] = {
    "identifiers": {"UIN": {"path": "nin"}},
    "several": "together",
    "as_of": {"path": "day"},
    "attributes": {
        "surname": {"path": "last"},
        "given_name": {"path": "first", "combine": "first"},
        "income_annual": {"path": "amount", "type": "money", "combine": "sum"},
        "land_area_ha": {"path": "m2", "type": "decimal", "factor": 0.0001, "combine": "sum", "decimals": 4},
        "land_parcel_count": {"path": "parcel", "type": "integer", "combine": "count"},
        "birth_date": {"path": "born", "type": "date", "combine": "min"},
        "school_grade": {"path": "grade", "type": "integer", "combine": "max"},
        "school_enrolled": {"path": "in", "type": "boolean", "codes": {"J": "true", "N": "false"}, "combine": "any"},
        "insured": {"path": "ok", "type": "boolean", "combine": "all"},
        "phone_number": {"path": "phone", "type": "list", "combine": "list"},
        "sex": {"path": "sex", "type": "code", "codes": {"F": "2", "M": "1"}},
    },
}
ALL = frozenset(TOGETHER["attributes"])


def records(layout, **more):
    """Return the records of a layout."""
    return Records("probe", RecordLayout.model_validate(layout | more))


def told(layout, raws, subjects=(ASHA,), names=NAMES, absent=(), as_of=None, **more):
    """Return what is answered about some people."""
    found = Found(list(raws), frozenset(absent), as_of)
    return records(layout, **more).answer(found, subjects, names).records


def person(**more):
    """Return one record."""
    return {"nin": "1", "income": 5, "last": "Moyo", "changed": "2026-01-01"} | more


class TestWhomARecordIsAbout:
    def test_it_states_the_number_asked_about(self):
        """As text or number, in any case and spacing; others of its numbers come along."""
        record = told(PLAIN, [person(nin=1, tin="t - 77")])[ASHA]
        assert record.identifiers == {"UIN": "1", "TIN": "77"}

    def test_a_number_without_the_prefix_of_its_type_is_none_of_that_type(self):
        """It may be one of another kind in the same column."""
        assert told(PLAIN, [person(tin="B-77")])[ASHA].identifiers == {"UIN": "1"}
        with pytest.raises(SourceContractError, match="TIN: missing"):
            told(
                PLAIN,
                [person(tin="B-77")],
                identifiers={"UIN": {"path": "nin"}, "TIN": {"path": "tin", "prefix": "T-", "required": True}},
            )

    @pytest.mark.parametrize("stated", ["3", "", None, 3])
    def test_one_about_somebody_else_is_refused(self, stated):
        """Or about nobody."""
        with pytest.raises(SourceContractError) as caught:
            told(PLAIN, [person(), person(nin=stated)])
        assert caught.value.reason is UnavailableReason.WRONG_SUBJECT

    @pytest.mark.parametrize("stated", [True, {}, [{}], 1.5, "1" * 100, "T"])
    def test_what_cannot_be_a_number_is_refused(self, stated):
        """By the name of its type."""
        with pytest.raises(SourceContractError, match=r"UIN|records"):
            told(PLAIN, [person(nin=stated)])

    def test_one_that_states_several_numbers_is_about_each_of_them(self):
        """A parcel with two holders is a parcel of both, and of nobody else who was asked about."""
        both = told(PLAIN, [person(nin=["2", 1, "7"])], (ASHA, BINTI))
        assert {subject: record.identifiers for subject, record in both.items()} == {
            ASHA: {"UIN": "1"},
            BINTI: {"UIN": "2"},
        }

    def test_whoever_has_no_record_is_held_only_if_nobody_says_otherwise(self):
        """Silence is refused, unless the registry said so itself, or the manifest does."""
        with pytest.raises(SourceContractError, match="lack somebody"):
            told(PLAIN, [person()], (ASHA, BINTI))
        assert told(PLAIN, [person()], (ASHA, BINTI), absent=[BINTI])[BINTI] is None
        assert told(PLAIN, [], (ASHA, BINTI), silence="no_record") == {ASHA: None, BINTI: None}

    @pytest.mark.parametrize("raw", [None, "x", 7, [], [{}]])
    def test_what_is_no_object_is_no_record(self, raw):
        """It is refused."""
        with pytest.raises(SourceContractError):
            told(PLAIN, [raw])


class TestWhatItSays:
    def test_only_what_was_asked_for_comes_back(self):
        """But what is promised must be there."""
        assert told(PLAIN, [person()], names=frozenset({"surname"}))[ASHA].values == {"surname": "Moyo"}
        with pytest.raises(SourceContractError, match="income_annual: missing"):
            told(PLAIN, [person(income=None)], names=frozenset({"surname"}))

    def test_a_promise_about_what_was_not_asked_for_counts_only_for_whole_records(self):
        """Where only some fields are asked for, the others do not come."""
        some = Records("probe", RecordLayout.model_validate(PLAIN), is_whole=False)
        record = some.record({"nin": "1", "last": "Moyo"}, frozenset({"surname"}))
        assert record.values == {"surname": "Moyo"}

    def test_an_unknown_code_makes_only_its_attribute_unusable(self):
        """The rest is read."""
        record = told(PLAIN, [person(sex="X")])[ASHA]
        assert record.unusable == {"sex": UnavailableReason.UNMAPPED_CODE}
        assert record.values == {"surname": "Moyo", "income_annual": 5}

    def test_the_age_of_a_drop_dates_records_that_do_not_say_so_themselves(self):
        """Their own date comes first."""
        old, new = (
            told(PLAIN, [person(changed=None)], as_of="2025-05-05")[ASHA],
            told(PLAIN, [person()], as_of="2025-05-05")[ASHA],
        )
        assert (old.as_of, new.as_of) == ("2025-05-05", "2026-01-01")

    def test_of_several_the_newest_counts_or_none(self):
        """As the layout says."""
        both = [person(last="Old", changed="2020-01-01", tin="T-1"), person(last="New")]
        record = told(PLAIN, both)[ASHA]
        assert record.values["surname"] == "New"
        assert record.duplicates == ({"UIN": "1", "TIN": "1"},)
        with pytest.raises(SourceContractError, match="several"):
            told(PLAIN, both, several="refused")

    def test_a_path_that_is_none_is_found_in_the_manifest(self):
        """And not at the first question."""
        with pytest.raises(ValidationError, match="not a JMESPath"):
            records(PLAIN, as_of={"path": "a.."})


ROWS = [
    {"nin": "1", "day": "2026-01-01", "last": "Old", "first": "A", "amount": "10", "m2": 5000, "parcel": "p1",
     "born": "1990-01-02", "grade": 3, "in": "N", "ok": True, "phone": ["+2", "+1"], "sex": "F"},
    {"nin": "1", "day": "2026-02-01", "last": "New", "first": "B", "amount": 20, "m2": 3, "parcel": "p2",
     "born": "1990-01-01", "grade": 5, "in": "J", "ok": False, "phone": "+1"},
    {"nin": "1", "day": "2026-01-15", "amount": None},
]  # fmt: skip


class TestRecordsThatCountTogether:
    def test_each_attribute_has_its_own_way(self):
        """Newest, first, sum, count, min, max, any, all, list."""
        record = told(TOGETHER, ROWS, names=ALL)[ASHA]

        assert record.values == {
            "surname": "New", "given_name": "A", "income_annual": 30, "land_area_ha": 0.5003, "land_parcel_count": 2,
            "birth_date": "1990-01-01", "school_grade": 5, "school_enrolled": True, "insured": False,
            "phone_number": ["+1", "+2"], "sex": "2",
        }  # fmt: skip
        assert (record.as_of, record.duplicates) == ("2026-02-01", ())

    def test_one_alone_is_read_the_same_way(self):
        """Sums of one, lists of one, a count of none."""
        record = told(TOGETHER, [{"nin": "1", "amount": 7, "m2": 1.5, "phone": "+1"}], names=ALL)[ASHA]
        assert record.values == {
            "income_annual": 7, "land_area_ha": 0.0002, "land_parcel_count": 0, "phone_number": ["+1"],
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("rows", "names", "unusable", "values"),
        [
            ([{"sex": "?", "day": "2026-02-02"}, {"sex": "F"}], ["sex"], True, {}),
            ([{"sex": "?"}, {"sex": "F", "day": "2026-02-02"}], ["sex"], False, {"sex": "2"}),
            ([{"in": "?"}, {"in": "N"}], ["school_enrolled"], True, {}),
            ([{"in": "?"}, {"in": "J"}], ["school_enrolled"], False, {"school_enrolled": True}),
        ],
    )
    def test_a_code_that_is_not_known_counts_where_it_could_change_the_outcome(self, rows, names, unusable, values):
        """And nowhere else."""
        record = told(TOGETHER, [{"nin": "1"} | row for row in rows], names=frozenset(names))[ASHA]
        assert (bool(record.unusable), record.values) == (unusable, values)

    @given(st.permutations([*ROWS, {"nin": "1", "day": "2026-02-01", "last": "Other", "amount": "0.5", "m2": 0.1}]),
           st.booleans())  # fmt: skip
    def test_the_order_of_records_never_matters(self, rows, is_whole):
        """Nor of pages, so that the same question has the same answer; `first` alone is the registry's own order."""
        names = ALL - {"given_name"}
        layout = TOGETHER | {"attributes": TOGETHER["attributes"] | {
            "income_annual": {"path": "amount", "type": "money", "combine": "sum", "decimals": 0}}}  # fmt: skip
        assert told(layout, rows, names=names) == told(layout, sorted(rows, key=str), names=names)
        newest = {
            **layout,
            "several": "newest",
            "attributes": PLAIN["attributes"] | {"income_annual": {"path": "m2", "type": "decimal"}},
        }
        some = rows if is_whole else rows[:3]
        assert told(newest, some) == told(newest, some[::-1])

    @given(st.lists(st.decimals(-1000, 1000, places=3), min_size=1, max_size=8), st.randoms(use_true_random=False))
    def test_sums_are_exact(self, amounts, chance):
        """In whatever order they come."""
        rows = [{"nin": "1", "m2": str(amount)} for amount in amounts]
        layout = TOGETHER | {"attributes": {"land_area_ha": {"path": "m2", "type": "decimal", "combine": "sum"}}}
        names = frozenset({"land_area_ha"})
        first = told(layout, rows, names=names)[ASHA].values
        chance.shuffle(rows)
        assert first == told(layout, rows, names=names)[ASHA].values == {"land_area_ha": float(sum(amounts))}


KIN = {
    "identifiers": {"UIN": {"path": "nin"}},
    "kin": [
        {"relation": "PRN", "path": "parents", "identifiers": {"UIN": {"path": "nin"}}, "birth_date": {"path": "born"}},
        {"relation": "CHILD", "path": "children", "identifiers": {"BRN": {"path": "@", "prefix": "B"}}},
        {"relation": "SPS", "identifiers": {"UIN": {"path": "spouse"}}},
    ],
}
GROUP: dict[str, Any] = {
    "identifiers": {"HOUSEHOLD_ID": {"path": "hh"}},
    "members": {
        "path": "members",
        "identifiers": {"UIN": {"path": "nin"}, "MEMBER_ID": {"path": "no"}},
        "relationship": {"path": "rel", "type": "code", "codes": {"HEAD": "SELF", "WIFE": "SPS"}},
    },
}
HOUSE = Identifier("HOUSEHOLD_ID", "H1")


class TestWhomItNames:
    def test_kin_with_a_number_are_linked(self):
        """A list, a single one, the record itself; whoever has no number is passed over."""
        raw = {"nin": "1", "parents": {"nin": "50", "born": "1960-01-01"}, "children": ["B7", "X8", None], "spouse": 60}
        record = told(KIN, [raw], names=frozenset())[ASHA]
        assert record.links == (
            Link("PRN", {"UIN": "50"}, "1960-01-01"),
            Link("CHILD", {"BRN": "7"}),
            Link("SPS", {"UIN": "60"}),
        )

    @pytest.mark.parametrize(
        "change", [{"parents": [{"nin": {}}]}, {"parents": {"nin": "5", "born": "x"}}, {"children": [7.5]}]
    )
    def test_kin_of_another_shape_are_refused(self, change):
        """Nobody is linked to whom nobody understands."""
        with pytest.raises(SourceContractError, match=r"PRN|CHILD"):
            told(KIN, [{"nin": "1"} | change], names=frozenset())

    def test_members_have_a_relationship_that_is_known_or_left_open(self):
        """In the codes of the standard."""
        raw = {"hh": "h1", "members": [{"nin": 1, "rel": "head"}, {"no": "m2", "rel": "GUEST"}, {"nin": "3"}]}
        record = told(GROUP, [raw], (HOUSE,), frozenset())[HOUSE]
        assert record.members == (
            GroupMember("SELF", {"UIN": "1"}),
            GroupMember("", {"MEMBER_ID": "M2"}),
            GroupMember("", {"UIN": "3"}),
        )

    @pytest.mark.parametrize("members", [[{"rel": "HEAD"}], ["x"], [7], [{"nin": []}]])
    def test_a_member_without_number_is_refused(self, members):
        """A household must not lose somebody."""
        with pytest.raises(SourceContractError, match="member"):
            told(GROUP, [{"hh": "H1", "members": members}], (HOUSE,), frozenset())

    def test_rows_of_members_make_one_group(self):
        """A table with a row for each member."""
        layout = GROUP | {"several": "together", "members": GROUP["members"] | {"path": "@"}}
        rows = [{"hh": "H1", "nin": "2", "rel": "WIFE"}, {"hh": "H1", "nin": "1", "rel": "HEAD"}]
        record = told(layout, rows, (HOUSE,), frozenset())[HOUSE]
        assert set(map(str, record.members)) == set(
            map(str, (GroupMember("SELF", {"UIN": "1"}), GroupMember("SPS", {"UIN": "2"})))
        )
        assert told(layout, rows[::-1], (HOUSE,), frozenset())[HOUSE] == record


def test_rows_of_databases_are_read_as_they_are():
    """Days, numbers and flags that are none of JSON's."""
    record = told(TOGETHER, [{"nin": 1, "day": date(2026, 1, 2), "born": date(1990, 1, 2), "m2": 12.0}], names=ALL)[
        ASHA
    ]
    assert record.as_of == "2026-01-02"
    assert record.values["birth_date"] == "1990-01-02"


def test_a_number_is_asked_for_as_the_registry_writes_it():
    """With its prefix; what the registry wrote alone is read the same way."""
    probe = records(PLAIN)
    assert probe.written(Identifier("TIN", "77")) == "T-77"
    assert probe.as_asked(["T-77", "x"], "TIN") == {Identifier("TIN", "77")}
    assert probe.identifiers({"nin": "5"}) == {"UIN": "5"}
