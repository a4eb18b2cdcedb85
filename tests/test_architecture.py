"""Who may import whom, and what no file of the tree may contain."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "standards": set(),
    "adapters": {"standards"},
    "policies": {"standards"},
    "gateway": {"standards", "adapters", "policies"},
    "mocks": {"standards"},
    "tests": {"standards", "adapters", "policies", "gateway", "mocks"},
}
# Library, the folder where the rule holds, the one file in it that may import the library.
ONE_DOOR = [
    ("aiohttp", "adapters", None),
    ("httptools", "adapters", "adapters/transport/http1.py"),
    ("httpx", "adapters", None),
    ("httpx", "gateway", "gateway/client.py"),
    ("xml", "adapters", "adapters/markup.py"),
    ("zeep", "adapters", "adapters/generic/soap/wsdl.py"),
    ("lxml", "adapters", "adapters/generic/soap/request.py"),
]
# Built from parts, so that this file passes its own test.
FORBIDDEN_TEXT = {
    "a path of one machine": re.compile(r"(?<![\w.~/})-])/" + r"(?:work|root|home/\w+|Users/\w+)/"),
    "a package index": re.compile(
        r"https?://[^/\s]*(?:py" + "pi|python" + "hosted|npm" + r"js)\b|file:/" + r"//\S*/simple\b"
    ),
}


def imports_of(path: Path) -> Iterator[str]:
    """Every dotted name a file imports, relative ones resolved."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


IMPORTS = [
    (path.relative_to(ROOT), tuple(name.split(".")))
    for package in MAY_IMPORT
    for path in sorted((ROOT / package).rglob("*.py"))
    for name in imports_of(path)
]


def test_packages_import_only_downwards():
    """The packages know each other in one direction only, and nothing but tests knows the gateway."""
    wrong = [
        f"{path} imports {'.'.join(name)}"
        for path, name in IMPORTS
        if name[0] in MAY_IMPORT and name[0] not in MAY_IMPORT[path.parts[0]] | {path.parts[0]}
    ]

    assert wrong == []


def test_registries_do_not_know_each_other():
    """A folder of adapters/ imports no other registry's folder, so a registry can leave without a trace."""
    folders = {path.name for path in (ROOT / "adapters").iterdir() if path.is_dir()} - {"generic", "kit", "transport"}
    wrong = [
        f"{path} imports {'.'.join(name)}"
        for path, name in IMPORTS
        if path.parts[0] == name[0] == "adapters" and len(path.parts) > 2
        if name[1] in folders - {path.parts[1]}
    ]

    assert wrong == []


def test_libraries_have_one_door():
    """A library that may have to be replaced, or that reaches out, is imported in one file."""
    wrong = [
        f"{path} imports {library}"
        for library, folder, door in ONE_DOOR
        for path, name in IMPORTS
        if name[0] == library and path.parts[0] in {folder or path.parts[0]} - {"tests"} and path.as_posix() != door
    ]

    assert wrong == []


def committed_texts() -> Iterator[tuple[Path, str]]:
    """Every text file below the root that .gitignore does not name; works in a copy without git too."""
    ignored = [".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split("\n") if line)]
    folders = [ROOT]
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if any(fnmatch(path.name, pattern) for pattern in ignored):
                continue
            if path.is_dir():
                folders.append(path)
            elif b"\0" not in (content := path.read_bytes()):
                yield path.relative_to(ROOT), content.decode(errors="replace")


def test_files_name_no_machine_and_no_package_index():
    """The tree works on any machine, with whatever package index is configured there."""
    wrong = [
        f"{path} names {what}: {found[0]}"
        for path, text in committed_texts()
        for what, pattern in FORBIDDEN_TEXT.items()
        if (found := pattern.search(text))
    ]

    assert wrong == []


def test_the_two_locks_agree():
    """Tests run with the very versions that users get."""
    runtime, dev = (
        set(re.findall(r"^[\w.-]+==\S+", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    )

    assert runtime <= dev
