"""What ought to be connected, while files and registrations come, change, break and go."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from adapters.catalogue import FOLDER
from gateway.registrations.bundle import digest_of, read_folder
from gateway.registrations.secrets import Secrets
from gateway.registrations.sources import NoticeKind, Sources, Wanted
from gateway.registrations.states import State
from gateway.registrations.store import Registration
from standards.errors import ConfigurationError
from tests.unit.gateway.registrations.memory import MemoryRegistrations
from tests.unit.gateway.registrations.steps import standing


class Place:
    """A folder with two registries, and registrations beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, MemoryRegistrations()
        self.needed: frozenset[str] = frozenset()
        for name in ("crvs", "farmer"):
            self.add(name)
        self.sources = Sources((folder,), self.store, Secrets({}, None), lambda: self.needed)

    def add(self, name: str, to: str = "") -> Path:
        path = self.folder / (to or name) / "manifest.yaml"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(FOLDER / name / "manifest.yaml", path)
        return path

    def write(self, name: str, *changes: tuple[str, str]) -> None:
        path = self.folder / name / "manifest.yaml"
        path.write_text(changed(path.read_text(encoding="utf-8"), *changes), encoding="utf-8")

    def register(self, version: str, state: State, name: str = "crvs", **more) -> None:
        files = dict(read_folder(FOLDER / name))
        files["manifest.yaml"] = changed(files["manifest.yaml"], *version_line(version))
        more = {"digest": digest_of(files)} | more
        self.store.put(Registration(name, version, standing(state, **more)), files)

    def look(self) -> Wanted:
        self.sources.refresh()
        return self.sources.wanted


def version_line(version: str) -> list[tuple[str, str]]:
    """The change that gives a manifest another version."""
    return [(r"(?m)^version: .*$", f'version: "{version}"')]


def changed(text: str, *changes: tuple[str, str]) -> str:
    """A text with changes: pattern and replacement."""
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text)
        assert count
    return text


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Two registries, read once."""
    one = Place(tmp_path)
    one.sources.start()
    return one


def live(wanted: Wanted) -> dict[str, str]:
    """The versions that ought to answer."""
    return {manifest.id: manifest.version for manifest in wanted.live}


def kinds(wanted: Wanted) -> list[NoticeKind]:
    """Why what is not in force is not."""
    return [notice.kind for notice in wanted.notices]


def test_nothing_is_read_while_nothing_changes(place: Place) -> None:
    """A look costs next to nothing."""
    assert live(place.sources.wanted).keys() == {"crvs", "farmer"}
    assert not place.sources.refresh()


def test_a_new_version_and_a_new_folder_are_taken_in(place: Place) -> None:
    """At the next look."""
    place.write("crvs", *version_line("9.1"))
    place.add("social")

    assert live(place.look()) | {"crvs": "9.1"} == live(place.sources.wanted)
    assert "social" in live(place.sources.wanted)


def test_a_broken_file_leaves_what_was_there(place: Place) -> None:
    """And says so, until it is mended."""
    before = live(place.sources.wanted)
    good = (place.folder / "crvs" / "manifest.yaml").read_text(encoding="utf-8")
    (place.folder / "crvs" / "manifest.yaml").write_text("id: [", encoding="utf-8")

    assert (live(place.look()), kinds(place.sources.wanted)) == (before, [NoticeKind.UNREADABLE])
    (place.folder / "crvs" / "manifest.yaml").write_text(good, encoding="utf-8")
    assert (live(place.look()), kinds(place.sources.wanted)) == (before, [])


def test_another_meaning_under_the_same_version_is_refused(place: Place) -> None:
    """Whoever kept what was said under it would be misled; the same change under a new version is taken in."""
    place.write("farmer", (r"demographic_info\.name\.given_name", "demographic_info.name.surname"))

    refused = place.look()
    assert kinds(refused) == [NoticeKind.CHANGED]
    assert "raise" in refused.notices[0].sentence or "version" in refused.notices[0].sentence
    place.write("farmer", *version_line("9.1"))
    assert (live(place.look())["farmer"], kinds(place.sources.wanted)) == ("9.1", [])


def test_a_document_beside_a_manifest_is_followed_as_the_manifest_is(place: Place) -> None:
    """A WSDL that is edited alone is another meaning; one that is missing or broken is noticed, and so is its return."""
    place.add("tax")
    wsdl = place.folder / "tax" / "service.wsdl"
    shutil.copyfile(FOLDER / "tax" / "service.wsdl", wsdl)
    assert "tax" in live(place.look())
    assert not place.sources.refresh()
    whole = wsdl.read_text(encoding="utf-8")

    wsdl.write_text(changed(whole, ("xs:string", "xs:token")), encoding="utf-8")
    assert kinds(place.look()) == [NoticeKind.CHANGED]
    wsdl.write_text("no XML", encoding="utf-8")
    assert NoticeKind.UNREADABLE in kinds(place.look())
    wsdl.unlink()
    assert "cannot be read" in place.look().notices[0].sentence
    assert not place.sources.refresh()
    wsdl.write_text(whole, encoding="utf-8")
    assert kinds(place.look()) == []
    assert not place.sources.refresh()


def test_what_is_gone_is_gone_unless_an_agreement_needs_it(place: Place) -> None:
    """An agreement that discloses nothing without a registry is not left without it by accident."""
    place.needed = frozenset({"crvs"})
    shutil.rmtree(place.folder / "crvs")
    shutil.rmtree(place.folder / "farmer")

    assert (list(live(place.look())), kinds(place.sources.wanted)) == (["crvs"], [NoticeKind.REMOVED])


def test_of_two_files_with_one_id_the_first_counts(place: Place) -> None:
    """While it runs; a start is refused."""
    place.add("crvs", to="zweite")

    assert kinds(place.look()) == [NoticeKind.TWICE]
    with pytest.raises(ConfigurationError, match="two manifests"):
        Sources((place.folder,), place.store, Secrets({}, None)).start()


def test_a_registered_version_takes_the_place_of_the_folders(place: Place) -> None:
    """By its state: shadow and canary beside it, live in its place, and nothing of a draft."""
    before = live(place.sources.wanted)
    for state in (State.DRAFT, State.TESTED, State.APPROVED, State.REPLACED, State.RETIRED):
        place.register("9.1", state)
        assert (live(place.look()), place.sources.wanted.canaries, place.sources.wanted.shadows) == (before, (), ())
    place.register("9.1", State.SHADOW)
    assert [m.version for m in place.look().shadows] == ["9.1"]
    place.register("9.1", State.CANARY)
    assert [(share, m.version) for share, m in place.look().canaries] == [(0.1, "9.1")]
    place.register("9.1", State.LIVE)
    assert live(place.look()) == before | {"crvs": "9.1"}


def test_a_suspended_registry_stays_where_it_was_and_is_off(place: Place) -> None:
    """In every version."""
    place.register("9.1", State.SUSPENDED)

    assert (live(place.look())["crvs"], place.sources.wanted.off) == ("9.1", frozenset({"crvs"}))


def test_registrations_that_cannot_be_read_change_nothing(place: Place) -> None:
    """And are looked at again."""
    place.register("9.1", State.LIVE)
    before = live(place.look())
    place.store.is_broken = True

    assert (live(place.look()), kinds(place.sources.wanted)) == (before, [NoticeKind.UNREAD])
    place.store.is_broken = False
    assert (live(place.look()), kinds(place.sources.wanted)) == (before, [])
    place.store.is_broken = True
    with pytest.raises(ConfigurationError, match="registrations_url"):
        Sources((place.folder,), place.store, Secrets({}, None)).start()


def test_a_start_names_what_is_wrong(place: Place) -> None:
    """A folder that is not there, a manifest that does not load."""
    with pytest.raises(ConfigurationError, match="there is no folder"):
        Sources((place.folder / "none",), place.store, Secrets({}, None)).start()
    (place.folder / "crvs" / "manifest.yaml").write_text("id: [", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"crvs.manifest\.yaml"):
        Sources((place.folder,), place.store, Secrets({}, None)).start()


def test_secrets_come_from_the_environment_then_from_files(tmp_path: Path) -> None:
    """A new registry needs no restart: its file is seen at once."""
    (tmp_path / "HEARTH_LAND_KEY").write_text("from a file\n", encoding="utf-8")
    secrets = Secrets({"HEARTH_TAX_KEY": "set", "HEARTH_EMPTY": " "}, tmp_path)

    assert (secrets["HEARTH_LAND_KEY"], secrets["HEARTH_TAX_KEY"]) == ("from a file", "set")
    assert secrets.get("HEARTH_NEW", "") == ""
    before = secrets.stamp()
    (tmp_path / "HEARTH_NEW").write_text("here", encoding="utf-8")
    (tmp_path / "HEARTH_EMPTY").write_text("filled", encoding="utf-8")
    assert secrets.stamp() != before
    assert (secrets["HEARTH_NEW"], secrets["HEARTH_EMPTY"]) == ("here", "filled")
    assert secrets.get("../HEARTH_NEW", "") == ""
    assert set(secrets) == {"HEARTH_TAX_KEY", "HEARTH_EMPTY", "HEARTH_LAND_KEY", "HEARTH_NEW"}
    assert len(secrets) == 4
    assert Secrets({}, None).stamp() == ()


SURNAME = (r"demographic_info\.name\.given_name", "demographic_info.name.surname")
"""A change of what a name means at the farmers' registry."""


def again(place: Place) -> Sources:
    """The same after a restart, or in another process."""
    one = Sources((place.folder,), place.store, Secrets({}, None), lambda: place.needed)
    one.start()
    return one


def test_a_version_means_one_thing_after_a_restart_too(place: Place) -> None:
    """And in every process, whenever it has looked first."""
    place.write("farmer", SURNAME)
    other = again(place)

    assert kinds(other.wanted) == kinds(place.look()) == [NoticeKind.CHANGED]
    assert other.in_folders["farmer"] == place.sources.in_folders["farmer"]
    place.write("farmer", *version_line("9.1"))
    assert (kinds(again(place).wanted), kinds(place.look())) == ([], [])


def test_a_file_is_rolled_back_as_it_was_brought(place: Place) -> None:
    """A version that meant this before means it again; a lower version that nobody has seen does not."""
    good = (place.folder / "farmer" / "manifest.yaml").read_text(encoding="utf-8")
    place.write("farmer", SURNAME, *version_line("9.1"))
    assert live(place.look())["farmer"] == "9.1"
    (place.folder / "farmer" / "manifest.yaml").write_text(good, encoding="utf-8")
    before = live(place.look())
    assert (before["farmer"] != "9.1", kinds(place.sources.wanted)) == (True, [])
    place.write("farmer", SURNAME, *version_line("0.1"))
    assert (live(place.look()), kinds(place.sources.wanted)) == (before, [NoticeKind.CHANGED])


def test_what_another_release_of_hearth_wrote_down_is_read_as_nothing(place: Place) -> None:
    """A meaning that cannot be read any more keeps nobody from starting."""
    for key in place.store.meanings:
        place.store.meanings[key] = '{"id": 1}'

    assert live(again(place).wanted) == live(place.sources.wanted)


@pytest.mark.parametrize("state", [State.SHADOW, State.CANARY, State.LIVE])
def test_files_that_are_not_those_that_were_approved_answer_nothing(place: Place, state: State) -> None:
    """Whoever can write to the database makes no other version of the one that was approved."""
    before = live(place.sources.wanted)
    place.register("9.1", state, digest="a" * 64)

    assert (live(place.look()), kinds(place.sources.wanted)) == (before, [NoticeKind.TAMPERED])
    assert (place.sources.wanted.canaries, place.sources.wanted.shadows) == ((), ())
    one, _ = place.store.kept["crvs", "9.1"]
    place.store.put(one, {})
    assert (live(place.look()), kinds(place.sources.wanted)) == (before, [NoticeKind.TAMPERED])


def test_a_later_file_does_not_take_the_place_of_what_is_registered(place: Place) -> None:
    """It is told, so that nobody wonders why the file changes nothing."""
    place.register("9.1", State.LIVE)
    place.write("crvs", *version_line("9.2"))

    assert (live(place.look())["crvs"], kinds(place.sources.wanted)) == ("9.1", [NoticeKind.OUTRANKED])


def test_what_was_live_before_may_stand_in_and_what_was_taken_back_may_not(place: Place) -> None:
    """For a version that is live and cannot be connected."""
    folder = place.sources.in_folders["crvs"]
    for version, state in (("9.0", State.REPLACED), ("9.1", State.REPLACED), ("9.2", State.LIVE)):
        place.register(version, state)
    place.register("9.3", State.APPROVED)
    wanted = place.look()

    assert [m.version for m in wanted.instead["crvs"]] == ["9.1", "9.0", folder.version]
    assert wanted.ended == {("crvs", "9.3")}


def test_what_could_not_be_taken_in_is_looked_at_again(place: Place) -> None:
    """Though nothing has changed since."""
    assert not place.sources.refresh()
    place.sources.look_again()
    assert place.sources.refresh()
