"""The store of registrations in SQLite and PostgreSQL: the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.journal import sqlite_url
from gateway.registrations.states import State, Step, Verb, replayed
from gateway.registrations.store import Owing, ShadowCount, SqlRegistrations
from gateway.registrations.tables import STEPS, Database, RegistrationsError
from standards.errors import AccessDeniedError, ConfigurationError, MalformedMessageError
from tests.databases import postgresql
from tests.unit.gateway.registrations.steps import PATH, step

pytestmark = pytest.mark.contract

FILES = {"manifest.yaml": "id: land\n", "examples/one.json": '{"größe": 1}'}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "registrations.db")
    else:
        with postgresql() as found:
            yield found


@pytest.fixture
def store(url: str) -> Iterator[SqlRegistrations]:
    """No registrations yet."""
    found = SqlRegistrations(Database(url))
    yield found
    found.close()


async def take(store: SqlRegistrations, *steps: Step, order: str | None = None) -> list[Step]:
    """Take these steps."""
    return await store.change("land", lambda _: steps, order, FILES)


async def test_a_version_goes_its_way_and_its_history_comes_to_its_standing(store: SqlRegistrations) -> None:
    """Every step is kept; what they come to is what is told."""
    for verb in PATH:
        await take(store, step(verb))
    history = await store.history("land")
    (one,) = store.all()

    assert [made.verb for made in history] == list(PATH)
    assert [made.number for made in history] == sorted({made.number for made in history})
    assert replayed(history) == one.standing == (await store.versions("land"))["1.0"].standing
    assert (one.state, one.standing.approved_by) == (State.LIVE, "approver")
    assert store.files("land", "1.0") == FILES
    assert store.files("land", "9.9") == {}
    assert (await store.versions("tax"), await store.history("tax")) == ({}, ())


async def test_several_steps_are_taken_together_or_not_at_all(store: SqlRegistrations) -> None:
    """A version is never live beside the one that it replaces."""
    for version in ("1.0", "2.0"):
        for verb in PATH[:5]:
            await take(store, step(verb, version))
    await take(store, step(Verb.PROMOTE, "1.0"))
    before = store.revision()

    with pytest.raises(MalformedMessageError):
        await take(store, step(Verb.REPLACE, "1.0"), step(Verb.RESTORE, "2.0"))
    assert ({v: one.state for v, one in (await store.versions("land")).items()}, store.revision()) == (
        {"1.0": State.LIVE, "2.0": State.CANARY},
        before,
    )
    await take(store, step(Verb.REPLACE, "1.0"), step(Verb.PROMOTE, "2.0"))
    assert {one.version: one.state for one in store.all()} == {"1.0": State.REPLACED, "2.0": State.LIVE}
    assert store.revision() > before


async def test_an_order_counts_once(store: SqlRegistrations) -> None:
    """Though somebody sends it again, for another step even."""
    await take(store, step(Verb.SUBMIT), order="o-1")

    with pytest.raises(MalformedMessageError, match="taken before"):
        await take(store, step(Verb.SUBMIT), order="o-1")
    await take(store, step(Verb.SUBMIT), order="o-2")
    assert len(await store.history("land")) == 2


async def test_what_is_refused_leaves_nothing(store: SqlRegistrations) -> None:
    """Neither a step nor a standing."""
    await take(store, step(Verb.SUBMIT, by="Asha"))
    await take(store, step(Verb.TEST))

    with pytest.raises(AccessDeniedError):
        await take(store, step(Verb.APPROVE, by="Asha"), order="o-1")
    assert [one.verb for one in await store.history("land")] == [Verb.SUBMIT, Verb.TEST]
    await take(store, step(Verb.APPROVE, by="Juma"), order="o-1")


async def test_versions_are_in_their_order(store: SqlRegistrations) -> None:
    """1.10 comes after 1.9."""
    for version in ("1.10", "1.9", "1.2"):
        await take(store, step(Verb.SUBMIT, version))

    assert [one.version for one in store.all()] == ["1.2", "1.9", "1.10"]


async def test_what_is_submitted_again_has_its_new_files(store: SqlRegistrations) -> None:
    """And the digest of them."""
    await take(store, step(Verb.SUBMIT))
    await store.change("land", lambda _: [step(Verb.SUBMIT, digest="b" * 64)], None, {"manifest.yaml": "new"})

    assert store.files("land", "1.0") == {"manifest.yaml": "new"}
    assert store.all()[0].standing.digest == "b" * 64


async def test_counts_of_shadows_add_up(store: SqlRegistrations) -> None:
    """Of every process."""
    for times in (2, 3):
        await store.add_shadowed([ShadowCount("land", "1.0", "area_ha", "agree", times)])
    await store.add_shadowed([ShadowCount("land", "1.0", "area_ha", "differ", 1)])

    assert await store.shadowed("land") == (
        ShadowCount("land", "1.0", "area_ha", "agree", 5),
        ShadowCount("land", "1.0", "area_ha", "differ", 1),
    )


async def test_all_is_there_after_a_restart(url: str) -> None:
    """Findings, times and reasons included."""
    first = SqlRegistrations(Database(url))
    made = step(Verb.SUBMIT, reason="why", order="a.b.c", findings=(("manifest", True, "fine"),))
    await first.change("land", lambda _: [made], None, FILES)
    first.close()
    second = SqlRegistrations(Database(url))

    assert [one._replace(number=0) for one in await second.history("land")] == [made]
    second.close()


def test_a_database_that_cannot_be_used_is_named_by_its_setting(tmp_path: Path) -> None:
    """Not by its URL, which may hold a password."""
    with pytest.raises(ConfigurationError, match=r"stores\.registrations_url"):
        Database(f"sqlite:///{tmp_path / 'none' / 'registrations.db'}")


def test_one_that_goes_away_says_so(store: SqlRegistrations, tmp_path: Path) -> None:
    """Whoever asks gets an error of ours."""
    store._database.run_now(lambda connection: connection.exec_driver_sql("DROP TABLE registration"))

    with pytest.raises(RegistrationsError):
        store.all()


async def test_the_revision_tells_of_every_step_in_whatever_order_they_become_durable(store: SqlRegistrations) -> None:
    """Of two steps at once, the one with the later number may be there first; the other is not overlooked."""
    await take(store, step(Verb.SUBMIT))
    later = sa.insert(STEPS).values(number=100, registry="tax", step="{}")
    store._database.run_now(lambda connection: connection.execute(later))
    before = store.revision()
    earlier = sa.insert(STEPS).values(number=50, registry="land", step="{}")
    store._database.run_now(lambda connection: connection.execute(earlier))

    assert store.revision() > before


async def test_what_the_journal_is_owed_is_kept_until_it_is_settled(store: SqlRegistrations) -> None:
    """With the step, or without it; what was settled by another process is not taken any more."""
    owing = Owing("o1", 100.0, None, ())
    (taken,) = await store.change("land", lambda _: [step(Verb.SUBMIT, by="Asha", key="k1")], None, FILES, owing=owing)
    await store.owe(Owing("o2", 200.0, "registration.void", (step(Verb.TEST),)))

    assert await store.owed(100.0) == ()
    assert await store.owed(150.0) == (owing._replace(steps=(taken._replace(number=0),)),)
    assert [one.id for one in await store.owed(300.0)] == ["o1", "o2"]
    await store.settle("o1")
    await store.change("land", lambda _: [step(Verb.TEST)], None, settled="o2")
    assert await store.owed(300.0) == ()
    with pytest.raises(MalformedMessageError, match="took too long"):
        await store.change("land", lambda _: [step(Verb.APPROVE, by="Juma")], None, settled="o2")
    assert (await store.versions("land"))["1.0"].state is State.TESTED


async def test_one_key_is_one_person_after_a_restart(url: str) -> None:
    """Whatever the settings call the person by then."""
    first = SqlRegistrations(Database(url))
    await take(first, step(Verb.SUBMIT, by="Asha", key="k1"), step(Verb.TEST))
    first.close()
    second = SqlRegistrations(Database(url))

    with pytest.raises(AccessDeniedError, match="another person"):
        await take(second, step(Verb.APPROVE, by="Somebody Else", key="k1"))
    await take(second, step(Verb.APPROVE, by="Juma", key="k2"))
    second.close()


def test_what_a_version_means_is_kept(store: SqlRegistrations) -> None:
    """The first time, until somebody says otherwise."""
    assert store.meaning("land", "1.0") is None
    for manifest in ("{}", '{"id": "land"}'):
        store.mean("land", "1.0", manifest)
        assert store.meaning("land", "1.0") == manifest
    assert store.meaning("land", "1.1") is None
