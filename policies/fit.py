"""Which form fits which attribute: what the models of an agreement cannot know without the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from policies.agreement import Agreement, BandForm, GeneralisedForm, MaskedForm, PredicateForm, PseudonymForm
from standards.attributes import NUMERIC, AttributeDefinition, Catalogue, Entity, ValueType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.agreement import AttributeForm

PLACES: Final = {"district": "sub_region_code", "region": "region_code"}
"""Coarser place -> the attribute that states it; that one is read, and the exact address is not."""

_NAME_PLACE: Final = "demographic_info.name."
_ADDRESS_PLACE: Final = "demographic_info.address"
_MASKABLE: Final = frozenset({ValueType.STRING, ValueType.IDENTIFIER})


class Problem(NamedTuple):
    """Something to change in an agreement."""

    path: tuple[str | int, ...]
    """Where: keys and positions from the top of the file."""
    sentence: str
    """What is wrong and what to write instead; holds no value of the file except names."""


def problems(agreement: Agreement, catalogue: Catalogue) -> Iterator[Problem]:
    """Yield what is wrong with an agreement whose shape is right; nothing, when it can be used."""
    if agreement.end < agreement.start:
        yield Problem(("end",), "the last day lies before the first: put `end` on or after `start`")
    for name, stated in agreement.attributes.items():
        definition = catalogue.get(name)
        if definition is None:
            meant = catalogue.resolve(name)
            hint = f"write `{meant}`" if meant else "use a name of standards/catalogue.yaml"
            yield Problem(("attributes", name), f"the catalogue has no attribute `{name}`: {hint}")
        elif wrong := misfit(stated, definition):
            yield Problem(("attributes", name), f"`{name}` {wrong}")
        elif agreement.household is None and definition.entity is Entity.HOUSEHOLD:
            yield Problem(
                ("attributes", name),
                f"`{name}` describes the household: add `household: {{rule: ...}}` or remove it",
            )
    for position, name in enumerate(agreement.search.attributes if agreement.search else ()):
        form = agreement.attributes.get(name)
        if form != "value" and not isinstance(form, BandForm | PredicateForm):
            yield Problem(
                ("search", "attributes", position),
                f"`{name}` can be searched only if it is agreed as `value`, `band` or `predicate`: a filter tells what "
                "it filters by",
            )
    for name in agreement.probes:
        if name not in agreement.attributes:
            yield Problem(("probes", name), f"`{name}` is not among the attributes: remove it here, or agree it")


def misfit(stated: AttributeForm, definition: AttributeDefinition) -> str | None:
    """Return why the form does not fit the attribute, or None if it does."""
    match stated:
        case BandForm() | PredicateForm():
            if definition.type not in NUMERIC:
                return f"is a {definition.type}: a {stated.form} needs a number"
            if isinstance(stated, BandForm) and _whole(definition) and any(e != int(e) for e in stated.edges):
                return "holds whole numbers: write the edges without decimals"
        case GeneralisedForm():
            return _misfit_general(stated.to, definition)
        case MaskedForm():
            if definition.type not in _MASKABLE:
                return f"is a {definition.type}: only strings and identifiers can be masked"
        case PseudonymForm():
            if definition.type is not ValueType.IDENTIFIER:
                return f"is a {definition.type}: only an identifier has a pseudonym"
    return None


def fitted(agreement: Agreement, catalogue: Catalogue) -> Agreement:
    """Return the agreement with the edges of bands in the type of their attribute; it decides how bands are named.

    A file may say `[1, 5]` of an area in hectares; 4.5 ha then lies in `1-<5`, and not in `1-4`.
    """
    attributes = dict(agreement.attributes)
    for name, stated in attributes.items():
        if isinstance(stated, BandForm):
            number = int if _whole(catalogue[name]) else float
            attributes[name] = stated.model_copy(update={"edges": tuple(number(edge) for edge in stated.edges)})
    return agreement.model_copy(update={"attributes": attributes})


def _misfit_general(to: str, definition: AttributeDefinition) -> str | None:
    if to in {"year", "month"} and definition.type is not ValueType.DATE:
        return f"is a {definition.type}: only a date can be generalised to a {to}"
    if to == "initial" and not definition.place.startswith(_NAME_PLACE):
        return "is not a part of a person's name: only that can be generalised to its initial"
    if to in PLACES and not definition.place.startswith(_ADDRESS_PLACE):
        return f"is not a part of an address: only that can be generalised to a {to}"
    if to == "district" and definition.name == PLACES["region"]:
        return "is coarser than a district already: agree it as `value`"
    return None


def _whole(definition: AttributeDefinition) -> bool:
    return definition.type in {ValueType.INTEGER, ValueType.MONEY}
