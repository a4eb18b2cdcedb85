"""Whatever is ordered, in whatever order, by whomever: what is live was approved by somebody else than its authors."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal import sqlite_url
from gateway.registrations.deciding import decided
from gateway.registrations.states import ASKED, ROLES, Role, State, Verb, replayed
from gateway.registrations.store import SqlRegistrations
from gateway.registrations.tables import Database
from standards.errors import AccessDeniedError, MalformedMessageError
from tests.builders import MANIFESTS
from tests.unit.gateway.registrations.steps import step

PEOPLE = ("Asha", "Juma", "Neema")
KEYS = {"Asha": "key 1", "Juma": "key 2", "Neema": "key 1"}
"""Neema is Asha, who goes by another name since the settings were changed."""
ORDERED = [verb for verb in Verb if Role.GATEWAY not in ROLES[verb]]
ORDERS = st.tuples(
    st.sampled_from([*ORDERED, Verb.TEST]), st.sampled_from(["1.0", "2.0", "3.0"]), st.sampled_from(PEOPLE),
    st.sampled_from(list(Role)),
)  # fmt: skip
USUAL = [Verb.SUBMIT, Verb.TEST, Verb.APPROVE, Verb.SHADOW, Verb.CANARY, Verb.PROMOTE]
WAYS = st.one_of(
    st.lists(ORDERS, max_size=30),
    # Mostly forwards, by whoever may, so that much of it comes live; with other orders in between.
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["1.0", "2.0", "3.0"]), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)).map(
                lambda made: [(verb, made[0], made[1 if verb is Verb.SUBMIT else 2], None) for verb in USUAL]
            ),
            ORDERS.map(lambda one: [one]),
        ),
        max_size=8,
    ).map(lambda parts: [one for part in parts for one in part]),
)


@given(ways=WAYS, is_in_folder=st.booleans())
@settings(max_examples=60, deadline=None)
def test_nothing_is_live_that_nobody_else_has_approved(ways, is_in_folder) -> None:
    """And the history of every version comes to where it stands; one version of a registry is live at most."""
    asyncio.run(_walk(ways, is_in_folder=is_in_folder))


async def _walk(ways, *, is_in_folder: bool) -> None:
    folder = MANIFESTS["land"].model_copy(update={"version": "0.9"}) if is_in_folder else None
    with tempfile.TemporaryDirectory() as place:
        store = SqlRegistrations(Database(sqlite_url(Path(place) / "registrations.db")))
        try:
            for number, (verb, version, person, role) in enumerate(ways):
                made = step(verb, version, by=person, key=KEYS[person])
                if role is not None:
                    made = made._replace(role=role)

                def decide(versions, made=made):
                    if made.verb in {Verb.SUBMIT, Verb.TEST}:
                        return [made]
                    return decided(made, versions, folder, is_needed=False)

                with suppress(MalformedMessageError, AccessDeniedError):
                    await store.change("land", decide, f"order {number}", {})
                await _holds(store)
        finally:
            store.close()


async def _holds(store: SqlRegistrations) -> None:
    versions, history = await store.versions("land"), await store.history("land")
    for one in versions.values():
        standing = one.standing
        assert replayed(made for made in history if made.version == one.version) == standing
        if standing.authors and (one.state in ASKED or one.state in {State.APPROVED, State.REPLACED}):
            assert standing.approved_by is not None
            assert standing.approved_by not in standing.authors
            assert KEYS[standing.approved_by] not in standing.author_keys
    states = [one.state for one in versions.values()]
    for alone in (State.LIVE, State.CANARY, State.SHADOW, State.SUSPENDED):
        assert states.count(alone) <= 1
