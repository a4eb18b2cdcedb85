"""Our JSON-LD contexts."""

import pytest

from standards.attributes import Catalogue, ValueType
from standards.contexts import HOUSEHOLD, context, context_names
from standards.dci.place import OBJECT_TYPES, compile_places, group_record, member_record
from standards.dci.shapes import records_of, shapes
from standards.permit import FormKind


def terms_of(record, known, path=""):
    """Yield every member of a record that its context has no term for."""
    for key, value in record.items():
        if not key.startswith("@") and key not in known:
            yield f"{path}/{key}"
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                own = known.get(inner.get("@type", ""), {})
                scoped = own.get("@context", {}) if isinstance(own, dict) else {}
                yield from terms_of(inner, known | scoped, f"{path}/{key}")


def test_every_member_of_a_whole_record_has_a_term():
    """A household with everything in it can be read as linked data."""
    places = compile_places(Catalogue.load())
    values = {d.name: "x" for d in Catalogue.load()}
    member = member_record(values, places, relationship="SELF")
    record = group_record(values, [member], places, head=0)

    assert list(terms_of(record, context(HOUSEHOLD)["@context"])) == []


@pytest.mark.parametrize("shape", list(shapes().values()), ids=lambda shape: f"{shape.reg_type}-{shape.record_type}")
def test_every_member_of_a_registry_s_record_has_a_term(shape):
    """Whatever kind of registry was asked, its record can be read as linked data."""
    values = {name: [{}] if shape.apart and name == shape.apart.attribute else "x" for name in shape.names}
    known = context(HOUSEHOLD)["@context"]

    for record in records_of(shape, values, forms={"surname": FormKind.MASKED}):
        own = known[record["@type"]]
        scoped = own.get("@context", {}) if isinstance(own, dict) else {}
        assert list(terms_of(record, known | scoped)) == []


def test_every_extension_object_has_its_own_context():
    """Each of our types can be referred to alone."""
    own = {type_ for type_ in OBJECT_TYPES.values() if type_.startswith("hearth:")}

    assert {f"hearth:{name}" for name in context_names()} == own | {f"hearth:{HOUSEHOLD}"}
    for name in context_names():
        assert f"hearth:{name}" in context(name)["@context"]


def test_terms_inside_an_object_mean_nothing_outside():
    """`status` of a taxpayer is that attribute; elsewhere it is no term."""
    terms = context("Taxpayer")["@context"]

    assert terms["hearth:Taxpayer"]["@context"]["status"]["@id"] == "hearth:taxpayer_status"
    assert "status" not in context(HOUSEHOLD)["@context"]


def test_terms_carry_the_catalogues_types():
    """Dates are dates, and codes are names from their directory."""
    terms = context(HOUSEHOLD)["@context"]

    assert terms["birth_date"] == {"@id": "spdci:birth_date", "@type": "xsd:date"}
    assert terms["sex"]["@context"]["@vocab"].endswith("SexCategory:")
    assert all(ValueType(d.type) for d in Catalogue.load())


def test_an_unknown_context_is_an_error():
    """There is no context by another name."""
    with pytest.raises(KeyError):
        context("Nonsense")
