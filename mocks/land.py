"""The land cadastre: parcels as OGC features, found by the numbers of their holders; area in square metres."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import orjson
from aiohttp import web
from yarl import URL

from mocks.ogc import (
    COLLECTION,
    CONFORMANCE,
    QUERYABLES,
    collection,
    collections,
    landing_page,
    link,
    openapi,
)
from mocks.ogc_query import ParameterError, Query, query_of
from mocks.people import Parcel, Person
from mocks.registry import Call, Operation, Registry, json_answer

METRES_PER_DEGREE: Final = 111_320
TENURES: Final = {
    "1": "freehold",
    "2": "leasehold",
    "3": "adverse_possession",
    "4": "sharecropping",
    "5": "inherited",
}
"""The cadastre's words for the DCI codes of tenure."""


def feature(parcel: Parcel, owners: Sequence[str]) -> dict[str, Any]:
    """Return a parcel as a GeoJSON feature."""
    return {
        "type": "Feature",
        "id": parcel.parcel_id,
        "geometry": {"type": "Polygon", "coordinates": [outline(parcel)]},
        "properties": {
            "parcel_number": parcel.parcel_id,
            "owner_national_numbers": list(owners),
            "area_m2": round(parcel.area_ha * 10_000, 1),
            "tenure": TENURES[parcel.tenure],
            "land_use": parcel.use,
            "assessed_value": parcel.value,
            "registered_on": parcel.registered_on.isoformat(),
            "updated": f"{parcel.registered_on.isoformat()}T00:00:00Z",
        },
    }


def outline(parcel: Parcel) -> list[list[float]]:
    """Return a closed square of the parcel's area around its middle: longitude, latitude, counterclockwise."""
    half = math.sqrt(parcel.area_ha * 10_000) / 2 / METRES_PER_DEGREE
    east, north = half / math.cos(math.radians(parcel.latitude)), half
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return [[round(parcel.longitude + x * east, 7), round(parcel.latitude + y * north, 7)] for x, y in corners]


def page(
    parcels: Sequence[Parcel],
    query: Query,
    owners_of: Callable[[Parcel], Sequence[str]],
    url: URL,
    now: datetime,
) -> dict[str, Any]:
    """Return one page of a FeatureCollection; `next` leads to the following page as long as there is one."""
    shown = parcels[query.offset : query.offset + query.limit]
    links = [link(str(url), "self", "application/geo+json")]
    following = query.offset + query.limit
    if following < len(parcels):
        links.append(link(str(url.update_query(offset=str(following))), "next", "application/geo+json"))
    return {
        "type": "FeatureCollection",
        "numberMatched": len(parcels),
        "numberReturned": len(shown),
        "timeStamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "features": [feature(parcel, owners_of(parcel)) for parcel in shown],
        "links": links,
    }


class LandRegistry(Registry):
    """The cadastre's feature service: OGC API Features 1.0, open on the public-service network."""

    name = "land"
    speaks = "ogc"
    reg_type = "ns:hearth:RegistryType:Land"
    media_type = "application/geo+json"
    spoiled_names: ClassVar[Mapping[str, str]] = {
        "properties": "attributes",
        "features": "members",
        "owner_national_numbers": "holders",
    }

    def operations(self) -> Iterable[Operation]:
        """Return the operations that hand out parcels."""
        items = f"/collections/{COLLECTION}/items"
        yield Operation("GET", items, self.items, "items")
        yield Operation("GET", items + "/{parcel}", self.item, "item")

    def pages(self) -> Iterable[web.RouteDef]:
        """Return the pages by which a client finds its way."""
        yield web.get("/", _page(landing_page))
        yield web.get("/api", _page(openapi, "application/vnd.oai.openapi+json;version=3.0"))
        yield web.get("/conformance", _page(lambda _: {"conformsTo": CONFORMANCE}))
        yield web.get("/collections", _page(collections))
        yield web.get(f"/collections/{COLLECTION}", _page(collection))
        yield web.get(f"/collections/{COLLECTION}/queryables", _page(lambda _: QUERYABLES, "application/schema+json"))

    def holds(self, person: Person) -> bool:
        """Tell whether a person holds land and can be found by number."""
        return person.uin is not None and bool(self.population.parcels_of.get(person.index))

    async def items(self, request: web.Request, call: Call) -> web.Response:
        """Answer with one page of the parcels that a query matches."""
        try:
            query = query_of(request.query)
        except ParameterError as problem:
            return _refused("InvalidParameterValue", str(problem), 400)
        if query.owners is None:
            parcels: Sequence[Parcel] = self.population.parcels
        else:
            call.asked(len(query.owners))
            parcels = self._held_by(query.owners, call)
        if query.narrows:
            parcels = [parcel for parcel in parcels if query.takes(outline(parcel), parcel.registered_on.isoformat())]
        answer = page(parcels, query, self._owners, request.url, datetime.now(UTC))
        return json_answer(answer, media_type=self.media_type)

    async def item(self, request: web.Request, call: Call) -> web.Response:
        """Answer with one parcel."""
        call.asked(1)
        wanted, parcels = request.match_info["parcel"], self.population.parcels
        place = next((n for n, parcel in enumerate(parcels) if parcel.parcel_id == wanted), None)
        if place is None:
            return _refused("NotFound", "there is no such parcel", 404)
        parcel = parcels[place - 1] if call.wrong_person else parcels[place]
        links = {"links": [link(str(request.url), "self", self.media_type)]}
        return json_answer(feature(parcel, self._owners(parcel)) | links, media_type=self.media_type)

    def _held_by(self, owners: frozenset[str], call: Call) -> list[Parcel]:
        """Return the parcels of the people with these numbers, in the cadastre's order."""
        numbers = self.population.by_number["UIN"]
        people = [self.population.people[numbers[number]] if number in numbers else None for number in sorted(owners)]
        held = {
            parcel
            for person in call.about(people)
            if person is not None
            for parcel in self.population.parcels_of.get(person.index, ())
        }
        parcels = (self.population.parcels[index] for index in sorted(held))
        # A person with two numbers is entered under one of them, and the other finds nothing. Somebody else's
        # parcels, on the other hand, must not be those that they share with a person asked about.
        return [
            parcel for parcel in parcels if bool(owners.intersection(self._owners(parcel))) is not call.wrong_person
        ]

    def _owners(self, parcel: Parcel) -> list[str]:
        """Return the national numbers of those who hold a parcel."""
        holders = (self.population.people[index] for index in parcel.holders)
        return [holder.uin for holder in holders if holder.uin is not None]


def _page(
    content: Callable[[str], Mapping[str, Any]], media_type: str = "application/json"
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that serves a page about the service itself."""

    async def serve(request: web.Request) -> web.Response:
        body = orjson.dumps(content(str(request.url.origin())))
        return web.Response(body=body, headers={"Content-Type": media_type})

    return serve


def _refused(code: str, text: str, status: int) -> web.Response:
    """Return an exception as OGC API writes it."""
    return json_answer({"code": code, "description": text}, status=status)
