"""The office: what is recorded before it acts, what acts before it is recorded, and what is refused."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from adapters.catalogue import FOLDER
from gateway.journal import MemoryJournal, sqlite_url
from gateway.registrations.bundle import checked, digest_of, read_folder
from gateway.registrations.following import follow_lineups
from gateway.registrations.office import UNSETTLED_S, Registrations, Surroundings, suspended
from gateway.registrations.orders import Order, Wish
from gateway.registrations.secrets import Secrets
from gateway.registrations.sources import Sources
from gateway.registrations.states import Role, State, Step, Verb
from gateway.registrations.store import Registration, SqlRegistrations
from gateway.registrations.tables import REGISTRATIONS, Database
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
        if self.breaks:
            raise ValueError("a lineup that cannot be wired")
        self.taken.append(wanted)
        self.live = SimpleNamespace(registries={m.id: m for m in wanted.live}, manifests=wanted.live)
        return True

    async def tidy(self) -> None:
        """Nothing is connected."""

    breaks = False

    def may_connect(self, manifest: Any) -> None:
        if self.refuses:
            raise ConfigurationError("set HEARTH_CRVS_URL")


class Desk:
    """An office over a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.journal, self.lineups, self.findings = BrokenJournal(), FakeLineups(), (("manifest", True, "fine"),)
        self.folder = folder / "registries"
        self.folder.mkdir()
        self.store = SqlRegistrations(Database(sqlite_url(folder / "registrations.db")))
        self.suspensions, self.relined, self.needed = Suspensions(folder), list[tuple[bool, bool]](), frozenset[str]()
        sources = Sources((self.folder,), self.store, Secrets({}, None))
        sources.start()

        async def check(id_: str, files: Mapping[str, str]) -> Any:
            return self.findings

        async def relined(has_changed: bool, is_switched: bool) -> None:
            self.relined.append((has_changed, is_switched))

        people: Any = SimpleNamespace(roles=lambda name, _registry: ROLES[name])
        around = Surroundings(
            people, self.journal, check, lambda: self.now, self.suspensions, relined, lambda: self.needed
        )
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
    one.office.close()


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

    assert await desk.act("owner", "suspend", version="", digest="") == {"9.0": State.SUSPENDED}
    assert desk.suspensions.registries().keys() == {"crvs"}
    assert (False, True) in desk.relined
    assert "suspended" not in desk.events


async def test_a_switch_is_entered_once_the_journal_can_be_written(desk: Desk) -> None:
    """By whichever process looks first, and once."""
    await desk.live()
    desk.journal.is_full = True
    await desk.act("owner", "suspend", version="", digest="", reason="a leak")
    desk.journal.is_full = False
    await desk.office.settle_owed()
    assert "suspended" not in desk.events  # whoever took the step has a minute
    desk.now = NOW + timedelta(seconds=UNSETTLED_S + 1)
    await desk.office.settle_owed()
    await desk.office.settle_owed()

    assert desk.events[-2:] == ["promoted", "suspended"]
    assert (desk.journal.entries[-1].at, desk.journal.entries[-1].consumer) == (NOW, "operator:owner")


async def test_a_registry_of_the_folders_is_switched_off_though_it_cannot_be_recorded(desk: Desk) -> None:
    """Its version is entered here first, and that keeps the switch from nothing."""
    shutil.copytree(FOLDER / "crvs", desk.folder / "crvs")
    await desk.office.look()
    desk.journal.is_full = True

    (state,) = (await desk.act("owner", "suspend", version="", digest="")).values()
    assert state is State.SUSPENDED
    assert desk.suspensions.registries().keys() == {"crvs"}


async def test_a_switch_acts_though_something_else_cannot_be_taken_in(desk: Desk) -> None:
    """What breaks the lineup keeps nobody from being switched off; and it is taken in once it can be."""
    await desk.live()
    desk.relined.clear()
    desk.lineups.breaks = True

    with pytest.raises(ValueError, match="cannot be wired"):
        await desk.act("owner", "suspend", version="", digest="")
    assert desk.suspensions.registries().keys() == {"crvs"}
    assert desk.relined == [(False, True)]
    desk.lineups.breaks = False
    assert await desk.office.look()
    assert desk.lineups.taken[-1].off == {"crvs"}


async def test_a_process_that_ends_on_the_way_leaves_no_false_entry(desk: Desk) -> None:
    """It had entered what it was going to do, and did not: the next one enters that it was not done."""
    await desk.live()
    await desk.act("owner", "suspend", version="", digest="")

    async def ends(*_: Any, **__: Any) -> None:
        raise asyncio.CancelledError

    whole, desk.store.change = desk.store.change, ends  # type: ignore[method-assign,assignment]
    with pytest.raises(asyncio.CancelledError):
        await desk.act("owner", "resume", version="", digest="")
    desk.store.change = whole  # type: ignore[method-assign]
    assert desk.events[-1] == "resumed"
    assert (await desk.store.versions("crvs"))["9.0"].state is State.SUSPENDED
    desk.now = NOW + timedelta(seconds=UNSETTLED_S + 1)
    await desk.office.settle_owed()
    assert desk.events[-2:] == ["resumed", "void"]
    assert desk.journal.entries[-1].agreement == "registration:crvs@9.0"


async def test_who_took_too_long_does_nothing(desk: Desk) -> None:
    """Another process has entered by then that it was not done."""
    await desk.office.submit(desk.order("author", "submit"), FILES)
    whole = desk.journal.record

    async def slow(entries: Any) -> None:
        await whole(entries)
        if desk.now == NOW:
            desk.now = NOW + timedelta(seconds=UNSETTLED_S + 1)
            await desk.office.settle_owed()

    desk.journal.record = slow  # type: ignore[method-assign]
    with pytest.raises(MalformedMessageError, match="took too long"):
        await desk.act("approver", "approve")
    assert (await desk.store.versions("crvs"))["9.0"].state is State.TESTED
    assert "void" in desk.events


async def test_what_the_journal_says_is_what_was_done(desk: Desk) -> None:
    """Where another process took a step in between, nothing is done, and the journal says so."""
    await desk.live()
    files = FILES | {"manifest.yaml": changed(FILES["manifest.yaml"], *version_line("9.1"))}
    about = {"version": "9.1", "digest": digest_of(files)}
    await desk.office.submit(desk.order("author", "submit", **about), files)
    for verb, more in (("approve", {}), ("shadow", {}), ("canary", {"share": 5})):
        await desk.act("approver", verb, **about, **more)
    whole = desk.journal.record

    async def meanwhile(entries: Any) -> None:
        desk.journal.record = whole  # type: ignore[method-assign]
        await whole(entries)
        await desk.store.change("crvs", lambda v: [gone(v["9.0"])], None)

    def gone(one: Registration) -> Step:
        return Step("crvs", "9.0", Verb.RETIRE, "owner", Role.OWNER, NOW, one.standing.digest)

    desk.journal.record = meanwhile  # type: ignore[method-assign]
    with pytest.raises(MalformedMessageError, match="stand otherwise"):
        await desk.act("approver", "promote", **about)
    states = {version: one.state for version, one in (await desk.store.versions("crvs")).items()}
    assert states == {"9.0": State.RETIRED, "9.1": State.CANARY}
    assert desk.events[-2:] == ["void", "void"]


async def test_nobody_submits_by_an_order_without_files(desk: Desk) -> None:
    """It would take the files of a draft away."""
    await desk.office.submit(desk.order("author", "submit"), FILES)

    with pytest.raises(MalformedMessageError, match="sends files"):
        await desk.act("author", "submit", digest="b" * 64)
    assert desk.store.files("crvs", "9.0") == FILES


async def test_files_that_were_changed_since_are_not_connected(desk: Desk) -> None:
    """Whoever can write to the database makes no other version of the one that was approved."""
    await desk.office.submit(desk.order("author", "submit"), FILES)
    await desk.act("approver", "approve")
    other = FILES | {"manifest.yaml": changed(FILES["manifest.yaml"], ("title: ", "title: The new "))}
    change = sa.update(REGISTRATIONS).values(files=orjson.dumps(other).decode())
    desk.store._database.run_now(lambda connection: connection.execute(change))

    with pytest.raises(MalformedMessageError, match="not those that were approved"):
        await desk.act("approver", "shadow")


async def test_a_version_means_what_it_meant_before(desk: Desk) -> None:
    """Though the file that said so is gone, and nothing bears that version now."""
    shutil.copytree(FOLDER / "farmer", desk.folder / "farmer")
    await desk.office.look()
    shutil.rmtree(desk.folder / "farmer")
    await desk.office.look()
    files = dict(read_folder(FOLDER / "farmer"))
    version = checked(files).version
    files["manifest.yaml"] = changed(files["manifest.yaml"], (r"name\.given_name", "name.surname"))
    order = desk.order("author", "submit", registry="farmer", version=version, digest=digest_of(files))

    with pytest.raises(MalformedMessageError, match="mapped schema changed"):
        await desk.office.submit(order, files)


async def test_a_switch_is_seen_though_every_shared_thread_is_busy(desk: Desk) -> None:
    """With names that are not resolved, say, or registries that keep a check waiting."""
    await desk.live()
    done = threading.Event()
    threads = [asyncio.get_running_loop().run_in_executor(None, done.wait) for _ in range(40)]
    try:
        one = (await desk.store.versions("crvs"))["9.0"]
        off = Step("crvs", "9.0", Verb.SUSPEND, "owner", Role.OWNER, NOW, one.standing.digest)
        await desk.store.change("crvs", lambda _: [off], None)
        async with asyncio.timeout(5):
            await desk.office.look()
        assert desk.suspensions.registries().keys() == {"crvs"}
    finally:
        done.set()
        await asyncio.gather(*threads)


@pytest.mark.parametrize("what", ["the journal", "a connection that does not close"])
async def test_a_switch_is_seen_though_something_else_keeps_everybody_waiting(
    desk: Desk, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows the registrations waits neither for what writes down nor for what tidies up."""
    await desk.live()
    waiting = asyncio.Event()

    async def hangs() -> None:
        waiting.set()
        await asyncio.Event().wait()

    async def passes() -> None:
        pass

    shadows: Any = SimpleNamespace(keep_counts=hangs if what == "the journal" else passes)
    if what != "the journal":
        monkeypatch.setattr(desk.lineups, "tidy", hangs)
    following = asyncio.create_task(follow_lineups(desk.office, shadows))
    await waiting.wait()
    one = (await desk.store.versions("crvs"))["9.0"]
    off = Step("crvs", "9.0", Verb.SUSPEND, "owner", Role.OWNER, NOW, one.standing.digest)
    await desk.store.change("crvs", lambda _: [off], None)
    async with asyncio.timeout(5):
        while not desk.suspensions.registries():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


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


async def test_a_rollback_to_what_cannot_be_connected_is_refused(desk: Desk) -> None:
    """A registry does not disappear by it; the owner's switch is another matter."""
    shutil.copytree(FOLDER / "crvs", desk.folder / "crvs")
    await desk.office.look()
    await desk.live()
    desk.lineups.refuses = True

    with pytest.raises(MalformedMessageError, match="set HEARTH_CRVS_URL"):
        await desk.act("approver", "rollback", version="", digest="", reason="slow")
    assert (await desk.store.versions("crvs"))["9.0"].state is State.LIVE
    assert "rolled_back" not in desk.events
    desk.lineups.refuses = False
    assert await desk.act("approver", "rollback", version="", digest="", reason="slow") == {"9.0": State.APPROVED}


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
