"""Registries that speak OGC API Features, connected by the text of a manifest alone."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.catalogue import connect
from adapters.ports import Deadline, Fetch
from adapters.transport.client import open_session
from standards.errors import ConfigurationError, SourceContractError, SourceRefusedError
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests.contract.by_manifest import asked, manifest_in, registry
from tests.unit.adapters.builders import manifest_of

pytestmark = pytest.mark.contract

FIELDS = """
    id: fields
    title: Fields of a district's farmers
    version: "1.0"
    speaks: ogc
    reg_type: ns:hearth:RegistryType:Land
    legal: {owner: District Land Office, basis: Land Act, contact: it@fields.example}
    connection: {base_url: env:FIELDS_URL}
    limits: {retries: 0, max_response_bytes: 100000}
    lookups:
      - name: fields
        by: [UIN, TIN]
        attributes: [land_area_ha, land_parcel_count, land_use, land_value]
    ogc:
      path: /ogc/v1
      lookups:
        fields:
          collection: fields
          by:
            UIN: {property: holder_ids}
            TIN: {property: tax_no, type: number}
          parameters: {skipGeometry: "true"}
          selection: properties
          limit: 2
    records:
      fields:
        several: together
        identifiers:
          UIN: {path: holder_ids}
          TIN: {path: tax_no}
        as_of: {path: surveyed, date: day_first}
        attributes:
          land_area_ha: {path: square_metres, type: decimal, factor: 0.0001, decimals: 4, share_of: holder_ids, combine: sum}
          land_value: {path: worth.crowns, type: money, share_of: holder_ids, combine: sum}
          land_parcel_count: {path: feature_id, type: integer, combine: count}
          land_use: {path: use, type: code, codes: {Acker: cropland, Weide: pasture}}
"""
ASHA, PAUL, NOBODY = "UIN 2000000014", "UIN 2000000022", "UIN 2000000048"


def feature(id_, holders, **properties):
    """Return one field."""
    usual = {
        "holder_ids": holders,
        "square_metres": 12500,
        "surveyed": "31.12.2024",
        "use": "Acker",
        "worth": {"crowns": 301},
    }
    return {"type": "Feature", "id": id_, "geometry": None, "properties": usual | properties}


class Cadastre:
    """A server of features that gives all it holds, page by page; `asked` is what it was asked."""

    def __init__(self):
        self.asked = []
        self.more: dict[str, Any] = {}
        self.status = 200
        self.is_for_people_too = False
        self.held = [
            feature(1, ["2000000014", "2000000022", "2000000014"]),
            feature("f-2", ["2000000014"], square_metres=999.5, surveyed="01.02.2025", use="Weide"),
            feature("f-3", ["2000000022"], use="Wald", tax_no=70012),
        ]

    async def items(self, request):
        """Answer with one page."""
        self.asked.append(dict(request.query))
        if request.query.get("f") == "html":
            return web.Response(text="<html>", content_type="text/html")
        start, limit = int(request.query.get("offset", "0")), int(request.query["limit"])
        shown = self.held[start : start + limit]
        page: dict[str, Any] = {
            "type": "FeatureCollection",
            "numberMatched": len(self.held),
            "numberReturned": len(shown),
            "features": shown,
            "links": [],
        }
        if start + limit < len(self.held):
            href = (
                f"https://maps.inner.example/collections/other/items?limit={limit}&offset={start + limit}&filter=a%27b"
            )
            page["links"].append({"rel": "next", "href": href, "type": "application/geo+json"})
            if self.is_for_people_too:
                page["links"].append({"rel": "next", "href": f"{href}&f=html", "type": "text/html"})
        page |= self.more
        return web.json_response({key: value for key, value in page.items() if value is not ...}, status=self.status)

    def application(self):
        """Return its routes."""
        app = web.Application()
        app.router.add_get("/geo/ogc/v1/collections/fields/items", self.items)
        return app


@asynccontextmanager
async def running(folder, cadastre, text=FIELDS):
    """Yield the registry that a manifest connects."""
    async with (
        TestServer(cadastre.application()) as server,
        registry(folder, text, FIELDS_URL=f"http://127.0.0.1:{server.port}/geo/") as one,
    ):
        yield one


class TestByManifestAlone:
    async def test_features_become_records_of_their_holders(self, tmp_path):
        """Shares of what several hold, sums, counts, the newest code, pages; and whoever holds nothing."""
        cadastre = Cadastre()
        async with running(tmp_path, cadastre) as one:
            found = await asked(one, "fields", ASHA, PAUL, NOBODY)

        assert found[ASHA].values == {
            "land_area_ha": 0.725,
            "land_value": 452,
            "land_parcel_count": 2,
            "land_use": "pasture",
        }
        assert found[ASHA].as_of == "2025-02-01"
        assert found[ASHA].identifiers == {"UIN": "2000000014"}
        assert found[NOBODY] is None

    async def test_it_asks_by_filter_for_what_is_needed(self, tmp_path):
        """Texts quoted, numbers bare, only the properties that are read; pages by the query of their links."""
        cadastre = Cadastre()
        async with running(tmp_path, cadastre) as one:
            await asked(one, "fields", ASHA, PAUL, "TIN 70012", names=["land_area_ha"])

        first, second = cadastre.asked
        assert first == {
            "skipGeometry": "true",
            "filter": "holder_ids IN ('2000000014', '2000000022') OR tax_no IN (70012)",
            "filter-lang": "cql2-text",
            "properties": "holder_ids,square_metres,surveyed,tax_no",
            "limit": "2",
        }
        assert second == {"limit": "2", "offset": "2", "filter": "a'b"}

    async def test_a_number_that_the_collection_cannot_hold_is_held_by_nobody(self, tmp_path):
        """Letters and leading zeros in a property of numbers: there is nothing to ask."""
        cadastre = Cadastre()
        async with running(tmp_path, cadastre) as one:
            assert await asked(one, "fields", "TIN 0070012", "TIN A1") == {"TIN 0070012": None, "TIN A1": None}
        assert cadastre.asked == []

    async def test_a_server_without_filters_is_asked_by_a_parameter(self, tmp_path):
        """One person per call."""
        cadastre = Cadastre()
        cadastre.held = cadastre.held[1:2]
        text = FIELDS.replace("by: [UIN, TIN]", "by: [UIN]\n        batch: 1").replace(
            "          collection:", "          filter: parameter\n          collection:"
        )
        text = text.replace("            TIN: {property: tax_no, type: number}\n", "")
        async with running(tmp_path, cadastre, text) as one:
            found = await asked(one, "fields", ASHA)
        assert found[ASHA].values["land_parcel_count"] == 1
        assert cadastre.asked[0]["holder_ids"] == "2000000014"
        assert "filter" not in cadastre.asked[0]


class TestWhatIsRefused:
    async def test_a_feature_of_nobody_who_was_asked_about(self, tmp_path):
        """Also beside those that are."""
        async with running(tmp_path, Cadastre()) as one:
            with pytest.raises(SourceContractError) as caught:
                await asked(one, "fields", ASHA)

        assert caught.value.reason is UnavailableReason.WRONG_SUBJECT
        assert "2000000022" not in str(caught.value)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"numberMatched": 4}, "numberMatched: not as many"),
            ({"numberMatched": 2}, "numberMatched: not as many"),
            ({"numberReturned": 9}, "numberReturned: not as many"),
            ({"links": []}, "numberMatched: not as many"),
            ({"links": [{"rel": "next", "href": "http://127.0.0.1:1/steal"}]}, "next: not a link"),
            ({"links": [{"rel": "next", "href": "?offset=0&limit=2"}]}, "next: more pages"),
            ({"features": {}}, "features: not an array"),
            ({"features": [None]}, "features: not an object"),
            (
                {"features": [{"id": 1, "properties": []}], "numberReturned": 1, "numberMatched": 1, "links": []},
                "properties: not an object",
            ),
            ({"features": [{"id": {}, "properties": {}}], "numberReturned": 1}, "id: not a text"),
            ({"type": "Feature"}, "type: not a FeatureCollection"),
        ],
        ids=str,
    )
    async def test_answers_that_are_not_whole(self, tmp_path, more, message):
        """A cut answer never reads as "holds nothing"."""
        cadastre = Cadastre()
        cadastre.more = more
        async with running(tmp_path, cadastre, FIELDS.replace("limit: 2", "limit: 2\n          pages: 5")) as one:
            with pytest.raises(SourceContractError, match=message):
                await asked(one, "fields", ASHA, PAUL)

    @pytest.mark.parametrize(
        ("stated", "said"),
        [([5, ...], "not as many as came"), ([..., 5], "not as many as came"), ([2, 3], "changed between two pages")],
    )
    async def test_a_number_that_only_one_page_states_holds_for_all(self, tmp_path, monkeypatch, stated, said):
        """Or it changes in between, and then nobody knows who has moved."""
        pages = iter(stated)
        cadastre = Cadastre()
        own = cadastre.items

        async def items(request):
            cadastre.more = {"numberMatched": next(pages)}
            return await own(request)

        monkeypatch.setattr(cadastre, "items", items)
        async with running(tmp_path, cadastre) as one:
            with pytest.raises(SourceContractError, match=f"numberMatched: {said}"):
                await asked(one, "fields", ASHA, PAUL)

    async def test_the_next_page_for_people_is_not_the_next_page(self, tmp_path):
        """Some servers link to the same page in several forms."""
        cadastre = Cadastre()
        async with running(tmp_path, cadastre) as one:
            straight = await asked(one, "fields", ASHA, PAUL)
        cadastre.is_for_people_too = True
        async with running(tmp_path, cadastre) as one:
            assert await asked(one, "fields", ASHA, PAUL) == straight

    async def test_two_features_under_one_id(self, tmp_path):
        """Neither is passed over, also where nobody counts them."""
        cadastre = Cadastre()
        cadastre.more = {"numberMatched": ...}
        for feature in cadastre.held:
            feature["id"] = "F-1"
        async with running(tmp_path, cadastre) as one:
            with pytest.raises(SourceContractError, match="id: one id, and two that differ"):
                await asked(one, "fields", ASHA, PAUL)

    async def test_a_server_that_does_not_count_says_nothing_about_nobody(self, tmp_path):
        """`numberMatched` is optional: without it silence is what the manifest says it is."""
        cadastre = Cadastre()
        cadastre.more = {"numberMatched": ...}
        async with running(tmp_path, cadastre) as one:
            assert (await asked(one, "fields", ASHA, PAUL))[PAUL].values["land_parcel_count"] == 2
            with pytest.raises(SourceContractError, match="lack somebody"):
                await asked(one, "fields", ASHA, PAUL, NOBODY)
        text = FIELDS.replace("        several: together", "        several: together\n        silence: no_record")
        async with running(tmp_path, cadastre, text) as one:
            assert (await asked(one, "fields", ASHA, PAUL, NOBODY))[NOBODY] is None

    async def test_what_all_pages_bring_together_is_bounded(self, tmp_path):
        """In bytes too."""
        cadastre = Cadastre()
        cadastre.held[0]["properties"]["note"] = cadastre.held[2]["properties"]["note"] = "x" * 60_000
        async with running(tmp_path, cadastre) as one:
            with pytest.raises(SourceContractError, match="all pages together"):
                await asked(one, "fields", ASHA, PAUL)

    async def test_a_status_means_what_it_means_everywhere(self, tmp_path):
        """And its text is not read."""
        cadastre = Cadastre()
        cadastre.status = 403
        async with running(tmp_path, cadastre) as one:
            with pytest.raises(SourceRefusedError, match=r"status 403$"):
                await asked(one, "fields", ASHA, PAUL)


class TestManifests:
    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("            TIN: {property: tax_no, type: number}\n", "", "`ogc` does not say how it is asked by TIN"),
            ("path: use,", "path: 'use[',", "not a JMESPath"),
        ],
    )
    async def test_what_cannot_work_is_refused_at_start(self, tmp_path, old, new, message):
        """By a sentence that says what to change."""
        async with open_session() as session:
            with pytest.raises(ConfigurationError, match=message):
                connect(
                    [manifest_in(tmp_path, FIELDS.replace(old, new))], session, {"FIELDS_URL": "http://127.0.0.1:1"}
                )


LAND = """
    id: parcels
    title: The cadastre of the practice country, by manifest alone
    version: "1.0"
    speaks: ogc
    reg_type: ns:hearth:RegistryType:Land
    legal: {owner: Survey and Cadastre Office, basis: Land Registration Act, contact: it@cadastre.example}
    connection: {base_url: env:HEARTH_LAND_URL}
    limits: {max_response_bytes: 8000000}
    lookups:
      - {name: holdings, by: [UIN], attributes: [land_parcel_count, land_area_ha, land_value, land_parcels]}
    ogc:
      lookups:
        holdings: {collection: parcels, by: {UIN: {property: owner_national_number}}, limit: 7}
    records:
      holdings:
        several: together
        identifiers: {UIN: {path: owner_national_numbers, required: true}}
        as_of: {path: updated}
        attributes:
          land_parcel_count: {path: parcel_number, type: integer, combine: count}
          land_area_ha:
            {path: area_m2, type: decimal, factor: 0.0001, decimals: 4, share_of: owner_national_numbers, combine: sum, required: true}
          land_value: {path: assessed_value, type: money, share_of: owner_national_numbers, combine: sum}
          land_parcels:
            path: "[@]"
            type: list
            combine: list
            each:
              parcel_number: {path: parcel_number, required: true}
              area_ha: {path: area_m2, type: decimal, factor: 0.0001, decimals: 4, share_of: owner_national_numbers}
              value: {path: assessed_value, type: money, share_of: owner_national_numbers}
              tenure:
                {path: tenure, type: code, codes: {freehold: "1", leasehold: "2", adverse_possession: "3", sharecropping: "4", inherited: "5"}}
              use: {path: land_use, type: code, codes: {cropland: cropland, pasture: pasture, residential: residential, forest: forest}}
"""


@pytest.mark.asyncio(loop_scope="module")
class TestThePracticeCountry:
    async def test_holdings_by_manifest_are_those_of_the_own_adapter(self, tmp_path, poveria):
        """Everybody's, but what hangs on the largest share: its tenure and use, the order of the list.

        Areas are the same up to half a square metre: the own adapter rounds binary fractions, the driver decimal ones.
        """
        people = [Identifier("UIN", one.uin) for one in poveria.population.people if one.uin]
        generic = manifest_in(tmp_path, LAND)
        names = frozenset(generic.lookup("holdings").attributes)
        holders = 0
        async with open_session() as session:
            registries = connect([manifest_of("land"), generic], session, poveria.environment("land"))
            for at in range(0, len(people), 50):
                some = tuple(people[at : at + 50])
                own, by_manifest = [
                    (
                        await registries[id_].guarded.fetch(Fetch(id_, "holdings", some, names), Deadline.after(30))
                    ).records
                    for id_ in ("land", "parcels")
                ]
                assert {one: record and _plain(record) for one, record in own.items()} == {
                    one: record and _plain(record) for one, record in by_manifest.items()
                }
                holders += sum(record is not None for record in own.values())
        assert 20 < holders < len(people)


def _plain(record):
    """Return what a record says, its parcels in the order of their numbers and areas as far as both agree."""
    parcels = sorted(record.values["land_parcels"], key=lambda one: one["parcel_number"])
    parcels = [one | {"area_ha": _close(one["area_ha"])} for one in parcels]
    values = record.values | {"land_parcels": parcels, "land_area_ha": _close(record.values["land_area_ha"])}
    return record.identifiers, record.as_of, record.unusable, values


def _close(area):
    return pytest.approx(area, abs=0.00011)
