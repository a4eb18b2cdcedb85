"""What people type: the README's commands, the sandbox's life, the `hearth` command."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Country

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
HEARTH = [sys.executable, "-m", "gateway"]


def run(*command: str, timeout: float = 100, **more):
    """Run a command in the project's folder and return what it said."""
    return subprocess.run(
        command, cwd=more.pop("cwd", ROOT), capture_output=True, text=True, timeout=timeout, check=False, **more
    )


def readme_commands() -> list[str]:
    """Return every command of the README's console blocks, without its comment."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_the_readme_names_the_commands_that_are_tried_here():
    """A command that is added to the README has to be tried here."""
    assert readme_commands() == [
        "python3 dev.py demo",
        "python3 dev.py test",
        ".venv/bin/hearth ask --as uct --household-of UIN --plan",
    ]


def test_the_demo_tells_the_whole_story(tmp_path):
    """`python3 dev.py demo`: who asks, the plan, the household, what is withheld, an outage, the journal."""
    told = run(sys.executable, str(ROOT / "dev.py"), "demo", "--households", "100", cwd=tmp_path)

    assert told.returncode == 0, told.stderr
    for words in (
        "eligible for the cash transfer",
        "social.group by UIN",
        "education not asked",
        "household by registered-or-kin@1",
        "and no more: below 24,000?",
        "each person's consent",
        "withheld  ",
        "consent_refused: the person has refused",
        "where the two differ",
        "not_in_agreement",
        "unavailable: source_down",
        "nothing turned into a",
        "search.answered",
        "whole",
    ):
        assert words in told.stdout
    assert list(tmp_path.iterdir()) == [], "the demonstration leaves nothing behind"


def test_the_test_command_runs_tests():
    """`python3 dev.py test` hands its arguments to pytest."""
    told = run(sys.executable, str(ROOT / "dev.py"), "test", "tests/test_architecture.py", "-q")

    assert told.returncode == 0, told.stdout
    assert "passed" in told.stdout


def test_asking_from_another_terminal(country: Country):
    """`hearth ask` prints the household, and with --json the answer itself."""
    number = country.example("complete_household").value
    asked = [*HEARTH, "ask", "--as", "uct", "--household-of", number, "--plan", "--dir", str(country.folder)]
    shown, raw = run(*asked), run(*asked, "--json")

    assert shown.returncode == 0, shown.stderr
    assert "household by registered-or-kin@1" in shown.stdout
    assert "1 social.group by UIN" in shown.stdout
    assert json.loads(raw.stdout)["header"]["status"] == "succ"


def test_asking_wrongly_says_what_to_change(country: Country):
    """Wrong command lines exit with 2, refusals with 1, each with one line."""
    folder = ["--dir", str(country.folder)]
    nobody = run(*HEARTH, "ask", *folder)
    stranger = run(*HEARTH, "ask", "--as", "nobody", "--household-of", "1", *folder)
    nowhere = run(*HEARTH, "ask", "--household-of", "1", "--dir", str(country.folder / "nowhere"))

    assert nobody.returncode == 2
    assert "--household-of" in nobody.stderr
    assert stranger.returncode == 2
    assert "uct" in stranger.stderr
    assert nowhere.returncode == 1
    assert "hearth sandbox" in nowhere.stderr


def test_the_journal_command_shows_and_verifies(country: Country):
    """The operator reads what was asked, and checks that nothing was changed."""
    country.ask("complete_household")
    folder = ["--dir", str(country.folder)]
    shown = run(*HEARTH, "journal", "show", "--newest", "1", "--json", *folder)
    verified = run(*HEARTH, "journal", "verify", *folder)

    entry = json.loads(shown.stdout)
    assert entry["consumer"] == "uct"
    assert entry["outcomes"]["education"] == "not_asked"
    assert verified.returncode == 0
    assert "the chain is whole" in verified.stdout


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_sandbox_that_is_stopped_while_it_starts_gives_up_at_once(tmp_path, how):
    """It does not open first, and leaves no process behind."""
    command = [*HEARTH, "sandbox", "--port", "0", "--dir", str(tmp_path), "--households", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stderr is not None
            assert "is being settled" in child.stderr.readline()
            (country,) = run("ps", "-o", "pid=", "--ppid", str(child.pid)).stdout.split()
            start = time.monotonic()
            child.send_signal(how)
            printed, _ = child.communicate(timeout=30)
        finally:
            child.kill()

    assert (child.returncode, printed) == (0, "")
    assert time.monotonic() - start < 5
    assert not Path("/proc", country).exists()
    assert not (tmp_path / "sandbox.json").exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_sandbox_starts_anywhere_and_stops_within_five_seconds(tmp_path, how):
    """It writes its file once everything answers, takes another programme and settings, and leaves no process."""
    agreement = (ROOT / "policies" / "sandbox" / "cct-education.yaml").read_text(encoding="utf-8")
    other = tmp_path / "other.yaml"
    other.write_text(agreement.replace("cct-education", "school-meals"), encoding="utf-8")
    folder = tmp_path / "here"
    child = subprocess.Popen(
        [
            *[*HEARTH, "sandbox", "--port", "0", "--dir", str(folder), "--households", "60", "--seed", "3"],
            *["--consumer", f"school-meals={other}", "--set", "messages.max_items=3"],
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        first = child.stdout.readline()  # printed once everything answers
        content = json.loads((folder / "sandbox.json").read_text(encoding="utf-8"))
        assert content["gateway"] in first
        assert content["pid"] == child.pid
        assert set(content["consumers"]) == {
            *("uct", "cct-education", "school-meals", "disability-allowance", "rural-support")
        }
        assert set(content["registries"]) == {
            *("crvs", "social", "national_id", "tax", "land", "education", "health"),
            *("disability", "beneficiary", "farmer", "employment"),
            *("social_insurance", "payments", "farmers_list", "housing"),
        }
        assert run("/bin/sh", "-c", f"cat {folder}/config.yaml").stdout.count("max_items: 3") == 1
        children = [int(p) for p in run("ps", "-o", "pid=", "--ppid", str(child.pid)).stdout.split()]
        start = time.monotonic()
        child.send_signal(how)
        child.communicate(timeout=10)
        took = time.monotonic() - start
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    assert child.returncode == 0
    assert took < 5
    assert not (folder / "sandbox.json").exists()
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_gateway_that_cannot_start_says_why_in_one_line(country: Country, tmp_path):
    """Another process has the port; the operator reads the setting, the address and the cause."""
    port = country.content["gateway"].rsplit(":", 1)[1]
    config = tmp_path / "config.yaml"
    config.write_text(f"server: {{port: {port}}}\n", encoding="utf-8")
    told = run(*HEARTH, "serve", "--config", str(config))

    assert told.returncode == 1
    assert "server.port" in told.stderr
    assert "in use" in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_a_line_of_the_log_leads_from_an_answer_to_its_registries(country: Country):
    """The correlation id that a consumer reads out on the telephone stands in the log, with who was not heard."""
    country.fault("tax", mode="down")
    identifier = country.example("complete_household")
    answer = country.client().ask([identifier], purpose="eligibility")
    wanted = answer["message"]["correlation_id"]
    (line,) = [one for one in country.log() if one.get("correlation") == wanted]

    assert line["event"] == "request"
    assert line["consumer"] == "uct"
    assert line["outcomes"] == {"tax": "source_down"}
    assert identifier.value not in json.dumps(line)


def test_what_a_sandbox_cannot_do_is_said_in_one_line(tmp_path):
    """A wrong setting names the setting; nothing is left running."""
    told = run(*HEARTH, "sandbox", "--port", "0", "--dir", str(tmp_path), "--households", "60", "--set", "cache.nope=1")

    assert told.returncode == 1
    assert "cache.nope" in told.stderr
    assert "Traceback" not in told.stderr
