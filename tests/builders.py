"""Manifests, records, permits and a small family, as the stages of the gateway take them; shared by tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.catalogue import find_manifests, load_manifest
from adapters.manifest import Connection, Legal, Lookup, Manifest
from adapters.ports import Deadline, GroupMember, Link, Record
from gateway.cache import MemoryCache
from gateway.keys import Keys
from gateway.pipeline import Question, Rooms
from gateway.ports import JournalEntry, RecordCache
from gateway.settings import Consumer
from gateway.stages.calls import Calls
from gateway.stages.compose import Composer
from gateway.stages.decide import Decisions
from gateway.stages.derive import Deriver
from gateway.stages.fetch import Fetcher, Heard
from gateway.stages.paging import Paging
from gateway.stages.plan import Planner
from gateway.stages.recall import Recall
from gateway.stages.respond import Responder
from gateway.stages.search import Searcher
from gateway.stages.walk import DecidePeople
from policies.agreement import Agreement
from policies.book import AgreementSet
from policies.ledger import MemoryLedger
from policies.ports import ConsentLedger
from policies.reading import read_agreement
from standards.attributes import Catalogue
from standards.dci.codes import RecordType, RegType, ResponseEntity
from standards.dci.search import IdQuery, SearchItem
from standards.identifiers import Identifier
from standards.permit import Form, FormKind, PersonPermit
from standards.rules import BoundaryRule, Tie
from standards.states import Provenance, UnavailableReason
from tests.fakes import InMemoryRegistry, StillClock, connected, in_memory

NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)
NEVER = Deadline(float("inf"))
"""A deadline that no test reaches."""
CATALOGUE = Catalogue.load()
MANIFESTS = {m.id: m for m in map(load_manifest, find_manifests())}
"""The registries that come with Hearth."""
PLANNER = Planner(MANIFESTS.values(), CATALOGUE)
PAST_PLANNER = Planner([past for m in MANIFESTS.values() if (past := m.for_past()) is not None], CATALOGUE)
COMPOSER = Composer(MANIFESTS.values(), CATALOGUE, Deriver(CATALOGUE))
RESPONDER = Responder(CATALOGUE, "https://gateway.example.org/contexts/v1/VirtualHousehold.jsonld")
REGISTERED_OR_KIN = BoundaryRule("registered-or-kin", "1", registered=True, kin=True)
REGISTERED = BoundaryRule("registered", "1", registered=True)
KIN = BoundaryRule("kin", "1", kin=True)
SIBLINGS = BoundaryRule("siblings", "1", kin=True, depth=2, ties=(Tie.SPOUSE, Tie.CHILDREN, Tie.PARENTS, Tie.SIBLINGS))
RULES = {rule.title: rule for rule in (REGISTERED_OR_KIN, REGISTERED, KIN, SIBLINGS)}
VALUE = Form(FormKind.VALUE)
KEY = b"a key of thirty-two bytes or so.."
KEYS = Keys(Ed25519PrivateKey.from_private_bytes(bytes(32)), KEY)

Truth = dict[tuple[str, str], list[Record]]
"""Source and lookup -> everything the registry holds there."""


def sandbox_agreement(name: str) -> Agreement:
    """An agreement of the practice country."""
    return read_agreement(Path(__file__).parents[1] / "policies" / "sandbox" / f"{name}.yaml", CATALOGUE)


def small_manifest(id: str, *lookups: Lookup, **changes: Any) -> Manifest:
    """A manifest of a registry with these lookups."""
    stated: dict[str, Any] = {
        "id": id,
        "title": "A registry",
        "version": "1.0",
        "speaks": "rest",
        "reg_type": "ns:hearth:RegistryType:Small",
        "legal": Legal(owner="Office", basis="Act", contact="office@example.pv"),
        "connection": Connection(base_url="env:SMALL_URL"),
        "lookups": lookups or (Lookup(name="person", by=("UIN",)),),
    }
    return Manifest.model_validate(stated | changes)


def lookup(name: str = "person", by: Sequence[str] = ("UIN",), **changes: Any) -> Lookup:
    """One way of asking."""
    return Lookup(name=name, by=tuple(by), **changes)


def record(values: Mapping[str, object] | None = None, **changes: Any) -> Record:
    """What a registry says about the person with the number 1; numbers are given as `UIN="1"` and so on."""
    numbers = {name: changes.pop(name) for name in list(changes) if name.isupper()}
    return Record(numbers or {"UIN": "1"}, dict(values or {}), **changes)


def heard(said: Record | None = None, source: str = "crvs", reason: UnavailableReason | None = None) -> Heard:
    """What one lookup said."""
    return Heard(said, Provenance(source, NOW, said.as_of if said else None), reason)


ASHA = {"UIN": "1000000001", "MEMBER_ID": "SM0000001"}
JUMA = {"UIN": "1000000002", "MEMBER_ID": "SM0000002"}
NEEMA = {"UIN": "1000000003", "MEMBER_ID": "SM0000003"}
BIBI = {"MEMBER_ID": "SM0000004"}
"""Grandmother, who has no number but that of the social registry."""
HOUSEHOLD = Identifier("HOUSEHOLD_ID", "HH-000001")


def uin(of: Mapping[str, str]) -> Identifier:
    """The national number of somebody."""
    return Identifier("UIN", of["UIN"])


def family() -> Truth:
    """Asha, her husband Juma, their daughter Neema and a grandmother, as every registry knows them."""
    born = {"1000000001": "1990-02-01", "1000000002": "1988-05-05", "1000000003": "2014-06-01"}
    called = {"1000000001": ("Asha", "Moyo"), "1000000002": ("Juma", "Moyo"), "1000000003": ("Neema", "Moyo")}
    sexes = {"1000000001": "female", "1000000002": "male", "1000000003": "female"}
    brn = {number: f"B{date[:4]}-00000{number[-1]}" for number, date in born.items()}
    tin = {"1000000001": "T00000001", "1000000002": "T00000002"}
    spouse = {"1000000001": "1000000002", "1000000002": "1000000001"}
    child = Link("CHILD", {"BRN": brn["1000000003"], "UIN": "1000000003"}, "2014-06-01")
    parents = tuple(Link("PRN", {"UIN": number}, born[number]) for number in spouse)

    def named(number: str) -> dict[str, object]:
        given_name, surname = called[number]
        return {"given_name": given_name, "surname": surname, "sex": sexes[number]}

    people = sorted(born)
    ids = (ASHA, JUMA, NEEMA, BIBI)
    relations = ("SELF", "SPS", "CHILD", "PRN")
    return {
        ("crvs", "person"): [
            Record(
                {"UIN": n, "BRN": brn[n]},
                {**named(n), "birth_date": born[n], "vital_status": "alive", "marital_status": "M"},
                "2026-01-01",
                links=(Link("SPS", {"UIN": spouse[n]}, born[spouse[n]]), child) if n in spouse else parents,
            )
            for n in people
        ],
        ("national_id", "identity"): [
            Record(
                {"UIN": n, **({"TIN": tin[n]} if n in tin else {})},
                {
                    **named(n),
                    "birth_date": born[n],
                    "vital_status": "alive",
                    "address_line": "Mill Road 1",
                    "locality": "Lake Town",
                    "region_code": "PV-1",
                    "sub_region_code": "PV-101",
                },
                "2026-02-02",
            )
            for n in people
        ],
        ("tax", "taxpayer"): [
            Record(
                {"TIN": "T00000001"}, {"income_annual": 9_000, "employment_status": "2", "tax_year": 2025}, "2026-03-03"
            ),
            Record(
                {"TIN": "T00000002"}, {"income_annual": 4_000, "employment_status": "1", "tax_year": 2025}, "2026-03-03"
            ),
        ],
        ("land", "holdings"): [
            Record({"UIN": "1000000001"}, {"land_area_ha": 1.25, "land_parcel_count": 1}, "2024-01-01T00:00:00Z")
        ],
        ("education", "learner"): [
            Record(
                {"LEARNER_NUMBER": "L0000003", "BRN": brn["1000000003"]},
                {"school_enrolled": True, "school_grade": 5, "attendance_rate": 90.0, "education_level": "0"},
                "2026-07-01",
            )
        ],
        ("health", "patient"): [
            Record({"UIN": n, "PATIENT_NUMBER": f"PT000000{n[-1]}"}, {}) for n in ("1000000001", "1000000003")
        ],
        ("health", "chart"): [
            Record({"PATIENT_NUMBER": "PT0000001"}, {"insured": True, "is_lactating": True, "is_pregnant": False}),
            Record({"PATIENT_NUMBER": "PT0000003"}, {"insured": False}),
        ],
        ("social", "group"): [
            Record(
                {HOUSEHOLD.type: HOUSEHOLD.value},
                {"poverty_score": 23.5, "registered_size": 4, "dwelling_type": "mud"},
                "2026-04-04",
                members=tuple(GroupMember(r, i) for r, i in zip(relations, ids, strict=True)),
            )
        ],
        ("social", "member"): [
            *(
                Record(dict(i), {**named(i["UIN"]), "birth_date": born[i["UIN"]], "is_disabled": False}, "2026-04-04")
                for i in (ASHA, JUMA, NEEMA)
            ),
            Record(
                dict(BIBI),
                {
                    "given_name": "Bibi",
                    "surname": "Moyo",
                    "sex": "female",
                    "birth_date": "1950-01-01",
                    "is_disabled": True,
                },
                "2026-04-04",
            ),
        ],
    }


def permitting(permit: PersonPermit | None = None, **of: PersonPermit) -> DecidePeople:
    """A decision that gives everybody the same permit, but those whose UIN or member number is named."""
    everything = permit or PersonPermit({"given_name": VALUE}, {})

    async def decide(people: Sequence[Mapping[str, str]]) -> list[PersonPermit]:
        return [next((of[n] for n in numbers.values() if n in of), everything) for numbers in people]

    return decide


def fetcher(
    registries: Mapping[str, InMemoryRegistry], cache: RecordCache | None = None, clock: StillClock | None = None
) -> Fetcher:
    """A Fetcher over these registries; without a cache it keeps nothing."""
    kept = MemoryCache(KEY, 0) if cache is None else cache
    all_connected, now = connected(registries), clock or StillClock(NOW)
    return Fetcher(all_connected, Calls(all_connected, kept, now), now)


class World:
    """Rooms over in-memory registries: what bootstrap wires, with everything outside replaced."""

    def __init__(
        self,
        truth: Truth | None = None,
        *agreements: Agreement,
        ledger: ConsentLedger | None = None,
        cache: RecordCache | None = None,
        failing: Mapping[tuple[str, str], UnavailableReason] | None = None,
        clock: StillClock | None = None,
        manifests: Iterable[Manifest] = MANIFESTS.values(),
    ) -> None:
        self.clock = clock or StillClock(NOW)
        self.registries = in_memory(manifests, truth or family(), failing=failing)
        self.ledger = ledger or MemoryLedger(KEY)
        all_connected = connected(self.registries)
        self.rooms = Rooms(
            decisions=Decisions(
                AgreementSet(agreements or map(sandbox_agreement, ("uct", "cct-education"))),
                self.ledger,
                CATALOGUE,
                PLANNER.holders(),
            ),
            planner=PLANNER,
            past_planner=PAST_PLANNER,
            fetcher=fetcher(self.registries, cache, self.clock),
            searcher=Searcher(all_connected, self.clock),
            paging=Paging(),
            recall=Recall(cache if isinstance(cache, MemoryCache) else MemoryCache(KEY, 0)),
            composer=COMPOSER,
            responder=RESPONDER,
            rules=RULES,
            catalogue=CATALOGUE,
            keys=KEYS,
            now=self.clock,
        )

    @property
    def asked(self) -> dict[str, int]:
        """How often each registry was asked; those that were not are left out."""
        return {id_: len(r.asked) for id_, r in self.registries.items() if r.asked}


def item(query: Any = None, **changes: Any) -> SearchItem:
    """A question about Asha's household, whole and well formed."""
    return SearchItem(
        reference_id="r-1",
        timestamp=NOW,
        reg_type=RegType.SOCIAL,
        reg_record_type=RecordType.GROUP,
        response_entity=ResponseEntity.GROUP,
        query=query or IdQuery(uin(ASHA)),
    )._replace(**changes)


def question(asked: SearchItem | None = None, consumer: str = "cct-education") -> Question:
    """An item as the pipeline takes it."""
    sender = Consumer(client_id=consumer, sender_id=f"{consumer}.programmes.pv")
    return Question(sender, asked or item(), "t-1", "c-1", NEVER)


def entry(**changes: Any) -> JournalEntry:
    """A journal entry of an answered question."""
    return JournalEntry(
        at=NOW,
        event="search.answered",
        consumer="uct",
        purpose="eligibility",
        agreement="uct-eligibility@1.0",
        subject="0" * 32,
        members=("0" * 32, "1" * 32),
        transaction="2" * 32,
        correlation="c-1",
        released=("given_name",),
        plan="by UIN, household not asked for",
        outcomes={"crvs": "answered"},
        answer_digest="3" * 64,
    )._replace(**changes)
