"""Registries come, change, fail and go while questions are answered: by command line, in a sandbox of its own."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.keys import private_key
from gateway.registrations.orders import signed_order
from tests.e2e.conftest import settled_facts, states
from tests.e2e.registering import Office, office

pytestmark = pytest.mark.e2e

QUESTIONS = 1_000
AT_ONCE = 8
SILENT_S = 2.0
"""How long the manifest of civil registration lets it be silent."""


@pytest.fixture(scope="module")
def desk(witnessed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One sandbox for this file."""
    with office(tmp_path_factory.mktemp("registrations")) as one:
        yield one


def until(holds: Callable[[], Any], seconds: float = 5.0) -> float:
    """Wait for something; return how long it took."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < seconds
    return time.monotonic() - start


def test_the_whole_life_by_command_line(desk: Office) -> None:
    """From a folder to live, off and on by its owner, back, and its end; nobody skips a step or approves alone."""
    before = settled_facts(desk.country.ask("complete_household"))
    folder = desk.draft("crvs", "9.0")

    assert "crvs 9.0 is tested" in desk.done("submit", str(folder))
    assert "approver" in desk.refused("approve", "crvs", "9.0", "--as", "author")
    assert "promote is for what is canary" in desk.refused("promote", "crvs", "9.0", "--to", "live")
    desk.done("fetch", "crvs", "9.0", "--out", str(folder.parent / "fetched"))
    desk.done("approve", "crvs", "9.0", "--read", str(folder.parent / "fetched"))
    desk.done("promote", "crvs", "9.0", "--to", "shadow")
    assert desk.ready()["registries"]["shadow"] == {"crvs": "9.0"}
    assert [one["state"] for one in desk.listed("crvs")["versions"]] == ["live", "shadow"]
    assert settled_facts(desk.country.ask("complete_household")) == before
    until(lambda: "agree" in desk.done("history", "crvs"), 20)
    desk.done("promote", "crvs", "9.0", "--to", "canary", "--share", "25")
    assert desk.ready()["registries"]["canary"] == {"crvs": "9.0"}
    listed = desk.listed("crvs")
    assert listed["versions"][1] == {"version": "9.0", "state": "canary", "share": 25.0}
    assert (listed["state"], listed["tier"], listed["readiness"]) == ("live", "none", {})  # its folder has no list
    (line,) = (line for line in desk.done("list", "--gateway").splitlines() if line.startswith("crvs "))
    assert "live, 9.0 canary 25 %" in line
    desk.done("promote", "crvs", "9.0", "--to", "live")
    assert desk.connected("crvs") == "9.0"
    listed = desk.listed("crvs")
    assert (listed["version"], listed["state"], listed["readiness"]["batched"]) == ("9.0", "live", "done")
    assert listed["tier"] != "none"
    assert settled_facts(desk.country.ask("complete_household")) == before

    desk.done("suspend", "crvs", "--reason", "a leak is feared")
    assert desk.ready()["suspended"]["registries"] == ["crvs"]
    assert desk.listed("crvs")["state"] == "suspended"
    off = states(desk.country.ask("complete_household"))
    assert {s["reason"] for s in off.values() if s["state"] == "unavailable"} >= {"source_suspended"}
    assert all(state.get("source") != "crvs" for state in off.values() if state["state"] == "value")
    assert "only its owner" in desk.refused("resume", "crvs", "--as", "approver")
    assert "resume it first" in desk.refused("promote", "crvs", "9.0", "--to", "shadow")
    desk.done("resume", "crvs", "--reason", "there was none")
    assert settled_facts(desk.country.ask("complete_household")) == before

    desk.done("rollback", "crvs", "--reason", "slower than before")
    assert desk.connected("crvs") != "9.0"
    assert settled_facts(desk.country.ask("complete_household")) == before
    desk.done("retire", "crvs", "9.0", "--reason", "not needed")
    history = desk.done("history", "crvs")
    assert "9.0 is retired" in history
    assert not re.search("NOT PROVED|not known any more", history)

    events = [entry["event"] for entry in desk.journal(*(f"registration.{one}" for one in STEPS))]
    assert events == [f"registration.{one}" for one in STEPS]
    shadowed = desk.journal("search.shadowed")
    assert shadowed
    assert all(entry["released"] == [] and entry["outcomes"].keys() == {"crvs"} for entry in shadowed)


STEPS = (
    "submitted", "tested", "approved", "shadowed", "canaried", "promoted", "suspended", "resumed", "rolled_back",
    "retired",
)  # fmt: skip


def test_what_cannot_be_registered_says_what_to_change(desk: Office) -> None:
    """Code, other registries' credentials, a changed meaning under the same version, and a broken example."""
    stolen = desk.draft("crvs", "9.5", ("env:HEARTH_CRVS_CLIENT_SECRET", "env:HEARTH_TAX_PASSWORD"))
    assert "begin with HEARTH_CRVS_" in desk.refused("submit", str(stolen))
    version = desk.connected("farmer") or ""
    same = desk.draft("farmer", version, ("demographic_info.name.given_name", "demographic_info.name.surname"))
    assert "mapped schema changed" in desk.refused("submit", str(same))
    (same / "adapter.py").write_text("print()", encoding="utf-8")
    assert "code cannot be uploaded" in desk.refused("submit", str(same))
    broken = desk.draft("farmer", "9.5")
    (broken / "readiness.yaml").unlink()
    ran = desk.run("submit", str(broken))
    assert ran.exit_code == 1
    assert "farmer 9.5 is draft" in ran.stdout


def test_a_registry_that_nobody_knew_comes_without_a_restart(desk: Office) -> None:
    """Its address is put into the folder of secrets; it is asked, suspended, and gone again."""
    folder = desk.draft("social_insurance", "1.0").rename(desk.manifests.parent / "pension_fund")
    file = folder / "manifest.yaml"
    text = file.read_text(encoding="utf-8").replace("id: social_insurance", "id: pension_fund")
    file.write_text(text.replace("HEARTH_SOCIAL_INSURANCE_URL", "HEARTH_PENSION_FUND_URL"), encoding="utf-8")
    desk.done("submit", str(folder))
    desk.done("approve", "pension_fund", "1.0")
    assert "HEARTH_PENSION_FUND_URL" in desk.refused("promote", "pension_fund", "1.0", "--to", "shadow")

    url = desk.country.content["registries"]["social_insurance"]["url"]
    (desk.country.folder / "secrets" / "HEARTH_PENSION_FUND_URL").write_text(f"{url}\n", encoding="utf-8")
    for to in (["shadow"], ["canary", "--share", "10"], ["live"]):
        desk.done("promote", "pension_fund", "1.0", "--to", *to)
    assert desk.connected("pension_fund") == "1.0"
    desk.country.ask("complete_household")
    desk.done("suspend", "pension_fund", "--reason", "its owner says so")
    assert desk.ready()["suspended"]["registries"] == ["pension_fund"]
    desk.done("resume", "pension_fund")
    desk.done("retire", "pension_fund", "1.0", "--reason", "a test")
    assert desk.connected("pension_fund") is None


def test_a_shadow_that_never_answers_neither_delays_nor_alters_an_answer(desk: Office) -> None:
    """It is counted as failed, and no answer waits for it."""
    before = settled_facts(desk.country.ask("complete_household"))
    folder = desk.draft("crvs", "9.4", ("env:HEARTH_CRVS_URL", "env:HEARTH_CRVS_SILENT_URL"))
    desk.done("submit", str(folder))
    desk.done("approve", "crvs", "9.4")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections, and says nothing
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (desk.country.folder / "secrets" / "HEARTH_CRVS_SILENT_URL").write_text(address, encoding="utf-8")
        desk.done("promote", "crvs", "9.4", "--to", "shadow")
        longest_s = 0.0
        for _ in range(20):
            start = time.monotonic()
            assert settled_facts(desk.country.ask("complete_household")) == before
            longest_s = max(longest_s, time.monotonic() - start)
        assert longest_s < SILENT_S
        until(lambda: re.search(r"shadow 9\.4 .* failed", desk.done("history", "crvs")), 20)
        desk.done("retire", "crvs", "9.4", "--reason", "it never answers")
    assert desk.connected("crvs") != "9.4"


def test_who_has_no_part_in_it_is_refused(desk: Office) -> None:
    """A programme's token opens nothing here."""
    base = desk.country.content["gateway"]
    headers = {"Authorization": f"Bearer {desk.country.token()}"}
    assert httpx.get(f"{base}/v1/registrations", headers=headers, trust_env=False).status_code == 401
    assert httpx.get(f"{base}/v1/registrations", trust_env=False).status_code == 401
    body = {"order": desk.country.token()}
    said = httpx.post(f"{base}/v1/registrations/crvs/suspend", json=body, trust_env=False)
    assert said.status_code == 401
    assert said.json()["errors"][0]["code"] == "err.request.unauthorized"


def test_an_order_does_what_was_signed_once(desk: Office) -> None:
    """Not a second time, not about another registry, not as another verb, not at another gateway."""
    people = desk.country.content["operators"]

    def order(who: str, gateway: str = "", **wish: Any) -> str:
        key = private_key(Path(people[who]["signing_key"]))
        return signed_order(who, key, gateway or desk.country.content["gateway"], datetime.now(UTC), **wish)

    def posted(path: str, text: str) -> httpx.Response:
        address = f"{desk.country.content['gateway']}/v1/registrations/{path}"
        return httpx.post(address, json={"order": text}, trust_env=False)

    off = order("owner", verb="suspend", registry="land")
    assert posted("tax/suspend", off).status_code == posted("land/resume", off).status_code == 400
    elsewhere = order("owner", "https://other.example", verb="suspend", registry="land")
    assert posted("land/suspend", elsewhere).status_code == 401
    assert posted("land/suspend", order("author", verb="suspend", registry="land")).status_code == 403
    assert desk.ready()["suspended"]["registries"] == []
    assert posted("land/suspend", off).status_code == 200
    assert posted("land/resume", order("owner", verb="resume", registry="land")).status_code == 200
    again = posted("land/suspend", off)
    assert (again.status_code, "taken before" in again.text) == (400, True)
    assert desk.ready()["suspended"]["registries"] == []
    assert posted("land/submit", order("author", verb="submit", registry="land", version="9.9")).status_code == 400


def test_questions_under_load_while_a_registry_is_changed_broken_rolled_back_and_switched_off(desk: Office) -> None:
    """A thousand questions: every one is answered, with the right values or `unavailable` while it is off."""
    asyncio.run(_under_load(desk))


async def _under_load(desk: Office) -> None:
    load = Load(desk)
    await load.begin()
    try:
        await load.answered(100)
        file = desk.manifests / "crvs" / "manifest.yaml"
        good = file.read_text(encoding="utf-8")
        desk.write(file, "9.6", ("title: ", "title: The new "))
        taken_s = await load.until(lambda ready: ready["registries"]["connected"]["crvs"] == "9.6")
        assert taken_s < 1.0
        await load.answered(200)
        file.write_text(good[: len(good) // 2] + "\n  : [", encoding="utf-8")
        await load.until(lambda ready: ready["registries"]["not_in_force"])
        assert load.ready["registries"]["connected"]["crvs"] == "9.6"
        assert (await asyncio.to_thread(desk.listed, "crvs"))["version"] == "9.6"
        await load.answered(300)
        desk.write(_whole(file, good), "9.6", ("title: ", "title: The new "))
        await load.until(lambda ready: not ready["registries"]["not_in_force"])
        await asyncio.to_thread(desk.live, "crvs", "9.7")
        await load.until(lambda ready: ready["registries"]["connected"]["crvs"] == "9.7")
        await load.answered(300)
        await asyncio.to_thread(desk.done, "rollback", "crvs", "--reason", "wrong")
        assert (await load.look())["registries"]["connected"]["crvs"] == "9.6"
        await load.answered(300)
        load.is_off = True
        await asyncio.to_thread(desk.done, "suspend", "crvs", "--reason", "its owner says so")
        load.off_since = time.monotonic()
        await load.answered(300)
        assert load.after_the_switch > 20
        await asyncio.to_thread(desk.done, "resume", "crvs")
        load.off_since = None
        await load.answered(QUESTIONS)
    finally:
        await load.end()
    assert load.count >= QUESTIONS
    assert load.wrong == Counter()


def _whole(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


class Load:
    """Questions about the same households, some at a time, each answer compared with the first one."""

    def __init__(self, desk: Office) -> None:
        content = desk.country.content
        self._base, self._headers = content["gateway"], {"Authorization": f"Bearer {desk.country.token()}"}
        self._purpose = content["consumers"]["uct"]["purposes"][0]
        self._numbers = [
            one["identifiers"]["UIN"] for one in content["examples"].values() if "UIN" in one["identifiers"]
        ]
        self.count = self.after_the_switch = 0
        self.is_off = False
        """Whether the registry may be missing: it has been, or is going to be, switched off."""
        self.off_since: float | None = None
        self.wrong: Counter[str] = Counter()
        self._ends, self._first, self.ready = False, dict[str, Any](), dict[str, Any]()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        self._http = httpx.AsyncClient(trust_env=False, timeout=30, headers=self._headers)
        for number in self._numbers:
            self._first[number] = _said(await self._ask(number))
        self._numbers = [n for n in self._numbers if _rests_on("crvs", self._first[n])]
        assert self._numbers
        self._tasks = [asyncio.create_task(self._go_on(place)) for place in range(AT_ONCE)]

    async def answered(self, count: int) -> None:
        """Wait until so many more questions were answered."""
        upto = self.count + count
        while self.count < upto:  # noqa: ASYNC110 - it is the answers that are waited for
            await asyncio.sleep(0.01)

    async def until(self, holds: Callable[[dict[str, Any]], Any], seconds: float = 10.0) -> float:
        start = time.monotonic()
        while not holds(await self.look()):
            assert time.monotonic() - start < seconds
            await asyncio.sleep(0.01)
        return time.monotonic() - start

    async def look(self) -> dict[str, Any]:
        self.ready = dict((await self._http.get(f"{self._base}/ready")).json())
        return self.ready

    async def end(self) -> None:
        self._ends = True
        await asyncio.gather(*self._tasks)
        await self._http.aclose()

    async def _go_on(self, place: int) -> None:
        while not self._ends:
            number = self._numbers[(self.count + place) % len(self._numbers)]
            began, may_lack = time.monotonic(), self.is_off
            response = await self._ask(number)
            self.count += 1
            if response.status_code != 200:
                self.wrong[f"HTTP {response.status_code}"] += 1
                continue
            said, first = _said(response), self._first[number]
            is_switched = self.off_since is not None and began > self.off_since + 1.0
            if is_switched:
                self.after_the_switch += 1
                self.wrong["rests on what is off"] += _rests_on("crvs", said)
            for key, (state, value, source) in said.items():
                before = first.get(key)
                if before is None or (state, value, source) == before:
                    continue
                if state == "value" and before[0] == "value" and value != before[1]:
                    self.wrong[f"another value of {key[1]}"] += 1
                elif not (may_lack or self.is_off):
                    self.wrong[f"{before[0]} became {state} of {key[1]}"] += 1
            if first.keys() - said.keys() and not (may_lack or self.is_off):
                self.wrong["an attribute is gone"] += 1
        self.wrong = +self.wrong

    async def _ask(self, number: str) -> httpx.Response:
        body = {"subject": {"type": "UIN", "value": number}, "purpose": self._purpose}
        return await self._http.post(f"{self._base}/v1/households/lookup", json=body)


def _rests_on(registry: str, said: dict[tuple[str, str], tuple[str, Any, Any]]) -> bool:
    return any(state in {"value", "conflict"} and source == registry for state, _, source in said.values())


def _said(response: httpx.Response) -> dict[tuple[str, str], tuple[str, Any, Any]]:
    """Return what a plain answer says: (whose, attribute) -> state, value, source."""
    found: dict[tuple[str, str], tuple[str, Any, Any]] = {}

    def take(whose: str, attributes: dict[str, Any]) -> None:
        for name, one in attributes.items():
            found[whose, name] = (one["state"], one.get("value"), one.get("source"))

    if (household := response.json()["household"]) is not None:
        take("household", household["attributes"])
        for member in household["members"]:
            take(str(member["member"]), member["attributes"])
    return found
