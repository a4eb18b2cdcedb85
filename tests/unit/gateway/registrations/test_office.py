"""The office: what is recorded before it acts, what acts before it is recorded, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.catalogue import FOLDER
from gateway.journal import MemoryJournal, sqlite_url
from gateway.registrations.bundle import digest_of, read_folder
from gateway.registrations.office import Registrations, Surroundings, suspended
from gateway.registrations.orders import Order, Wish
from gateway.registrations.secrets import Secrets
from gateway.registrations.sources import Sources
from gateway.registrations.states import Role, State, Step, Verb
from gateway.registrations.store import SqlRegistrations
from gateway.registrations.tables import Database
from gateway.suspensions import Suspensions
from standards.errors import AccessDeniedError, ConfigurationError, JournalError, MalformedMessageError
from tests.builders import NOW
from tests.unit.gateway.registrations.test_sources import changed, version_line

ROLES = {
    "author": frozenset({Role.AUTHOR}),
    "both": frozenset({Role.AUTHOR, Role.APPROVER}),
    "approver": frozenset({Role.APPROVER, Role.OPERATOR}),
    "owner": frozenset({Role.OWNER}),
}
FILES = dict(read_folder(FOLDER / "crvs"))
FILES["manifest.yaml"] = changed(FILES["manifest.yaml"], *version_line("9.0"))


class BrokenJournal(MemoryJournal):
    """A journal whose disk may be full."""

    is_full = False

    async def record(self, entries: Any) -> None:
        if self.is_full:
            raise JournalError("full")
        await super().record(entries)


class FakeLineups(SimpleNamespace):
    """Lineups that connect nothing, and note what they were given."""

    def __init__(self) -> None:
        super().__init__(notices=(), taken=[], refuses=False, live=SimpleNamespace(registries={}, manifests=()))

    def take(self, wanted: Any) -> bool:
        self.taken.append(wanted)
        self.live = SimpleNamespace(registries={m.id: m for m in wanted.live}, manifests=wanted.live)
        return True

    async def tidy(self) -> None:
        """Nothing is connected."""

    def may_connect(self, manifest: Any) -> None:
        if self.refuses:
            raise ConfigurationError("set HEARTH_CRVS_URL")


class Desk:
    """An office over a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.journal, self.lineups, self.findings = BrokenJournal(), FakeLineups(), (("manifest", True, "fine"),)
        self.store = SqlRegistrations(Database(sqlite_url(folder / "registrations.db")))
        self.suspensions, self.relined, self.needed = Suspensions(folder), list[tuple[bool, bool]](), frozenset[str]()
        sources = Sources((folder,), self.store, Secrets({}, None))
        sources.start()

        async def check(id_: str, files: Mapping[str, str]) -> Any:
            return self.findings

        async def relined(has_changed: bool, is_switched: bool) -> None:
            self.relined.append((has_changed, is_switched))

        people: Any = SimpleNamespace(roles=lambda name, _registry: ROLES[name])
        around = Surroundings(people, self.journal, check, lambda: NOW, self.suspensions, relined, lambda: self.needed)
        lineups: Any = self.lineups
        self.office = Registrations(self.store, sources, lineups, around)
        self._orders = 0

    def order(self, by: str, verb: str, **wish: Any) -> Order:
        self._orders += 1
        stated = {"registry": "crvs", "version": "9.0", "digest": digest_of(FILES)} | wish
        return Order(f"order number {self._orders}", by, NOW, Wish(verb=verb, **stated), "a.b.c")

    async def act(self, by: str, verb: str, **wish: Any) -> dict[str, State]:
        changed = await self.office.act(self.order(by, verb, **wish))
        return {one.version: one.state for one in changed}

    async def live(self) -> None:
        await self.office.submit(self.order("author", "submit"), FILES)
        for verb, wish in (("approve", {}), ("shadow", {}), ("canary", {"share": 5}), ("promote", {})):
            await self.act("approver", verb, **wish)

    @property
    def events(self) -> list[str]:
        return [entry.event.removeprefix("registration.") for entry in self.journal.entries]


@pytest.fixture
def desk(tmp_path: Path):
    """An office in which nothing is registered."""
    one = Desk(tmp_path)
    yield one
    one.store.close()


async def test_a_submission_is_checked_and_tested(desk: Desk) -> None:
    """The findings are in its history."""
    one, findings = await desk.office.submit(desk.order("author", "submit"), FILES)

    assert (one.state, findings) == (State.TESTED, desk.findings)
    assert desk.events == ["submitted", "tested"]
    assert [made.findings for made in await desk.store.history("crvs")] == [(), desk.findings]
    assert desk.store.files("crvs", "9.0") == FILES


async def test_one_that_fails_stays_a_draft(desk: Desk) -> None:
    """It can be submitted again, and is approved by nobody."""
    desk.findings = (("examples", False, "none of lookup person"),)
    one, findings = await desk.office.submit(desk.order("author", "submit"), FILES)

    assert (one.state, findings) == (State.DRAFT, desk.findings)
    with pytest.raises(MalformedMessageError, match="approve is for what is tested"):
        await desk.act("approver", "approve")


async def test_what_is_signed_is_what_is_sent(desk: Desk) -> None:
    """By name, version and digest."""
    for wish, sentence in (({"version": "9.1"}, "manifest is of crvs 9.0"), ({"digest": "b" * 64}, "digest")):
        with pytest.raises(MalformedMessageError, match=sentence):
            await desk.office.submit(desk.order("author", "submit", **wish), FILES)
    with pytest.raises(AccessDeniedError, match="submit is for author"):
        await desk.office.submit(desk.order("owner", "submit"), FILES)
    assert desk.events == []


async def test_a_version_that_is_no_higher_than_the_live_one_is_refused(desk: Desk) -> None:
    """The remedy is in the sentence."""
    await desk.live()
    for version, sentence in (("9.0", "raise"), ("8.9", "raise the version")):
        files = FILES | {"manifest.yaml": changed(FILES["manifest.yaml"], *version_line(version))}
        wish = {"version": version, "digest": digest_of(files)}
        with pytest.raises(MalformedMessageError, match=sentence):
            await desk.office.submit(desk.order("author", "submit", **wish), files)


async def test_who_may_do_both_does_not_approve_their_own(desk: Desk) -> None:
    """Four eyes are two people's."""
    await desk.office.submit(desk.order("both", "submit"), FILES)

    with pytest.raises(AccessDeniedError, match="another person"):
        await desk.act("both", "approve")
    assert await desk.act("approver", "approve") == {"9.0": State.APPROVED}


async def test_nothing_widens_that_cannot_be_recorded(desk: Desk) -> None:
    """The version stays where it was, and nothing is connected."""
    await desk.live()
    await desk.act("owner", "suspend", version="", digest="", reason="a leak")
    taken = len(desk.lineups.taken)
    desk.journal.is_full = True

    with pytest.raises(JournalError):
        await desk.act("owner", "resume", version="", digest="")
    assert (await desk.store.versions("crvs"))["9.0"].state is State.SUSPENDED
    assert len(desk.lineups.taken) == taken


async def test_a_switch_acts_though_it_cannot_be_recorded(desk: Desk) -> None:
    """And what was read before is purged."""
    await desk.live()
    desk.journal.is_full = True

    with pytest.raises(JournalError):
        await desk.act("owner", "suspend", version="", digest="")
    assert (await desk.store.versions("crvs"))["9.0"].state is State.SUSPENDED
    assert desk.suspensions.registries().keys() == {"crvs"}
    assert desk.relined[-1] == (True, True)


async def test_suspended_and_resumed_is_seen_by_whoever_asks(desk: Desk) -> None:
    """With who did it, in the journal."""
    await desk.live()
    await desk.act("owner", "suspend", version="", digest="", reason="a leak")
    assert suspended(desk.store.all())["crvs"].by == "owner"
    assert desk.suspensions.registries().keys() == {"crvs"}
    await desk.act("owner", "resume", version="", digest="")

    assert desk.suspensions.registries() == {}
    assert desk.events[-2:] == ["suspended", "resumed"]
    assert [entry.consumer for entry in desk.journal.entries[-2:]] == ["operator:owner"] * 2
    assert {entry.agreement for entry in desk.journal.entries} == {"registration:crvs@9.0"}
    assert desk.office.standing() == {"crvs": ({"version": "9.0", "state": "live", "share": None},)}


async def test_what_cannot_be_connected_goes_no_further(desk: Desk) -> None:
    """The operator reads which reference is missing."""
    await desk.office.submit(desk.order("author", "submit"), FILES)
    await desk.act("approver", "approve")
    desk.lineups.refuses = True

    with pytest.raises(MalformedMessageError, match="set HEARTH_CRVS_URL"):
        await desk.act("approver", "shadow")
    assert (await desk.store.versions("crvs"))["9.0"].state is State.APPROVED
    assert "shadowed" not in desk.events


async def test_what_was_recorded_and_did_not_happen_is_entered_as_void(desk: Desk) -> None:
    """Another process was faster with the same order."""
    await desk.office.submit(desk.order("author", "submit"), FILES)
    order = desk.order("approver", "approve")
    test = Step("crvs", "1.0", Verb.SUBMIT, "author", Role.AUTHOR, NOW, "c" * 64)
    await desk.store.change("crvs", lambda _: [test], order.id, {})

    with pytest.raises(MalformedMessageError, match="taken before"):
        await desk.office.act(order)
    assert desk.events[-2:] == ["approved", "void"]


async def test_an_unknown_verb_is_none(desk: Desk) -> None:
    """Nor may anybody do what the gateway does by itself."""
    with pytest.raises(MalformedMessageError, match="no such verb"):
        await desk.act("approver", "delete")
    with pytest.raises(AccessDeniedError):
        await desk.act("approver", "restore")


async def test_a_registry_that_an_agreement_needs_is_not_retired(desk: Desk) -> None:
    """The agreement comes first."""
    await desk.live()
    desk.needed = frozenset({"crvs"})

    with pytest.raises(MalformedMessageError, match="mandatory"):
        await desk.act("approver", "retire")


async def test_what_has_gone_away_is_purged(desk: Desk) -> None:
    """Though nobody switched it off."""
    await desk.live()
    await desk.act("approver", "retire")

    assert desk.relined[-1] == (True, True)
    assert not await desk.office.look()
