"""What a field of a registry probably is: an attribute of the catalogue, a number, or nothing that has a word here.

By its name, its type and the shape of its values. A guess is marked where it may be wrong; nothing is made up.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.kit.draft.shapes import Decide
from standards.attributes import AttributeDefinition, Catalogue, ValueType
from standards.codes import CodeDirectories
from standards.identifiers import GROUP_TYPES, PERSON_TYPES, normal_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adapters.kit.draft.shapes import Seen

_SPLIT: Final = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_SYNONYMS: Final = {
    "birth_date": "dob dateofbirth birthdate birthday bdate borndate born",
    "given_name": "firstname forename givenname fname given namefirst namegiven",
    "second_name": "middlename secondname othername othernames",
    "surname": "lastname familyname surname lname family namelast namefamily",
    "sex": "sex gender",
    "birth_place": "birthplace placeofbirth",
    "death_date": "deathdate dateofdeath dod",
    "marital_status": "maritalstatus civilstatus",
    "phone_number": "phone mobile msisdn telephone phonenumber mobilenumber phones",
    "email": "email mail emailaddress",
    "address_line": "address street addressline streetaddress",
    "locality": "village town city locality settlement",
    "sub_region_code": "district districtcode subregion county",
    "region_code": "region regioncode province provincecode state",
    "postal_code": "postalcode postcode zip zipcode",
    "nationality": "nationality citizenship",
    "language_code": "language preferredlanguage",
    "income_annual": "annualincome yearlyincome incomeannual totalincome declaredincome income",
    "land_area_ha": "areaha landarea totalarea hectares",
}
"""Attribute -> further names that registries give it."""
_NUMBERS: Final = {
    "UIN": "uin nin nid nationalid nationalidnumber nationalidno personalid personid idnumber identitynumber",
    "TIN": "tin taxid taxnumber taxpayerid taxpayernumber",
    "BRN": "brn birthregistrationnumber birthcertificateno birthregno",
    "HOUSEHOLD_ID": "householdid hhid householdnumber householdno",
    "PATIENT_NUMBER": "patientnumber patientid mrnumber",
    "LEARNER_NUMBER": "learnernumber learnerid studentid pupilid",
    "FARMER_ID": "farmerid farmernumber",
    "PWD_ID": "pwdid disabilityid",
    "MEMBER_ID": "memberid membernumber",
    "BENEFICIARY_ID": "beneficiaryid beneficiarynumber",
    "JOB_SEEKER_ID": "jobseekerid jobseekernumber",
}
_CHANGED: Final = frozenset(
    (
        "lastupdated",
        "lastmodified",
        "updatedat",
        "modifiedat",
        "changedat",
        "updatedon",
        "lastchanged",
        "asof",
        "updated",
        "surveyedon",
        "recordedon",
    )
)
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_PARTS: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?: .*)?")
_COMPACT: Final = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])")
_KINDS: Final = {"integer": "integer", "number": "decimal", "boolean": "boolean", "list": "list"}


class Guess(NamedTuple):
    """What a field probably is; nothing where all are empty."""

    attribute: AttributeDefinition | None = None
    number: str | None = None
    """Type of an identifier."""
    is_changed: bool = False
    """It says when the record was last changed."""
    close: tuple[str, ...] = ()
    """Attributes with a similar name, where none has this one."""


def guess(seen: Seen) -> Guess:
    """Return what a field probably is."""
    flat = _flat(seen.name)
    if (type_ := number_type(seen.name)) is not None:
        return Guess(number=type_)
    if flat in _CHANGED:
        return Guess(is_changed=True)
    known = _names()
    with_above = _flat(".".join(seen.path.split(".")[-2:]))
    for one in (flat, with_above):
        if one in known:
            return Guess(attribute=Catalogue.load()[known[one]])
    close = get_close_matches(flat, list(known), n=3, cutoff=0.75)
    return Guess(close=tuple(dict.fromkeys(known[one] for one in close)))


_CALLED: Final[ContextVar[Mapping[str, str]]] = ContextVar("called", default=MappingProxyType({}))
"""Names that this registry gives numbers, flattened -> the type."""


@contextmanager
def calling(names: Mapping[str, str]) -> Iterator[None]:
    """Know numbers of people by these names too, for as long as it lasts.

    names: a registry's own name of a field or parameter -> the type of the number.
    """
    token = _CALLED.set({_flat(name): type_ for name, type_ in names.items()})
    try:
        yield
    finally:
        _CALLED.reset(token)


def number_type(name: str) -> str | None:
    """Return the type of number that a name of a field or parameter stands for; None when it is none."""
    flat = _flat(name)
    if flat in _CALLED.get():
        return _CALLED.get()[flat]
    for type_, names in _NUMBERS.items():
        if flat in names.split():
            return type_
    type_ = normal_type(name)
    return type_ if type_ in (*PERSON_TYPES, *GROUP_TYPES) else None


def is_counted(name: str) -> bool:
    """Tell whether a name stands for how many records there are."""
    return _flat(name) in ("total", "totalcount", "totalelements", "totalitems", "totalresults", "numbermatched")


def day_of(seen: Seen) -> Any:
    """Return where a record says as of when it holds, as the manifest says it; marked where the form is in doubt."""
    if seen.kind in ("integer", "number"):
        counted = {"path": seen.path, "date": "unix_s"}
        return Decide(counted, "whether it counts seconds since 1970 (`unix_ms`, `excel`)")
    form, asked = date_form(seen.texts)
    stated = {"path": seen.path} if form == "iso" else {"path": seen.path, "date": form}
    return Decide(stated, asked) if asked else stated


def field_of(seen: Seen, definition: AttributeDefinition) -> Any:
    """Return how a field is read as an attribute, as the manifest says it; marked where that has to be looked at."""
    stated: dict[str, Any] = {"path": seen.path}
    if definition.type is not ValueType.STRING:
        stated["type"] = definition.type.value
    if seen.required:
        stated["required"] = True
    asked = None
    match definition.type:
        case ValueType.DATE:
            form, asked = date_form(seen.texts)
            if form != "iso":
                stated["date"] = form
        case ValueType.CODE:
            stated["codes"], asked = _codes(seen, definition)
        case ValueType.BOOLEAN if seen.kind != "boolean":
            stated["codes"], asked = {"Y": "true", "N": "false"}, "which words mean true and false"
        case ValueType.MONEY | ValueType.DECIMAL | ValueType.INTEGER:
            if any("," in text for text in seen.texts):
                stated["decimal_sign"], asked = ",", "whether the comma separates decimals, or groups digits"
            if definition.unit:
                asked = f"the unit: the catalogue's is {definition.unit}; otherwise give `factor`"
    if definition.type is ValueType.LIST and seen.kind != "list":
        asked = "the catalogue has a list here, the registry one value"
    return Decide(stated, f"{definition.name}: {asked}") if asked else stated


def date_form(texts: Sequence[str]) -> tuple[str, str | None]:
    """Return how dates are written, and what is in doubt about it."""
    if not texts:
        return "iso", None
    if all(_ISO.fullmatch(text) for text in texts):
        return "iso", None
    if all(_COMPACT.fullmatch(text) for text in texts):
        return "compact", None
    parts = [_PARTS.fullmatch(text) for text in texts]
    if all(parts):
        first, second = (max(int(one[at]) for one in parts if one) for at in (1, 2))
        if first > 12:
            return "day_first", None
        return ("month_first", None) if second > 12 else ("day_first", "whether the day or the month comes first")
    return "iso", "how dates are written there (`date`, `calendar`)"


def _codes(seen: Seen, definition: AttributeDefinition) -> tuple[Mapping[str, str], str | None]:
    """Return the registry's codes -> the catalogue's, and what is in doubt about them."""
    directory = CodeDirectories.load()
    known = directory.codes(definition.codes or "")
    if not (seen.codes or seen.texts):
        return {code: code for code in known}, f"which codes it sends for {definition.codes}; these are the catalogue's"
    stated, open_ = {}, []
    for code in dict.fromkeys(seen.codes or seen.texts):
        meant = _meant(code, known)
        if meant is None:
            open_.append(code)
        else:
            stated[code] = meant
    if not stated:
        return {code: code for code in known}, f"which codes it sends for {definition.codes}; these are the catalogue's"
    if open_ and seen.codes:
        return stated, f"what these mean, of {', '.join(known)}: {', '.join(open_)}"
    return stated, None if seen.codes else "whether these are all codes that it sends"


def _meant(code: str, known: Mapping[str, Any]) -> str | None:
    flat = code.casefold()
    exact = [one for one in known if one.casefold() == flat]
    begins = [one for one in known if one.casefold().startswith(flat)]
    found = exact or begins
    return found[0] if len(found) == 1 else None


def _flat(name: str) -> str:
    return "".join(_SPLIT.split(name)).casefold()


@cache
def _names() -> Mapping[str, str]:
    """Return every name that an attribute has or is often given, flattened -> the attribute; derived ones left out."""
    names = {flat: attribute for attribute, flats in _SYNONYMS.items() for flat in flats.split()}
    for definition in Catalogue.load():
        if definition.derived is None and definition.type not in (ValueType.IDENTIFIER, ValueType.CODES):
            name = definition.name
            for one in (name, *definition.aliases, definition.title):
                names.setdefault(_flat(one), name)
    return names
