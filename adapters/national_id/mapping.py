"""Identities of the national ID platform in Hearth's words."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from adapters.fields import Field, Fields
from adapters.ports import GroupMember, Record
from adapters.reading import Reader, newest
from standards.identifiers import BRN, DWELLING_KEY, TIN, UIN, Identifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCE: Final = "national_id"
READ: Final = Reader(SOURCE)

SEX: Final = {"F": "female", "M": "male", "X": "other"}
VITAL_STATUS: Final = {"ALIVE": "alive", "DECEASED": "dead"}
_LANGUAGE: Final = "eng"


def _spelled(read: Reader, field: str, value: object) -> str | None:
    """Return a name in the language of Hearth's answers, else in the first that is given."""
    if value is None:
        return None
    spellings = read.objects(field, value)
    for one in spellings:
        if one.get("language") == _LANGUAGE and (text := read.text(field, one.get("value"))):
            return text
    return next((text for one in spellings if (text := read.text(field, one.get("value")))), None)


def _alone(read: Reader, field: str, value: object) -> list[str] | None:
    """Return a single text as the list that the catalogue asks for."""
    text = read.text(field, value)
    return [text] if text else None


_STATED: Final = (
    Field("given_name", "givenName", _spelled, required=True),
    Field("second_name", "middleName", _spelled),
    Field("surname", "familyName", _spelled, required=True),
    Field("sex", "gender", codes=SEX, required=True),
    Field("birth_date", "dateOfBirth", Reader.day, required=True),
    Field("nationality", "nationality"),
    Field("phone_number", "phone", _alone),
    Field("email", "email", _alone),
    Field("address_line", "addressLine"),
    Field("locality", "town"),
    Field("sub_region_code", "districtCode"),
    Field("region_code", "regionCode"),
    Field("postal_code", "postCode"),
    Field("language_code", "preferredLanguage"),
    Field("vital_status", "lifeStatus", codes=VITAL_STATUS, required=True),
)
"""Attribute, and the platform's field. It gives only the fields that a query names."""
_FIELDS: Final = Fields(READ, (field._replace(label=field.path) for field in _STATED), is_whole=False)
ENTRY_FIELDS: Final = ("birthRegistrationNumber", "dwellingKey")
"""The platform's fields that tell what an identity rests on, and where the person lives."""

_ERRORS: Final = frozenset({"KER-ATH-401", *(f"IDR-00{digit}" for digit in range(1, 10))})
"""The platform's codes of errors."""


@lru_cache(maxsize=64)
def fields_for(names: frozenset[str]) -> tuple[str, ...]:
    """Return the platform's fields for some attributes, and its numbers of the person."""
    return ("UIN", "taxNumber", *(field.path for field in _STATED if field.name in names))


def to_answer(body: bytes, subjects: Sequence[Identifier], names: frozenset[str]) -> dict[Identifier, Record | None]:
    """Translate one answer: a record, or None for whom the platform does not hold, for every subject.

    Shape: `{"response": {"identities": [{"query", "status", "identity"}]}, "errors": [{"errorCode"}]}`; an
    error comes with status 200 and `response` null.
    Raises: SourceContractError for an error, a subject left out, someone else, or a field of another shape.
    """
    stated = _response(body).get("identities")
    records: dict[Identifier, Record | None] = dict.fromkeys(subjects)
    waiting: dict[tuple[str, str], Identifier] = dict(zip(subjects, subjects, strict=True))
    for entry in READ.objects("identities", stated):
        asked = _asked(READ.record("query", entry.get("query")))
        subject = waiting.pop(asked, None)
        if subject is None:
            if asked not in records:
                READ.wrong_subject("query")
            READ.refuse("query", "answered twice")
        status = entry.get("status")
        if status == "FOUND":
            records[subject] = to_record(READ.record("identity", entry.get("identity")), subject, names)
        elif status != "NOT_FOUND":
            READ.refuse("status", "neither FOUND nor NOT_FOUND")
    if waiting:
        READ.refuse("identities", "lack one that was asked for")
    return records


def to_entries(body: bytes, subjects: Sequence[Identifier]) -> dict[Identifier, Record | None]:
    """Translate an answer about entries: the numbers an identity rests on, and the key of the dwelling.

    Several identities that rest on one birth are one person registered twice: the one changed last counts, and keeps
    the numbers of the others as `duplicates`.
    Raises: SourceContractError as `to_answer` does.
    """
    found: dict[Identifier, list[Record]] = {}
    for entry in READ.objects("identities", _response(body).get("identities")):
        subject = _asked(READ.record("query", entry.get("query")))
        if subject not in subjects:
            READ.wrong_subject("query")
        records = found.setdefault(subject, [])
        match entry.get("status"):
            case "FOUND":
                records.append(_entry(READ.record("identity", entry.get("identity")), subject))
            case "NOT_FOUND":
                pass
            case _:
                READ.refuse("status", "neither FOUND nor NOT_FOUND")
    if len(found) != len(subjects):
        READ.refuse("identities", "lack one that was asked for")
    return {subject: newest(records) if records else None for subject, records in found.items()}


def _entry(identity: Mapping[str, Any], subject: Identifier) -> Record:
    identifiers = {UIN: READ.number_of("UIN", identity.get("UIN"))}
    for type_, field in ((BRN, "birthRegistrationNumber"), (DWELLING_KEY, "dwellingKey")):
        if READ.text(field, identity.get(field)):
            identifiers[type_] = READ.number_of(field, identity.get(field))
    if identifiers.get(subject.type) != subject.value:
        READ.wrong_subject("identity")
    return Record(identifiers, {}, READ.required("updatedOn", READ.moment("updatedOn", identity.get("updatedOn"))))


def to_dwellings(body: bytes, subjects: Sequence[Identifier]) -> dict[Identifier, Record | None]:
    """Translate an answer about dwellings: who lives there; nobody is named where too many do.

    Shape: `{"response": {"dwellings": [{"query", "status", "dwelling"}]}, "errors": [{"errorCode"}]}`.
    Raises: SourceContractError as `to_answer` does.
    """
    records: dict[Identifier, Record | None] = {}
    for entry in READ.objects("dwellings", _response(body).get("dwellings")):
        query = READ.record("query", entry.get("query"))
        subject = Identifier(DWELLING_KEY, READ.number_of("dwellingKey", query.get("dwellingKey")))
        if subject not in subjects:
            READ.wrong_subject("query")
        if subject in records:
            READ.refuse("query", "answered twice")
        match entry.get("status"):
            case "FOUND" | "CROWDED" as status:
                dwelling = READ.record("dwelling", entry.get("dwelling"))
                if READ.number_of("dwellingKey", dwelling.get("dwellingKey")) != subject.value:
                    READ.wrong_subject("dwelling")
                residents = READ.objects("residents", dwelling.get("residents")) if status == "FOUND" else []
                if status == "FOUND" and not residents:
                    READ.refuse("residents", "missing")
                records[subject] = Record({DWELLING_KEY: subject.value}, {}, members=tuple(map(_resident, residents)))
            case "NOT_FOUND":
                records[subject] = None
            case _:
                READ.refuse("status", "none of FOUND, CROWDED, NOT_FOUND")
    if len(records) != len(subjects):
        READ.refuse("dwellings", "lack one that was asked for")
    return records


def _resident(stated: Mapping[str, Any]) -> GroupMember:
    numbers = {UIN: READ.number_of("UIN", stated.get("UIN"))}
    if READ.text("birthRegistrationNumber", stated.get("birthRegistrationNumber")):
        numbers[BRN] = READ.number_of("birthRegistrationNumber", stated.get("birthRegistrationNumber"))
    return GroupMember("", numbers)


def _response(body: bytes) -> dict[str, Any]:
    answer = READ.json(body)
    errors = READ.objects("errors", answer.get("errors") or [])
    if errors:
        READ.refuse("errors", READ.shown(errors[0].get("errorCode"), _ERRORS))
    return READ.record("response", answer.get("response"))


def to_record(identity: dict[str, Any], subject: Identifier, names: frozenset[str]) -> Record:
    """Translate one identity."""
    identifiers = {UIN: READ.number_of("UIN", identity.get("UIN"))}
    tax_number = READ.text("taxNumber", identity.get("taxNumber"))
    if tax_number:
        identifiers[TIN] = READ.number_of("taxNumber", tax_number)
    if identifiers.get(subject.type) != subject.value:
        READ.wrong_subject("identity")
    values, unusable = _FIELDS.read(identity, names)
    as_of = READ.required("updatedOn", READ.moment("updatedOn", identity.get("updatedOn")))
    return Record(identifiers, values, as_of, unusable=unusable)


def _asked(query: dict[str, Any]) -> Identifier:
    type_ = READ.required("idType", READ.text("idType", query.get("idType")))
    return Identifier(type_, READ.number_of("id", query.get("id")))
