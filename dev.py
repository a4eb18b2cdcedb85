#!/usr/bin/env python3
"""Set up Hearth beside this file and run it; only Python 3.11 or newer is needed.

python3 dev.py demo [ARGS]     show the main job on a practice country, then stop
python3 dev.py sandbox [ARGS]  run gateway and practice country until Ctrl-C
python3 dev.py test [ARGS]     run the tests; ARGS go to pytest
python3 dev.py lint            ruff check, ruff format --check, mypy
python3 dev.py types           mypy alone
python3 dev.py bench [ARGS]    measure what the gateway costs
python3 dev.py setup [--dev]   only make .venv, with --dev for the tools of the tests too

demo and sandbox run in the current directory, the others in the project's. Progress goes to
stderr, so that stdout is the command's alone. Delete .venv to start afresh.
"""
# Newer annotations stand in quotes, so that an older Python gets as far as the message that it is too old.

import contextlib
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "hearth-stamp.json"  # what .venv holds: which lock, of which content
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
UV = "uv==0.13.8"
ENVIRON = {k: v for k, v in os.environ.items() if k not in {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"}}
if ENVIRON.pop("PYTHONDONTWRITEBYTECODE", ""):
    # Every process would compile everything anew, which doubles each start: compiled once, beside no source.
    ENVIRON.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "bytecode"))
LINT = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])


def say(text: str, end: str = "\n") -> None:
    """Tell the person at the terminal, never the command's own output."""
    print(text, end=end, file=sys.stderr, flush=True)


def step(title: str, command: "list[str]", *, may_fail: bool = False) -> bool:
    """Run one command behind one line of progress; its output is shown only if it fails."""
    start, shown = time.monotonic(), sys.stderr.isatty()
    with tempfile.TemporaryFile() as output:
        running = subprocess.Popen(
            command, cwd=ROOT, env=ENVIRON, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        while running.poll() is None:
            if shown:
                say(f"\r  {title} ... {time.monotonic() - start:.0f} s", end="")
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(0.2)
        result = "done" if running.returncode == 0 else "failed"
        say(f"{chr(13) if shown else ''}  {title}: {result} after {time.monotonic() - start:.1f} s")
        if running.returncode and not may_fail:
            output.seek(0)
            say(output.read().decode(errors="replace"))
            sys.exit(f"hearth: could not finish this step: {title}")
    return running.returncode == 0


def fingerprint(kind: str) -> str:
    """Digest of what decides the content of .venv for this kind of use."""
    content = LOCKS[kind].read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(content).hexdigest()


def base() -> str:
    """Where .venv stands and whose Python it borrows; another answer means that it must be remade."""
    return f"{ROOT} {PYTHON.resolve()}" if PYTHON.exists() else ""


def stamped() -> "dict[str, str]":
    """What the last finished set up left in .venv; empty if there is none that still holds."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if stamp.get("base") == base() else {}


def make_venv() -> None:
    """Make an empty .venv, or say what the system lacks for it."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this file may have an older one
        sys.exit(f"hearth: Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]}")
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        sys.exit("hearth: this Python lacks `venv`; on Debian or Ubuntu: apt-get install python3-venv")
    if VENV.is_symlink():
        sys.exit(f"hearth: {VENV} is a link to {VENV.resolve()}, which making it anew would empty: remove the link")
    step("make .venv", [sys.executable, "-m", "venv", "--clear", str(VENV)])


def fill_venv(kind: str) -> None:
    """Install the lock and the project, with uv if it can be had and plain pip if not."""
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    uv = [str(PYTHON), "-m", "uv", "pip", "install", "--python", str(PYTHON), "--system-certs"]
    lock = ["--require-hashes", "--only-binary", ":all:", "-r", str(LOCKS[kind])]
    fast = step(f"install {UV}", [*pip, "--only-binary", ":all:", UV], may_fail=True)
    title = f"install {LOCKS[kind].name}"
    if not (fast and step(f"{title} with uv", [*uv, *lock], may_fail=True)):
        step(f"{title} with pip, which takes about a minute", [*pip, *lock])
    step("install hearth itself", [*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)])


def wait_for_others() -> None:
    """Let one dev.py set up at a time; the lock goes when this process ends or becomes a command."""
    if os.name != "nt":
        import fcntl

        fcntl.flock(os.open(ROOT, os.O_RDONLY), fcntl.LOCK_EX)


def ensure(kind: str) -> None:
    """Bring .venv to what this kind of use needs; a dev .venv also serves runtime commands."""

    def is_ready() -> bool:
        return any(stamped().get(k) == fingerprint(k) for k in {kind, "dev"})

    if is_ready():
        return
    wait_for_others()
    if is_ready():
        return
    start, stamp = time.monotonic(), stamped()
    kind = "dev" if "dev" in stamp else kind
    say(f"hearth: setting up {VENV} ({kind})")
    if not stamp:
        make_venv()
    fill_venv(kind)
    STAMP.write_text(json.dumps({"base": base(), kind: fingerprint(kind)}))
    say(f"hearth: ready after {time.monotonic() - start:.1f} s")


def become(command: "list[str]", cwd: "Path | None" = None) -> None:
    """Replace this process by a command of .venv, so that signals and exit codes are its own."""
    os.chdir(cwd or Path.cwd())
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environ = {**ENVIRON, "PATH": path, "VIRTUAL_ENV": str(VENV)}
    if os.name == "nt":
        sys.exit(subprocess.call([BIN / command[0], *command[1:]], env=environ))
    os.execve(BIN / command[0], command, environ)


def lint() -> int:
    """Run every check, also after one has failed; the number of failed ones."""
    return sum(subprocess.call([PYTHON, "-m", *check], cwd=ROOT, env=ENVIRON) != 0 for check in LINT)


def main(arguments: "list[str]") -> None:
    """Set up what the command needs, then become it."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if command in {"demo", "sandbox"}:
        ensure("runtime")
        become(["hearth", command, *rest])
    elif command == "setup" and rest in ([], ["--dev"]):
        ensure("dev" if rest else "runtime")
    elif command == "lint" and not rest:
        ensure("dev")
        sys.exit(lint())
    elif command in {"test", "types", "bench"}:
        module = {"test": "pytest", "types": "mypy", "bench": "tests.bench"}[command]
        ensure("dev")
        if command == "test" and not rest:  # all of them: one file after the other, on two processors
            # In the order of the folders, so that the short files of `unit` come last and neither processor waits long;
            # by itself xdist keeps files of few tests for the end, and those are the longest.
            rest = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
        become(["python", "-m", module, *rest], ROOT)
    elif command in {"-h", "--help", "help"}:
        print(__doc__)
    else:
        sys.exit(f"{__doc__}\nhearth: not understood: {' '.join(arguments)}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("\nhearth: interrupted")
