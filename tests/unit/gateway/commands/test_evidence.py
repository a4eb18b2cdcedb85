"""`hearth evidence`: what an operator and an auditor type, what they see, and the exit codes scripts go by."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from gateway.cli import app
from gateway.keys import public_pem, write_private
from gateway.sandbox import AGREEMENTS
from standards.signing import public_jwk
from tests.builders import KEYS
from tests.unit.gateway.evidence.conftest import Office, office, undecided  # noqa: F401 - fixtures


def hearth(*words, code=0) -> str:
    """What the command prints."""
    result = CliRunner().invoke(app, ["evidence", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
async def folder(office: Office, tmp_path: Path) -> Path:  # noqa: F811 - the fixture
    """The folder of a gateway that has answered two questions under one correlation."""
    for name in ("journal.db", "consent.db"):
        assert (tmp_path / name).exists()
    write_private(tmp_path / "keys" / "pseudonym.key", KEYS.pseudonym)
    key = tmp_path / "keys" / "signing.pem"
    write_private(key, KEYS.signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    shutil.copytree(AGREEMENTS, tmp_path / "agreements")
    (tmp_path / "public.pem").write_text(public_pem(KEYS.signing))
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [public_jwk(KEYS.signing.public_key())]}))
    answered = await office.ask(correlation="one")
    (tmp_path / "answer.json").write_bytes(answered.item)
    for _ in range(2):
        await office.ask(correlation="two")
    return tmp_path


async def run(*words, code=0) -> str:
    """The command on a thread of its own, beside the loop of the office."""
    return await asyncio.to_thread(hearth, *words, code=code)


async def test_a_pack_is_written_and_verified(folder):
    """Readable by its owner only; verified with either kind of key file, for people and for programs."""
    out = folder / "pack.json"
    printed = await run("pack", "--dir", folder, "--correlation", "one", "--out", out)

    assert printed == f"{out}: entry 1, 3 receipts\n"
    assert out.stat().st_mode & 0o077 == 0
    for keys in ("public.pem", "jwks.json"):
        text = await run("verify", out, "--keys", folder / keys, "--answer", folder / "answer.json")
        assert text.endswith("everything holds\n")
        assert "FAILS" not in text
    told = json.loads(await run("verify", out, "--keys", folder / "jwks.json", "--json"))
    assert told["holds"]
    assert {line["about"] for line in told["lines"]} >= {"pack", "journal", "permit", "consent", "plan", "sources"}


async def test_a_changed_pack_is_refused_with_code_1(folder):
    """And every line that does not hold says why."""
    out = folder / "pack.json"
    await run("pack", "--dir", folder, "--seq", 1, "--out", out)
    out.write_text(out.read_text().replace("eligibility", "eligibilitx"))
    text = await run("verify", out, "--keys", folder / "public.pem", code=1)

    assert text.endswith("this does not prove what it claims\n")
    assert "pack     FAILS" in text
    assert "journal  FAILS" in text


@pytest.mark.parametrize(
    ("named", "code", "words"),
    [
        ((), 2, "name the answer by --correlation, or by --seq"),
        (("--correlation", "one", "--seq", "1"), 2, "name the answer by --correlation, or by --seq"),
        (("--correlation", "two"), 1, "choose one by --seq: 2, 3"),
        (("--correlation", "three"), 1, "no question with that correlation"),
        (("--seq", "99"), 1, "there is no entry"),
        (("--seq", "1", "--agreements", "{folder}/keys"), 1, "name the folder with --agreements"),
        (("--seq", "1", "--keys", "{folder}/nowhere"), 1, "holds no keys of a gateway"),
    ],
)
async def test_what_cannot_be_packed_says_what_to_do(folder, named, code, words):
    """In one line, and nothing is written."""
    out = folder / "pack.json"
    options = [part.replace("{folder}", str(folder)) for part in named]
    printed = await run("pack", "--dir", folder, "--out", out, *options, code=code)

    assert words in printed
    assert not out.exists()


async def test_what_cannot_be_read_says_so(folder):
    """A file that is no pack, one that is not there, keys that are none."""
    out = folder / "pack.json"
    await run("pack", "--dir", folder, "--seq", 1, "--out", out)

    assert "not a pack" in await run("verify", folder / "answer.json", "--keys", folder / "jwks.json", code=1)
    assert "cannot be read" in await run("verify", folder / "no.json", "--keys", folder / "jwks.json", code=1)
    assert "neither a public key" in await run("verify", out, "--keys", folder / "answer.json", code=1)
    await run("verify", out, code=2)
