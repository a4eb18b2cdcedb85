"""Every store in one PostgreSQL, which hangs: who asks, orders or watches is told so in time, and nobody restarts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, TypeVar

import httpx
import pytest

from gateway.kit.conversation import RefusedError
from gateway.settings import Stores
from tests.databases import postgresql
from tests.e2e.fetching import comes
from tests.e2e.registering import Office, office
from tests.silence import Line

T = TypeVar("T")
pytestmark = pytest.mark.e2e

STORES = sorted(name for name in Stores.model_fields if name.endswith("_url") or name == "replay")
NEEDED = ("journal_url", "replay")
"""What is not recorded, or could have come before, is not answered."""
SOON_S = 8.0
"""A few limits of one or two seconds, on a machine that does other things as well."""


class Served(NamedTuple):
    """A gateway whose stores lie in one database, with a way to it for each."""

    desk: Office
    lines: Mapping[str, Line]

    def readiness(self) -> tuple[int, str, Mapping[str, str]]:
        """Return what an operator sees: how it stands, and how the stores do."""
        said = httpx.get(f"{self.desk.country.content['gateway']}/ready", trust_env=False, timeout=30)
        told = said.json()
        stores = {name.removeprefix("stores."): is_ for name, is_ in told["stores"].items()}
        return said.status_code, told["status"], stores

    def question(self) -> str:
        """Return what becomes of a question: its status, or the sentence of its refusal."""
        try:
            return str(self.desk.country.ask("complete_household")["status"])
        except RefusedError as error:
            return str(error)

    def is_well(self) -> bool:
        """Tell whether everything is as before."""
        return self.readiness() == (200, "ready", dict.fromkeys(STORES, "answers")) and self.question() == "succ"


@contextmanager
def silent(served: Served, *names: str) -> Iterator[None]:
    """Let the way to some stores go silent; afterwards everything is as before, and nobody has restarted anything."""
    for name in names:
        served.lines[name].go_silent()
    try:
        yield
    finally:
        for name in names:
            served.lines[name].resume()
    assert comes(served.is_well, 30)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway that keeps in the database everything which may lie there."""
    with postgresql() as url, ExitStack() as stack:
        lines = {name: stack.enter_context(Line(url)) for name in STORES}
        urls = {f"stores.{name}": line.url for name, line in lines.items()}
        found = Served(stack.enter_context(office(tmp_path_factory.mktemp("office"), **urls)), lines)
        assert found.is_well()
        yield found


def soon(done: Callable[[], T]) -> T:
    """Return what is given in time."""
    started = time.monotonic()
    given = done()
    assert time.monotonic() - started < SOON_S
    return given


def test_a_database_that_hangs_hangs_nobody_else(served: Served) -> None:
    """Not ready with its name, questions refused in the standard's code, commands with their reason."""
    with silent(served, *STORES):
        assert soon(served.readiness) == (503, "not_ready", dict.fromkeys(STORES, "silent"))
        for _ in range(3):
            assert "err.service.unavailable" in soon(served.question)
        why = soon(lambda: served.desk.refused("suspend", "crvs", "--reason", "a leak is feared"))
        assert "stores.registrations_url: cannot be used (it does not answer)" in why
        health = soon(lambda: httpx.get(f"{served.desk.country.content['gateway']}/health", trust_env=False))
        assert health.is_success

    off = ("suspend", "crvs", "--reason", "a leak is feared")
    assert comes(lambda: served.desk.run(*off).exit_code == 0)
    assert served.desk.ready()["suspended"]["registries"] == ["crvs"]
    served.desk.done("resume", "crvs")


@pytest.mark.parametrize("name", STORES)
def test_a_single_store_that_hangs_is_named(served: Served, name: str) -> None:
    """Questions that cannot do without it are refused, with any other one they are answered; all in time."""
    with silent(served, name):
        stores = {one: "silent" if one == name else "answers" for one in STORES}
        assert soon(served.readiness) == (503, "not_ready", stores)
        for _ in range(3):
            said = soon(served.question)
            assert ("err.service.unavailable" in said) if name in NEEDED else (said == "succ")
