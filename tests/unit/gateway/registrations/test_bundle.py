"""The files of a submission: what may be among them, and their digest."""

from __future__ import annotations

import pytest

from adapters.catalogue import FOLDER
from gateway.registrations.bundle import MOST_BYTES, MOST_FILES, checked, digest_of, read_folder, write_folder
from standards.errors import ConfigurationError, MalformedMessageError

CRVS = dict(read_folder(FOLDER / "crvs"))


def test_a_folder_becomes_a_bundle_and_a_folder_again(tmp_path) -> None:
    """Nothing is lost, and the digest is the same."""
    write_folder(CRVS, tmp_path)

    assert read_folder(tmp_path) == CRVS
    assert {"manifest.yaml", "readiness.yaml"} < CRVS.keys()
    assert any(name.startswith("examples/") for name in CRVS)
    assert digest_of(read_folder(tmp_path)) == digest_of(CRVS)


def test_the_digest_is_of_names_and_texts() -> None:
    """In whatever order they come; one sign more and it is another."""
    assert digest_of(dict(reversed(CRVS.items()))) == digest_of(CRVS)
    assert digest_of(CRVS | {"manifest.yaml": CRVS["manifest.yaml"] + " "}) != digest_of(CRVS)
    assert digest_of({"a.md": "b"}) != digest_of({"b.md": "a"})


def test_a_good_bundle_gives_its_manifest() -> None:
    """As the gateway will read it."""
    assert checked(CRVS).id == "crvs"


def changed(old: str, new: str) -> dict[str, str]:
    """The same with something else in its manifest."""
    assert old in CRVS["manifest.yaml"]
    return CRVS | {"manifest.yaml": CRVS["manifest.yaml"].replace(old, new)}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"readiness.yaml": ""}, "manifest.yaml is missing"),
        (CRVS | {"adapter.py": "import os"}, "code cannot be uploaded"),
        (CRVS | {"../manifest.yaml": ""}, "names are"),
        (CRVS | {"/etc/passwd.txt": ""}, "names are"),
        (CRVS | {"a/b/c.yaml": ""}, "names are"),
        (CRVS | {"run.sh": ""}, "names are"),
        (CRVS | {".hidden.yaml": ""}, "names are"),
        (CRVS | {f"f{n}.md": "" for n in range(MOST_FILES)}, "at most"),
        (CRVS | {"large.json": "x" * MOST_BYTES}, "at most"),
        (CRVS | {"manifest.yaml": "id: [\n"}, r"manifest\.yaml"),
        (changed("env:HEARTH_CRVS_CLIENT_SECRET", "env:HEARTH_TAX_PASSWORD"), "begin with HEARTH_CRVS_"),
        (changed("env:HEARTH_CRVS_URL", "env:PATH"), "rename PATH"),
    ],
)
def test_what_may_not_be_submitted_says_what_to_change(files, sentence) -> None:
    """Code, places outside the folder, too much, and another registry's credentials."""
    with pytest.raises(MalformedMessageError, match=sentence):
        checked(files)


def test_a_registry_without_driver_is_refused_with_what_to_add() -> None:
    """Its own code is part of an installation, never of a submission."""
    with pytest.raises(MalformedMessageError, match="code of its own"):
        checked({"manifest.yaml": read_folder(_with_code())["manifest.yaml"]})


def _with_code():
    return next(path.parent for path in sorted(FOLDER.glob("*/adapter.py")))


def test_a_folder_without_manifest_is_none(tmp_path) -> None:
    """Nor is one with files that are no text."""
    with pytest.raises(ConfigurationError, match=r"no manifest\.yaml"):
        read_folder(tmp_path)
    write_folder(CRVS, tmp_path)
    (tmp_path / "picture.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigurationError, match=r"picture\.txt"):
        read_folder(tmp_path)


def test_no_registry_takes_the_references_of_one_whose_id_begins_alike() -> None:
    """HEARTH_CRVS_ARCHIVE_KEY is that of crvs_archive, where there is one."""
    files = changed("env:HEARTH_CRVS_CLIENT_SECRET", "env:HEARTH_CRVS_ARCHIVE_KEY")

    assert checked(files, {"crvs", "tax"}).id == "crvs"
    with pytest.raises(MalformedMessageError, match="rename HEARTH_CRVS_ARCHIVE_KEY"):
        checked(files, {"crvs", "crvs_archive"})


def test_nothing_is_written_beside_the_folder(tmp_path) -> None:
    """Whatever a gateway sends to somebody who fetches a version."""
    inside = tmp_path / "inside"
    inside.mkdir()
    for name in ("../beside.yaml", "/tmp/beside.yaml", "a/../../beside.yaml"):
        with pytest.raises(ConfigurationError, match="nothing was written"):
            write_folder({"manifest.yaml": "id: x", name: ""}, inside)
    assert list(tmp_path.rglob("*")) == [inside]
