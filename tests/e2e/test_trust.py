"""Keys that change and messages that come again, against a gateway of several processes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import orjson
import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.client import Credentials, HearthClient
from gateway.journal import examine, sqlite_url
from gateway.keys import open_keys
from gateway.sandbox import Sandbox
from tests.e2e.conftest import Country
from tests.e2e.fetching import comes

pytestmark = pytest.mark.e2e

WORKERS = 2


@pytest.fixture(scope="module")
def crew(tmp_path_factory) -> Iterator[Country]:
    """A sandbox whose gateway is several processes."""
    folder = tmp_path_factory.mktemp("trust") / "sandbox"
    with Sandbox(folder, port=0, households=60, overrides={"server.workers": str(WORKERS)}).running() as content:
        found = Country(folder, content)
        try:
            yield found
        finally:
            found.close()


def keys(crew: Country, *words: str) -> str:
    """Run `hearth keys` beside the running gateway."""
    result = CliRunner().invoke(app, ["keys", *words, "--dir", str(crew.folder)])
    assert result.exit_code == 0, result.output
    return result.output.strip()


def published(crew: Country) -> list[set[str]]:
    """The key ids that connections of their own are told, whichever worker answers them."""
    address = f"{crew.content['gateway']}/.well-known/jwks.json"
    answers = [httpx.get(address, trust_env=False, timeout=10).json()["keys"] for _ in range(8 * WORKERS)]
    return [{one["kid"] for one in answer} for answer in answers]


def client(crew: Country) -> HearthClient:
    """A client that knows no key yet."""
    return HearthClient(crew.content["gateway"], Credentials.from_sandbox(crew.content["consumers"]["uct"]))


def earned(crew: Country) -> str:
    """A new access token."""
    one = crew.content["consumers"]["uct"]
    form = {"grant_type": "client_credentials", "client_id": one["client_id"], "client_secret": one["client_secret"]}
    said = httpx.post(f"{crew.content['gateway']}/oauth2/client/token", data=form, trust_env=False, timeout=10)
    return str(said.json()["access_token"])


def sent(crew: Country, token: str, body: bytes) -> httpx.Response:
    """What comes back over a connection of its own, so that any worker may answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    address = f"{crew.content['gateway']}/registry/sync/search"
    return httpx.post(address, content=body, headers=headers, trust_env=False, timeout=10)


def question(crew: Country, client: HearthClient) -> bytes:
    """One signed message, with one question about a household."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    subject = crew.example("complete_household")
    criteria = {
        "reg_type": "ns:org:RegistryType:Social",
        "query_type": "idtype-value",
        "query": {"type": subject.type, "value": subject.value},
        "consent": {"purpose": {"code": crew.content["consumers"]["uct"]["purposes"][0]}},
    }
    return orjson.dumps(client.message([{"reference_id": "1", "timestamp": now, "search_criteria": criteria}]))


def test_a_rotation_reaches_every_running_process(crew):
    """Answers and tokens of before and after are taken; a retired key's are not; the journal holds throughout."""
    before, token = open_keys(crew.folder / "keys").signing_id, earned(crew)
    with client(crew) as one:
        assert before in sent(crew, token, question(crew, one)).json()["signature"]
        new = keys(crew, "rotate")
        assert comes(lambda: all(new in told for told in published(crew)))
        assert all(before in told for told in published(crew))
        after = sent(crew, token, question(crew, one))  # a token of before
        assert new in after.json()["signature"]
        one.ask([crew.example("complete_household")], purpose=crew.content["consumers"]["uct"]["purposes"][0])

        keys(crew, "retire", before)
        assert comes(lambda: all(before not in told for told in published(crew)))
        assert {sent(crew, token, question(crew, one)).status_code for _ in range(4 * WORKERS)} == {401}
        assert sent(crew, earned(crew), question(crew, one)).status_code == 200
    verified = CliRunner().invoke(app, ["journal", "verify", "--dir", str(crew.folder)])
    assert verified.exit_code == 0, verified.output
    examine(sqlite_url(crew.folder / "journal.db"), dict(open_keys(crew.folder / "keys").recorded))


def test_a_message_is_taken_once_by_all_processes_together(crew):
    """Whichever of them it comes to."""
    token = earned(crew)
    with client(crew) as one:
        body = question(crew, one)
    said = [sent(crew, token, body).json()["header"] for _ in range(4 * WORKERS)]

    assert said[0]["status"] == "succ"
    assert {one.get("status_reason_code") for one in said[1:]} == {"rjct.message_id.duplicate"}
