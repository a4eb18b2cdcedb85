"""The client kit from a programme's side: its guide runs as it stands, and every request of the collection can be sent."""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from gateway.sandbox import Sandbox
from tests.e2e.conftest import Country
from tests.e2e.programme import toy_programme

pytestmark = pytest.mark.e2e
GUIDE = Path(__file__).parents[2] / "gateway" / "kit" / "README.md"


@pytest.fixture
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """A country of its own, since somebody dies in it."""
    folder = tmp_path_factory.mktemp("lively")
    with Sandbox(folder, port=0, households=60).running() as content:
        country = Country(folder, content)
        try:
            yield country
        finally:
            country.close()


def test_the_guide_runs_as_it_stands(lively: Country, tmp_path):
    """All registry types answer in one callback, and a death is told."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / ".hearth").symlink_to(lively.folder)
    (tmp_path / "guide.py").write_text(code)
    running = subprocess.Popen(
        [sys.executable, "-u", "guide.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(GUIDE.parents[2]), "PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(90, running.kill)
    watchdog.start()
    try:
        assert running.stdout is not None
        lines = [running.stdout.readline().split() for _ in range(6)]
        assert [status for _, status in lines] == ["succ"] * 6
        assert {reg_type.rpartition(":")[2] for reg_type, _ in lines} == {"Social", "Civil", "DR", "FR", "IBR", "ESS"}
        uin = lively.example("disabled_adult").value
        until_subscribed(lively, uin)
        died = lively.http.post(f"{lively.url('crvs')}/_sandbox/events", json={"event": "death", "UIN": uin})
        assert died.status_code == 200
        assert running.stdout.readline().strip() == "spdci-common:RegistryEventType:Death"
        assert running.wait(20) == 0
    finally:
        watchdog.cancel()
        running.kill()
        running.communicate()


def until_subscribed(country: Country, uin: str):
    """Wait until civil registration has been asked to tell of this person."""
    end = time.monotonic() + 30
    address = f"{country.url('crvs')}/_sandbox/subscriptions"
    while uin not in country.http.get(address).text:
        assert time.monotonic() < end, "nobody subscribed"


def test_every_request_of_the_collection_can_be_sent(country: Country, tmp_path):
    """With its variables filled in, none is malformed."""
    with toy_programme(tmp_path, "--signatures", "off") as programme:
        send_all(country, programme.url)


def send_all(country: Country, callback_url: str):
    """Send one request after the other."""
    base = country.content["gateway"]
    collection = country.http.get(f"{base}/collection.json").json()
    consumer = country.content["consumers"]["uct"]
    values = {variable["key"]: variable["value"] for variable in collection["variable"]}
    values |= {name: consumer[name] for name in ("client_id", "client_secret", "sender_id")}
    values |= {"id_value": country.example("complete_household").value, "base_url": base, "callback_url": callback_url}
    requests = {one["name"]: one["request"] for folder in collection["item"] for one in folder["item"]}
    answers = {}
    with httpx.Client(trust_env=False, timeout=30) as http:
        for folder in collection["item"]:
            for one in folder["item"]:
                request = one["request"]
                if ":" in request["url"]["raw"].removeprefix("{{base_url}}") or folder["name"] == "Sandbox":
                    continue  # has a part that somebody must know
                answer = send(http, request, values)
                answers[one["name"]] = (folder["name"], answer.status_code)
                if one.get("event"):
                    values["access_token"] = answer.json()["access_token"]

    assert len(requests) > 30
    asked = {name: status for name, (folder, status) in answers.items() if folder in {"Search", "Operations", "2023"}}
    assert {name: status for name, status in asked.items() if status != 200} == {}
    # Only a person whose signature the gateway knows may see or move a registration.
    signed = {name for name, (folder, _) in answers.items() if folder == "Registrations"}
    assert {answers[name][1] for name in signed} == {401}
    others = {name: status for name, (_, status) in answers.items() if name not in signed}
    assert {name: status for name, status in others.items() if status not in {200, 201, 202, 403}} == {}


def send(http: httpx.Client, request, values):
    """Send a request of the collection as an API client would."""

    def filled(text: str) -> str:
        text = re.sub(r"\{\{\$guid\}\}", lambda _: str(uuid4()), text)
        text = text.replace("{{$isoTimestamp}}", time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()))
        return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text)

    headers = {header["key"]: header["value"] for header in request["header"]}
    if request["auth"]["type"] == "bearer":
        headers["Authorization"] = filled("Bearer {{access_token}}")
    body = request.get("body", {})
    address = filled(request["url"]["raw"])
    if body.get("mode") == "urlencoded":
        form = {field["key"]: filled(field["value"]) for field in body["urlencoded"]}
        return http.request(request["method"], address, data=form)
    content = filled(body["raw"]) if body else None
    assert content is None or json.loads(content) is not None
    return http.request(request["method"], address, headers=headers, content=content)
