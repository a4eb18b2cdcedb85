"""Where Poverians live: four regions, their districts and localities."""

from __future__ import annotations

from typing import Final, NamedTuple


class Region(NamedTuple):
    """One region; longitude and latitude are those of its south-western corner."""

    code: str
    language: str
    """Local language, from the codes ISO 639-3 keeps for private use: Poveria's own languages have no other."""
    longitude: float
    latitude: float


class Locality(NamedTuple):
    """One town or village; `region` is its place in `REGIONS`."""

    name: str
    region: int
    district: str
    town: bool
    postal_code: str


REGIONS: Final = (
    Region("PV-1", "qaa", 21.0, -6.0),
    Region("PV-2", "qab", 23.2, -6.1),
    Region("PV-3", "qac", 21.1, -8.3),
    Region("PV-4", "qad", 23.3, -8.2),
)

# One line per district: its towns, then its villages.
_DISTRICTS: Final = (
    (
        (("Lake Town", "Portsand"), ("Heron Bank", "Mooring", "Reedham", "Saltwell")),
        (("Amber Bay",), ("Netters Row", "Gull Point", "Shoal End", "Dry Dock")),
        (("Kilimani",), ("Low Ferry", "Marshgate", "Otter Run", "Bulrush")),
        (("Oyster Quay",), ("Cape Lantern", "Whitesands", "Driftwood", "Tidemill")),
    ),
    (
        (("Hillcrest", "Stonegate"), ("Upper Terrace", "Eagle Ridge", "Goatfold", "Juniper")),
        (("Cloudmarket",), ("Steepside", "Cairn", "Windy Pass", "Slatefall")),
        (("Bellmount",), ("Shepherds Rest", "High Spring", "Larch Hollow", "Old Beacon")),
        (("Granite Town",), ("Quarryfoot", "Bracken", "Coldwater", "Twin Peaks")),
    ),
    (
        (("Plainsborough", "Railhead"), ("Sorghum Cross", "Red Well", "Long Field", "Threshing Floor")),
        (("Millet Market",), ("Three Acacias", "Ox Ford", "Granary", "Hayrick")),
        (("Bridgeton",), ("Dusty Lane", "Windpump", "Meridian", "Broad Furrow")),
        (("Cotton Town",), ("Ginnery", "Weavers Yard", "Sunrise", "Flatstone")),
    ),
    (
        (("Saint Orél", "Forestgate"), ("Ñandu Clearing", "Mahogany", "Rivière Noire", "Fern Hollow")),
        (("Timberley",), ("Sawpit", "Honey Grove", "Deepshade", "Parrot Hill")),
        (("Borderpost",), ("Vine Crossing", "Mossbank", "Three Rivers", "Ebony")),
        (("Goldwash",), ("Panners Camp", "Orchid Slope", "Rainwater", "Leafall")),
    ),
)


def _localities() -> tuple[Locality, ...]:
    found = []
    for region, districts in enumerate(_DISTRICTS):
        for number, (towns, villages) in enumerate(districts):
            code = f"PV-{region + 1}{number + 1:02}"
            for place, name in enumerate((*towns, *villages)):
                postal_code = f"{region + 1}{number + 1}{place:02}0"
                found.append(Locality(name, region, code, place < len(towns), postal_code))
    return tuple(found)


LOCALITIES: Final = _localities()
TOWNS: Final = tuple(
    tuple(i for i, place in enumerate(LOCALITIES) if place.region == region and place.town) for region in range(4)
)
"""Per region, the numbers of its towns in `LOCALITIES`."""
VILLAGES: Final = tuple(
    tuple(i for i, place in enumerate(LOCALITIES) if place.region == region and not place.town) for region in range(4)
)
"""Per region, the numbers of its villages in `LOCALITIES`."""

STREETS: Final = (
    "Market Street", "Mission Road", "Station Road", "Mango Lane", "Old Fort Road", "Well Lane", "School Road",
    "Harbour Street", "Union Avenue", "Potters Row", "Clinic Road", "Chapel Lane", "Brickfield Road", "Cattle Track",
    "Independence Avenue", "Tanners Lane", "Garden Row", "Hill Path", "River Walk", "Depot Road",
)  # fmt: skip
