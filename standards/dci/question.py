"""One question of a search message: raw JSON -> a typed item, or the item's refusal."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from standards.dci.codes import (
    DEFAULT_RECORD_TYPE,
    RecordType,
    RegType,
    ResponseEntity,
    SearchReason,
    normal_record_type,
    normal_reg_type,
)
from standards.dci.criteria import collection_of, read_query
from standards.dci.reading import (
    MAX_ID,
    ItemRefusedError,
    boolean,
    criteria_refused,
    first_present,
    integer,
    is_absent,
    member,
    moment,
)
from standards.dci.search import FilterQuery, IdQuery, Page, RejectedItem, SearchItem, SortKey
from standards.dci.shapes import is_composed, record_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standards.attributes import Catalogue
    from standards.dci.validate import Leniency

MAX_SORT_KEYS: Final = 8
"""Most attributes to sort by."""
MAX_NAMES: Final = 256
"""Most names in `hearth:attributes`, and most characters of one."""

_LOCALE: Final = re.compile(r"[a-z]{3}\Z")
_LOCALES: Final[Mapping[str, str]] = {
    "am": "amh", "ar": "ara", "bn": "ben", "de": "deu", "en": "eng", "es": "spa", "fr": "fra", "ha": "hau",
    "hi": "hin", "id": "ind", "km": "khm", "lo": "lao", "ms": "msa", "my": "mya", "ne": "nep", "pt": "por",
    "qu": "que", "ru": "rus", "rw": "kin", "si": "sin", "so": "som", "sw": "swa", "ta": "tam", "th": "tha",
    "tl": "tgl", "ur": "urd", "uz": "uzb", "vi": "vie", "zh": "zho", "zu": "zul",
}  # fmt: skip
"""Two letters (ISO 639-1) -> three (ISO 639-3), for partners who may send two."""

_ENTITIES: Final[Mapping[str, ResponseEntity]] = {
    "group": ResponseEntity.GROUP,
    "household": ResponseEntity.GROUP,
    "member": ResponseEntity.MEMBER,
    "person": ResponseEntity.MEMBER,
}


def read_item(item: object, seen: set[str], leniency: Leniency, catalogue: Catalogue) -> SearchItem | RejectedItem:
    """Read one question; what is wrong with it becomes its answer.

    seen: reference ids met so far in the message; this item's is added.
    """
    reference_id = item.get("reference_id") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(reference_id, str) or len(reference_id) > MAX_ID:
        code = SearchReason.REFERENCE_ID_INVALID
        return RejectedItem("", code, f"a reference_id is a string of at most {MAX_ID} characters")
    if reference_id in seen:
        code = SearchReason.REFERENCE_ID_DUPLICATE
        return RejectedItem(reference_id, code, "every question of a message has its own reference_id")
    seen.add(reference_id)
    try:
        return _question(reference_id, item, leniency, catalogue)
    except ItemRefusedError as refused:
        return RejectedItem(reference_id, refused.code, refused.message)


def _question(reference_id: str, item: dict[str, object], leniency: Leniency, catalogue: Catalogue) -> SearchItem:
    timestamp = moment(item.get("timestamp"))
    if timestamp is None:
        raise ItemRefusedError(SearchReason.TIMESTAMP_INVALID, "a timestamp is an ISO 8601 timestamp with offset")
    criteria = item.get("search_criteria")
    if not isinstance(criteria, dict):
        raise criteria_refused("a question has search_criteria")
    # The standard puts these into the criteria; several systems put them beside. The inner one wins.
    both = (criteria, item)
    reg_type = _reg_type(criteria, leniency)
    query = criteria.get("query")
    record_type, entity = _wanted(reg_type, criteria, query)
    consent = _object(first_present("consent", *both), "consent")
    authorize = _object(first_present("authorize", *both), "authorize")
    asked_for = read_query(catalogue, criteria.get("query_type"), query)
    return SearchItem(
        reference_id=reference_id,
        timestamp=timestamp,
        reg_type=reg_type,
        reg_record_type=record_type,
        response_entity=entity,
        query=asked_for,
        sort=_sort(first_present("sort", *both), catalogue),
        page=_page(first_present("pagination", *both), leniency),
        purpose=_purpose(consent) or _purpose(authorize),
        consent=consent,
        authorize=authorize,
        locale=_locale(first_present("locale", *both), leniency),
        explain=bool(boolean(criteria.get("hearth:explain"))),
        attributes=_attributes(criteria.get("hearth:attributes"), catalogue),
        as_of=_as_of(criteria.get("hearth:as_of"), asked_for),
    )


def _reg_type(criteria: Mapping[str, object], leniency: Leniency) -> RegType:
    said = member(criteria, ("reg_type", "reg_sub_type"))
    if said is None and leniency.default_reg_type is not None:
        return leniency.default_reg_type
    found = normal_reg_type(said) if isinstance(said, str) else None
    if found is None:
        raise criteria_refused("reg_type is missing or unknown, such as ns:org:RegistryType:Social")
    return found


def _wanted(reg_type: RegType, criteria: Mapping[str, object], query: object) -> tuple[RecordType, ResponseEntity]:
    """Tell which records are wanted: said outright, or by the record type, or by an expression's collection.

    The records of a single registry are each about one person; only composed ones may be households.
    """
    said = member(criteria, ("reg_record_type", "result_record_type"))
    record_type = normal_record_type(said) if isinstance(said, str) else None
    served = record_types(reg_type)
    if not served:
        raise criteria_refused("no records of this reg_type are served here")
    if said is not None and record_type not in served:
        raise criteria_refused(f"reg_record_type is not served of this reg_type; it is {' or '.join(served)}")
    if not is_composed(reg_type):
        return record_type or served[0], ResponseEntity.MEMBER
    said = criteria.get("response_entity")
    entity = None
    if not is_absent(said):
        entity = _ENTITIES.get(said.strip().lower()) if isinstance(said, str) else None
        if entity is None:
            raise criteria_refused("response_entity is Group or Member")
    if entity is None:
        of_record = {RecordType.MEMBER: ResponseEntity.MEMBER, RecordType.PERSON: ResponseEntity.MEMBER}
        entity = of_record.get(record_type) if record_type else _ENTITIES.get((collection_of(query) or "").lower())
    entity = entity or ResponseEntity.GROUP
    if record_type is None or reg_type is RegType.SOCIAL:
        default = DEFAULT_RECORD_TYPE.get(reg_type, RecordType.GROUP)
        record_type = RecordType(entity.value) if reg_type is RegType.SOCIAL else default
    return record_type, entity


def _object(value: object, name: str) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise criteria_refused(f"{name} is an object")
    return value


def _purpose(basis: Mapping[str, object]) -> str | None:
    purpose = basis.get("purpose")
    code = purpose.get("code") if isinstance(purpose, dict) else None
    if is_absent(code):
        return None
    if not isinstance(code, str) or len(code) > MAX_ID:
        raise criteria_refused(f"purpose.code is a string of at most {MAX_ID} characters")
    return code


def _sort(value: object, catalogue: Catalogue) -> tuple[SortKey, ...]:
    keys = [value] if isinstance(value, dict) else value
    if keys is None:
        return ()
    if not isinstance(keys, list) or len(keys) > MAX_SORT_KEYS:
        raise ItemRefusedError(SearchReason.SORT_INVALID, f"sort is an array of at most {MAX_SORT_KEYS} keys")
    return tuple(_sort_key(key, catalogue) for key in keys)


def _sort_key(key: object, catalogue: Catalogue) -> SortKey:
    name = key.get("attribute_name") if isinstance(key, dict) else None
    attribute = catalogue.resolve(name) if isinstance(name, str) and len(name) <= MAX_NAMES else None
    if not isinstance(key, dict) or attribute is None:
        raise ItemRefusedError(
            SearchReason.SORT_INVALID, "unknown attribute_name: the attribute catalogue lists the names"
        )
    order = first_present("sort_order", key) or "asc"
    word = order.strip().lower() if isinstance(order, str) else ""
    if word not in {"asc", "desc"}:
        raise ItemRefusedError(SearchReason.SORT_INVALID, "sort_order is asc or desc")
    return SortKey(attribute, word == "desc")


def _page(value: object, leniency: Leniency) -> Page | None:
    if value is None:
        return None
    wrong = ItemRefusedError(
        SearchReason.PAGINATION_INVALID,
        "pagination has a page_size, and page_number from 1, both whole and positive",
    )
    if not isinstance(value, dict):
        raise wrong
    size = integer(value.get("page_size"))
    said = value.get("page_number")
    number = 1 if is_absent(said) else integer(said)
    if size is None or number is None or size <= 0 or not 0 < number < 2**31:
        raise wrong
    return Page(min(size, leniency.max_page_size), number)


def _locale(value: object, leniency: Leniency) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        if _LOCALE.match(value):
            return value
        if leniency.two_letter_locales and (found := _LOCALES.get(value[:2].lower())) and not value[2:3].isalpha():
            return found
    raise criteria_refused("a locale is three lower-case letters of ISO 639-3, such as eng")


_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


def _as_of(value: object, query: IdQuery | FilterQuery) -> date | None:
    if is_absent(value):
        return None
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and _DAY.match(value) else None
    except ValueError:
        day = None
    if day is None or not isinstance(query, IdQuery):
        raise criteria_refused("hearth:as_of is a day, such as 2025-01-31, and goes with a question by number")
    return day


def _attributes(value: object, catalogue: Catalogue) -> frozenset[str] | None:
    if is_absent(value):
        return None
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or len(names) > MAX_NAMES:
        raise criteria_refused(f"hearth:attributes is an array of at most {MAX_NAMES} names")
    resolved = {catalogue.resolve(n) if isinstance(n, str) and len(n) <= MAX_NAMES else None for n in names}
    if None in resolved:
        raise criteria_refused("hearth:attributes holds an unknown name: the attribute catalogue lists the names")
    return frozenset(name for name in resolved if name is not None)
