"""Lineups: the registries that questions are answered with, connected; swapped whole while questions go on.

A question keeps the rooms that it entered. What only a lineup before used is closed once its last question has ended.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from adapters.catalogue import Registries, Registry, references
from gateway.registrations.sources import Notice, NoticeKind, Wanted
from gateway.registrations.states import State
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from adapters.manifest import Manifest
    from adapters.transport.guard import Guarded
    from gateway.stages.fetch import Fetcher
    from gateway.stages.rooms import Rooms

log = structlog.get_logger()

CLOSE_S: Final = 10.0
"""How long the closing of a connection may take, in seconds."""
LONGEST_S: Final = 600.0
"""After so long a former lineup is closed, whoever may still hold it."""


class Lineup(NamedTuple):
    """One version of each registry, connected, and the rooms over them."""

    state: State
    """LIVE, CANARY or SHADOW: that of the versions which are not everybody's."""
    registries: Registries
    rooms: Rooms
    ids: frozenset[str] = frozenset()
    """Registries that are here in another version than live; all, for the live one."""

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """Return its manifests."""
        return tuple(self.registries.manifests.values())


Connect = Callable[["Manifest"], Registry]
"""Connects one registry; raises ConfigurationError when it cannot be."""
Wire = Callable[[Registries, State], "Rooms"]
"""Builds the rooms over registries, for a lineup of that state."""


class _Connected(NamedTuple):
    registry: Registry
    secrets: tuple[str, ...]


class _Former(NamedTuple):
    fetcher: weakref.ref[Fetcher]
    registries: tuple[Registry, ...]
    since: float


class Manifests(Mapping[str, "Manifest"]):
    """The manifests of the registries that answer, by id, whichever these are by now."""

    def __init__(self, current: Callable[[], Iterable[Manifest]]) -> None:
        self._current = current

    def __getitem__(self, id: str) -> Manifest:
        return {manifest.id: manifest for manifest in self._current()}[id]

    def __iter__(self) -> Iterator[str]:
        return (manifest.id for manifest in self._current())

    def __len__(self) -> int:
        return sum(1 for _ in self._current())


class Lineups:
    """The lineups of one process: live, those of the canaries, that of the shadows.

    is_off: tells whether a registry is switched off.
    """

    def __init__(
        self,
        connect: Connect,
        wire: Wire,
        environment: Mapping[str, str],
        is_off: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect, self._wire, self._environment = connect, wire, environment
        self._is_off, self._clock = is_off, clock
        self._pool: dict[str, list[_Connected]] = {}
        self._unused: list[Registry] = []
        self._former: list[_Former] = []
        self._live: Lineup | None = None
        self._known = Registries(())
        self._key: object = None
        self.canaries: tuple[Lineup, ...] = ()
        self.shadow: Lineup | None = None
        self.notices: tuple[Notice, ...] = ()

    @property
    def live(self) -> Lineup:
        """Return what answers."""
        if self._live is None:
            raise ConfigurationError("nothing is connected yet")
        return self._live

    @property
    def all(self) -> tuple[Lineup, ...]:
        """Return every lineup that is in force, the live one first."""
        return (self.live, *self.canaries, *((self.shadow,) if self.shadow is not None else ()))

    @property
    def shadowed(self) -> tuple[Manifest, ...]:
        """Return the versions that are in shadow."""
        return tuple(m for m in self.shadow.manifests if m.id in self.shadow.ids) if self.shadow is not None else ()

    def everybody(self) -> tuple[Registry, ...]:
        """Return every registry that may be asked, by questions that began earlier too."""
        found = [registry for lineup in self.all for registry in lineup.registries.values()]
        found += [registry for former in self._former for registry in former.registries]
        return tuple({id(one.guarded): one for one in found}.values())

    def known(self) -> Registries:
        """Return one connection for each registry: the live one, else the one that canaries or shadows have."""
        return self._known

    def start(self, wanted: Wanted, must: frozenset[str]) -> None:
        """Connect for the first time.

        must: registries without which the gateway does not start, in the version of the folders.
        Raises: ConfigurationError when one of those cannot be connected; it names every reference that is missing.
        """
        mine = [manifest for manifest in wanted.live if manifest.id in must and manifest.id not in wanted.instead]
        missing = [n for m in mine for n in references(m) if not self._environment.get(n, "").strip()]
        if missing:
            raise ConfigurationError(f"the manifests refer to the environment: set {', '.join(missing)}")
        for manifest in mine:
            self._connected(manifest)
        self.take(wanted)

    def take(self, wanted: Wanted) -> bool:
        """Connect what is wanted, and answer with it from the next question on; False when nothing is another.

        Registries that stay as they are keep their connections, breakers and pace.
        """
        notices = list(wanted.notices)
        live = [one for m in wanted.live if (one := self._live_one(m, wanted, notices)) is not None]
        canaries = [(share, one) for share, m in wanted.canaries if (one := self._try(m, notices)) is not None]
        shadows = [one for m in wanted.shadows if (one := self._try(m, notices)) is not None]
        for registry in (*live, *(one for _, one in canaries), *shadows):
            registry.guarded.is_suspended = self._is_off(registry.manifest.id)
        self.notices = tuple(notices)
        key = (_names(live), tuple((share, *_names([one])) for share, one in canaries), _names(shadows))
        if key == self._key and self._live is not None:
            return False
        self._put(live, canaries, shadows)
        self._key = key
        self._tidy_pool()
        return True

    def answer_with(self, rooms: Rooms) -> None:
        """Answer with other rooms from the next question on, over whatever is connected; for rehearsals of a whole."""
        self._live = self.live._replace(rooms=rooms)

    def may_connect(self, manifest: Manifest) -> None:
        """See that a registry could be connected.

        Raises: ConfigurationError that says what is missing.
        """
        self._connected(manifest)

    async def tidy(self) -> None:
        """Close what no question can reach any more."""
        now, staying = self._clock(), list[_Former]()
        gone, self._unused = self._unused, []
        for former in self._former:
            if former.fetcher() is None or now - former.since > LONGEST_S:
                gone += former.registries
            else:
                staying.append(former)
        self._former = staying
        used = {id(one.guarded) for one in self.everybody()}
        once = {id(one.guarded): one for one in gone}
        self._unused += [one for name, one in once.items() if name in used]
        await _let_go(one for name, one in once.items() if name not in used)

    async def close(self) -> None:
        """Let go of every connection that a single registry has."""
        if self._live is None:
            return
        await _let_go({id(one.guarded): one for one in (*self.everybody(), *self._unused)}.values())

    def _put(
        self, live: Sequence[Registry], canaries: Sequence[tuple[float, Registry]], shadows: Sequence[Registry]
    ) -> None:
        """Build the rooms and swap them in, all in one moment."""
        now, before = self._clock(), self.all if self._live is not None else ()
        plain = Registries(live)
        beneath = []
        for place, (share, _) in enumerate(canaries):
            # Whoever is in the smaller share is in the larger ones too.
            others = [one for _, one in canaries[place:]]
            registries, ids = _instead(live, others), frozenset(one.manifest.id for one in others)
            beneath.append((share, Lineup(State.CANARY, registries, self._wire(registries, State.CANARY), ids)))
        shadow = None
        if shadows:
            registries = _instead(live, shadows)
            ids = frozenset(one.manifest.id for one in shadows)
            shadow = Lineup(State.SHADOW, registries, self._wire(registries, State.SHADOW), ids)
        is_shadowed = shadow is not None
        rooms = self._wire(plain, State.LIVE)._replace(
            canaries=tuple((share, one.rooms._replace(is_shadowed=is_shadowed)) for share, one in beneath),
            is_shadowed=is_shadowed,
        )
        self._live = Lineup(State.LIVE, plain, rooms, frozenset(plain))
        self.canaries, self.shadow = tuple(one for _, one in beneath), shadow
        found: dict[str, Registry] = {}
        for lineup in self.all:
            for id_, registry in lineup.registries.items():
                found.setdefault(id_, registry)
        self._known = Registries(found.values())
        for registry in self.everybody():
            registry.begin()
        self._former += [_Former(weakref.ref(o.rooms.fetcher), tuple(o.registries.values()), now) for o in before]

    def _live_one(self, manifest: Manifest, wanted: Wanted, notices: list[Notice]) -> Registry | None:
        """Return the connection that answers for a registry; None where there is none."""
        if (found := self._try(manifest, notices)) is not None:
            return found
        # INVARIANT: what cannot be connected never replaces what is in force; what was taken back is not.
        before = self._live.registries.get(manifest.id) if self._live is not None else None
        if before is not None and (manifest.id, before.manifest.version) not in wanted.ended:
            return before
        others = (self._try(one, []) for one in wanted.instead.get(manifest.id, ()))
        return next((one for one in others if one is not None), None)

    def _try(self, manifest: Manifest, notices: list[Notice]) -> Registry | None:
        try:
            return self._connected(manifest)
        except ConfigurationError as wrong:
            notices.append(Notice(f"{manifest.id} {manifest.version}", NoticeKind.NOT_CONNECTED, str(wrong)))
            return None

    def _connected(self, manifest: Manifest) -> Registry:
        """Return the connection of a registry: the one there is, where neither manifest nor references changed."""
        secrets = tuple(self._environment.get(name, "") for name in references(manifest))
        known = self._pool.setdefault(manifest.id, [])
        for one in known:
            if one.registry.manifest == manifest and one.secrets == secrets:
                return one.registry
        registry = self._connect(manifest)
        known.append(_Connected(registry, secrets))
        return registry

    def _tidy_pool(self) -> None:
        """Forget connections that are in no lineup: whoever wants them again gets new ones."""
        used = {id(registry.guarded) for lineup in self.all for registry in lineup.registries.values()}
        known = [one for of in self._pool.values() for one in of]
        self._pool = {}
        for one in known:
            if id(one.registry.guarded) in used:
                self._pool.setdefault(one.registry.manifest.id, []).append(one)
            else:
                self._unused.append(one.registry)


async def _let_go(registries: Iterable[Registry]) -> None:
    """Close connections side by side: one that fails, or takes too long, keeps no other one open."""
    await asyncio.gather(*(_closed(registry) for registry in registries))


async def _closed(registry: Registry) -> None:
    if registry.close is None:
        return
    try:
        async with asyncio.timeout(CLOSE_S):
            await registry.close()
    except Exception as error:  # noqa: BLE001 - whatever it is, everything else goes on
        log.warning("registry_not_closed", source=registry.manifest.id, caught=type(error).__name__)


def _instead(live: Iterable[Registry], others: Iterable[Registry]) -> Registries:
    """Return the live registries with others in the place of those of the same id, or beside them."""
    found = {one.manifest.id: one for one in live}
    found.update({one.manifest.id: one for one in others})
    return Registries(found.values())


def _names(registries: Iterable[Registry]) -> tuple[tuple[str, str, Guarded], ...]:
    """Return what is another for other connections: a guard is equal to itself alone."""
    return tuple((one.manifest.id, one.manifest.version, one.guarded) for one in registries)
