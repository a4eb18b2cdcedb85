"""Parcels of the land cadastre, added up for each of their holders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from adapters.ports import Record
from adapters.reading import Draft, Reader
from standards.identifiers import UIN, Identifier
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SOURCE: Final = "land"
READ: Final = Reader(SOURCE)
SQUARE_METRES_PER_HECTARE: Final = 10_000

TENURE: Final = {
    "freehold": "1",
    "leasehold": "2",
    "adverse_possession": "3",
    "sharecropping": "4",
    "inherited": "5",
}
USE: Final = {word: word for word in ("cropland", "pasture", "residential", "forest")}


class Page(NamedTuple):
    """One page of parcels."""

    features: Mapping[str, dict[str, Any]]
    """By id: a parcel that moves to another page while we read is still one parcel."""
    matched: int
    next: Mapping[str, str] | None
    """Query of the next page, if there is one."""


class Share(NamedTuple):
    """One person's share of one parcel."""

    parcel_number: str
    area_ha: float
    value: float
    tenure: str
    use: str
    updated: str


def to_filter(numbers: Sequence[str]) -> str:
    """Return the CQL2 text that finds the parcels of some people."""
    quoted = ", ".join("'" + number.replace("'", "''") + "'" for number in numbers)
    return f"owner_national_number IN ({quoted})"


def to_page(body: bytes) -> Page:
    """Return one page of a FeatureCollection.

    Only the query of its `next` link is used: the cadastre's host may be known to us by another name.
    """
    collection = READ.json(body)
    if collection.get("type") != "FeatureCollection":
        READ.refuse("type", "not a FeatureCollection")
    features = {
        READ.required("id", READ.word("id", feature.get("id"))): feature
        for feature in READ.objects("features", collection.get("features"))
    }
    matched = READ.required("numberMatched", READ.whole("numberMatched", collection.get("numberMatched")))
    following = None
    for link in READ.objects("links", collection.get("links") or []):
        if link.get("rel") == "next":
            href = READ.required("href", READ.text("href", link.get("href")))
            following = dict(parse_qsl(urlsplit(href).query))
    return Page(features, matched, following)


def to_answer(
    features: Iterable[Mapping[str, Any]], subjects: Sequence[Identifier], names: frozenset[str]
) -> dict[Identifier, Record | None]:
    """Add up everyone's shares; None for who holds no land.

    Units: areas are square metres there and hectares here. Holders of one parcel hold equal shares of it.
    Raises: SourceContractError for a parcel of nobody who was asked about, or a field of another shape.
    """
    shares: dict[str, list[Share]] = {subject.value: [] for subject in subjects}
    for feature in features:
        holders, share = to_share(READ.record("properties", feature.get("properties")))
        asked = shares.keys() & holders
        if not asked:
            READ.wrong_subject("owner_national_numbers")
        for holder in asked:
            shares[holder].append(share)
    return {
        subject: to_record(subject.value, shares[subject.value], names) if shares[subject.value] else None
        for subject in subjects
    }


def to_share(properties: Mapping[str, Any]) -> tuple[frozenset[str], Share]:
    """Return a parcel's holders, and the share of each."""
    listed = READ.array("owner_national_numbers", properties.get("owner_national_numbers"))
    holders = frozenset(READ.number_of("owner_national_numbers", number) for number in listed)
    if not holders:
        READ.refuse("owner_national_numbers", "empty")
    area = READ.required("area_m2", READ.decimal("area_m2", properties.get("area_m2")))
    value = READ.required("assessed_value", READ.decimal("assessed_value", properties.get("assessed_value")))
    return holders, Share(
        parcel_number=_promised("parcel_number", properties),
        area_ha=area / SQUARE_METRES_PER_HECTARE / len(holders),
        value=value / len(holders),
        tenure=_promised("tenure", properties),
        use=_promised("land_use", properties),
        updated=READ.required("updated", READ.moment("updated", properties.get("updated"))),
    )


def to_record(number: str, shares: Sequence[Share], names: frozenset[str]) -> Record:
    """Translate one person's shares, the largest first."""
    ranked = sorted(shares, key=lambda share: (-share.area_ha, share.parcel_number))
    draft = Draft(names)
    draft.put("land_parcel_count", len(ranked))
    draft.put("land_area_ha", round(sum([share.area_ha for share in ranked]), 4))
    draft.put("land_value", round(sum([share.value for share in ranked])))
    draft.code("land_tenure", ranked[0].tenure, TENURE)
    draft.code("land_use", ranked[0].use, USE)
    if "land_parcels" in names:
        if all(share.tenure in TENURE and share.use in USE for share in ranked):
            draft.put("land_parcels", [_listed(share) for share in ranked])
        else:
            draft.unusable["land_parcels"] = UnavailableReason.UNMAPPED_CODE
    updated = max([share.updated for share in ranked])
    return Record({UIN: number}, draft.values, updated, unusable=draft.unusable)


def _listed(share: Share) -> dict[str, object]:
    return {
        "parcel_number": share.parcel_number,
        "area_ha": round(share.area_ha, 4),
        "tenure": TENURE[share.tenure],
        "use": USE[share.use],
        "value": round(share.value),
    }


def _promised(field: str, properties: Mapping[str, Any]) -> str:
    return READ.required(field, READ.text(field, properties.get(field)))
