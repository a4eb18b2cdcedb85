"""The agreements of a folder, kept up with it while the gateway runs: the last good version of everything stays."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from policies.agreement import Agreement
from policies.approvals import NEEDED, SUFFIX, approvals_beside, digest_of, read_approvals
from policies.book import AgreementSet
from policies.diff import Effect, diff, widens
from policies.reading import parse_agreement
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from policies.agreement import Consumer
    from policies.approvals import Operators
    from standards.attributes import Catalogue

CASES_SUFFIX: Final = ".cases.yaml"
"""Test cases lie beside an agreement, and are none."""

_Stamp = tuple[int, int, int, int]
_NEVER: Final[_Stamp] = (0, 0, 0, 0)
_Key = tuple[str, str]
"""Id and version."""


class NoticeKind(StrEnum):
    """Why something in the folder is not in force."""

    UNREADABLE = "unreadable"
    """A file is wrong; what it said before stays."""
    CHANGED = "changed"
    """A version says something else than before; what it said before stays."""
    REMOVED = "removed"
    """A version is gone from the folder while older ones are there; it stays, so that they do not come back."""
    CONTRADICTORY = "contradictory"
    """It contradicts another agreement; what was in force stays."""
    UNAPPROVED = "unapproved"
    """It widens, and too few people have approved it; what was in force stays."""


class Notice(NamedTuple):
    """Something in the folder that is not in force, and what to do about it."""

    file: str
    kind: NoticeKind
    sentence: str


class _Read(NamedTuple):
    """One agreement file, as it was read."""

    file: str
    stamp: _Stamp
    agreement: Agreement | None
    digest: str
    fault: str = ""


def agreement_files(folder: Path) -> list[Path]:
    """Return the agreement files of a folder, in the order of their names."""
    return sorted(path for path in folder.glob("*.yaml") if not path.name.endswith(CASES_SUFFIX))


class AgreementFolder:
    """An agreement book that follows its folder; `refresh` is to be called several times a second."""

    def __init__(
        self,
        folder: Path,
        catalogue: Catalogue,
        operators: Operators | None,
        fits: Callable[[Agreement], str | None],
        today: Callable[[], date],
    ) -> None:
        """Take what is needed to read; use `load`."""
        self._folder, self._catalogue, self._operators, self._fits = folder, catalogue, operators, fits
        self._today = today
        self._seen: Mapping[str, _Stamp] = {}
        self._reads: dict[str, _Read] = {}
        self._good: dict[_Key, _Read] = {}
        self._accepted: dict[_Key, Agreement] = {}
        self._retired: dict[_Key, _Read] = {}
        self._current = AgreementSet(())
        self._notices: tuple[Notice, ...] = ()
        self._is_to_be_read_again = False

    @classmethod
    def load(
        cls,
        folder: Path,
        catalogue: Catalogue,
        operators: Operators | None = None,
        fits: Callable[[Agreement], str | None] = lambda _: None,
        today: Callable[[], date] = date.today,
    ) -> AgreementFolder:
        """Read a folder at start.

        operators: who may approve; None where no approval is needed, as in a sandbox.
        fits: says why an agreement cannot be served by this gateway, or None.
        Raises: ConfigurationError that says what is wrong in all of its files, or that there is no such folder.
            A version that lacks approvals is no error: it is not in force, and a notice says so.
        """
        book = cls.look(folder, catalogue, operators, fits, today)
        if wrong := [n.sentence for n in book.notices if n.kind is not NoticeKind.UNAPPROVED]:
            raise ConfigurationError("\n".join(wrong))
        return book

    @classmethod
    def look(
        cls,
        folder: Path,
        catalogue: Catalogue,
        operators: Operators | None = None,
        fits: Callable[[Agreement], str | None] = lambda _: None,
        today: Callable[[], date] = date.today,
    ) -> AgreementFolder:
        """Read a folder whatever is in it; what cannot be in force stands among the notices.

        Raises: ConfigurationError when there is no such folder.
        """
        if not folder.is_dir():
            raise ConfigurationError(f"{folder}: there is no such folder of agreements")
        book = cls(folder, catalogue, operators, fits, today)
        book.refresh()
        return book

    # -- what is in force ------------------------------------------------------------------------------------

    @property
    def current(self) -> AgreementSet:
        """Return the agreements as they are now; another set once anything has changed."""
        return self._current

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Return what in the folder is not in force, and what to do about it."""
        return self._notices

    @property
    def agreements(self) -> tuple[Agreement, ...]:
        """Return every version that is accepted."""
        return self._current.agreements

    def versions(self, consumer_id: str) -> tuple[Agreement, ...]:
        """Return all versions of all agreements of a consumer, those that have ended included."""
        return self._current.versions(consumer_id)

    def in_force(self, consumer_id: str, on: date) -> Agreement | None:
        """Return the consumer's agreement that holds on a day; of several the one that started last."""
        return self._current.in_force(consumer_id, on)

    def for_purpose(self, consumer_id: str, purpose: str, on: date) -> Agreement | None:
        """Return the one agreement that holds on a day and names the purpose."""
        return self._current.for_purpose(consumer_id, purpose, on)

    def consumers(self) -> tuple[Consumer, ...]:
        """Return every consumer that has an agreement, as its newest version describes it."""
        return self._current.consumers()

    def digest_of(self, id_: str, version: str) -> str:
        """Return the SHA-256 of the file of a version, in hex; empty when there is none."""
        read = self._good.get((id_, version))
        return read.digest if read is not None else ""

    # -- keeping up ------------------------------------------------------------------------------------------

    def look_again(self) -> None:
        """Read every file anew at the next `refresh`: what this gateway can serve is another by now."""
        self._reads.clear()
        self._is_to_be_read_again = True

    def refresh(self) -> bool:
        """Take in what has changed in the folder; True when what is in force, or any notice, has changed."""
        # Looked at before reading: a file that changes meanwhile is seen as changed the next time.
        seen = _look(self._folder)
        if (
            seen == self._seen and not self._is_to_be_read_again
        ) or not self._folder.is_dir():  # a folder that is gone for a moment ends no agreement
            return False
        self._seen, self._is_to_be_read_again = seen, False
        before, in_force_before = (self._current, self._notices), self._accepted
        notices: list[Notice] = []
        found = dict(self._gather(seen, notices))
        # INVARIANT: a bad file never replaces a good one, and keeps no other file from being taken in.
        self._settle(self._accept(found, notices), found, notices)
        # Gone with all older versions. Should one of those come back, these come back with it.
        self._retired |= {
            key: self._good[key]
            for key, agreement in in_force_before.items()
            if key not in found and key in self._good and agreement.start <= self._today()
        }
        self._good = {key: found[key] for key in found}
        self._notices = tuple(notices)
        return before != (self._current, self._notices)

    def _gather(self, seen: Mapping[str, _Stamp], notices: list[Notice]) -> Iterator[tuple[_Key, _Read]]:
        """Yield each version with what it says: in its file, or before its file went wrong."""
        stated: dict[_Key, _Read] = {}
        for name in (n for n in seen if not n.endswith(SUFFIX)):
            read = self._reads.get(name)
            if read is None or read.stamp != seen[name]:
                read = self._reads[name] = self._read(name, seen[name])
            if read.agreement is None:
                notices.append(Notice(name, NoticeKind.UNREADABLE, read.fault))
                # What the file held last stays, unless the version is in another file by now.
                for key, good in self._good.items():
                    if good.file == name:
                        stated.setdefault(key, good)
                continue
            key = (read.agreement.id, read.agreement.version)
            if key in stated and stated[key].file != name:
                notices.append(
                    Notice(name, NoticeKind.CONTRADICTORY, f"agreement {' '.join(key)} is there twice: remove one file")
                )
                continue
            stated[key] = read
        for key, good in {**self._retired, **self._good}.items():
            now = stated.get(key)
            if now is None and self._is_missed(good, stated):
                sentence = (
                    f"agreement {' '.join(key)} was removed while older versions are there: put it back, or end the "
                    "agreement with a new version"
                )
                notices.append(Notice(good.file, NoticeKind.REMOVED, sentence))
                stated[key] = good
                if good.agreement is not None:
                    self._accepted = {**self._accepted, key: good.agreement}  # it was, before it was gone
            elif (
                now is not None and (key in self._accepted or key in self._retired) and now.agreement != good.agreement
            ):
                # Answers and journal entries name the version, so a change needs a new one.
                sentence = (
                    f"agreement {' '.join(key)} was changed while in use: undo that, and write the change into a new "
                    "file with a higher version"
                )
                notices.append(Notice(now.file, NoticeKind.CHANGED, sentence))
                stated[key] = good
        yield from stated.items()

    def _is_missed(self, gone: _Read, stated: Mapping[_Key, _Read]) -> bool:
        """Tell whether an older version would come back if this one, which has started, were taken away."""
        agreement = gone.agreement
        if agreement is None or agreement.start > self._today():
            return False
        key = (agreement.id, agreement.version)
        if key not in self._accepted and key not in self._retired:
            return False
        others = (read.agreement for read in stated.values() if read.agreement is not None)
        return any(other.id == agreement.id and other.order < agreement.order for other in others)

    def _read(self, name: str, stamp: _Stamp) -> _Read:
        path = self._folder / name
        try:
            content = path.read_bytes()
            agreement = parse_agreement(content.decode(), self._catalogue, name=name)
        except OSError as wrong:
            # It may be readable in a moment without having changed: it is read again, and not remembered as it is.
            self._is_to_be_read_again = True
            return _Read(name, _NEVER, None, "", f"{name}: cannot be read ({type(wrong).__name__})")
        except (UnicodeDecodeError, RecursionError) as wrong:
            return _Read(name, stamp, None, "", f"{name}: cannot be read as YAML in UTF-8 ({type(wrong).__name__})")
        except ConfigurationError as wrong:
            return _Read(name, stamp, None, "", str(wrong))
        if (misfit := self._fits(agreement)) is not None:
            return _Read(name, stamp, None, "", f"agreement {agreement.name} {misfit}")
        return _Read(name, stamp, agreement, digest_of(content))

    def _accept(self, found: Mapping[_Key, _Read], notices: list[Notice]) -> dict[_Key, Agreement]:
        """Return the versions that may be in force: those that narrow, and those that enough people approved."""
        accepted: dict[_Key, Agreement] = {}
        newest: dict[str, Agreement] = {}
        reads = [(read.agreement, read) for read in found.values() if read.agreement is not None]
        for agreement, read in sorted(reads, key=lambda pair: (pair[0].id, pair[0].order)):
            key = (agreement.id, agreement.version)
            if self._accepted.get(key) != agreement and (lack := self._lack(newest.get(agreement.id), agreement, read)):
                notices.append(Notice(read.file, NoticeKind.UNAPPROVED, lack))
                continue
            accepted[key] = newest[agreement.id] = agreement
        return accepted

    def _lack(self, base: Agreement | None, agreement: Agreement, read: _Read) -> str | None:
        """Return what a version lacks to be in force; None when it lacks nothing."""
        changes = diff(base, agreement)
        # INVARIANT: nothing widens by one person's hand; what only narrows is in force at once.
        if self._operators is None or not widens(changes):
            return None
        try:
            approvals = read_approvals(approvals_beside(self._folder / read.file))
        except ConfigurationError as wrong:
            return str(wrong)
        people = self._operators.approvers(agreement, read.digest, approvals)
        if len(people) >= NEEDED:
            return None
        wider = ", ".join(change.where for change in changes if change.effect is Effect.WIDENS)
        by = f"approved by {people[0]} only" if people else "approved by nobody"
        over = f"over {base.version}" if base is not None else "over nothing, being the first version"
        return (
            f"agreement {agreement.name} widens {over} ({wider}) and is {by}: have {NEEDED} operators run "
            f"`hearth agreement approve {read.file}`"
        )

    def _settle(self, accepted: dict[_Key, Agreement], found: dict[_Key, _Read], notices: list[Notice]) -> None:
        """Put into force what contradicts nothing: all of it, or else each agreement that can be."""
        try:
            self._put(accepted)
        except ConfigurationError:
            pass
        else:
            return
        chosen = dict(self._accepted)
        for id_ in sorted({key[0] for key in (*accepted, *chosen)}):
            tried = {key: a for key, a in chosen.items() if key[0] != id_} | _of(id_, accepted)
            try:
                AgreementSet(tried.values())
            except ConfigurationError as wrong:
                files = sorted(found[key].file for key in _of(id_, accepted) if key not in chosen)
                notices.append(Notice(", ".join(files) or id_, NoticeKind.CONTRADICTORY, str(wrong)))
            else:
                chosen = tried
        self._put(chosen)

    def _put(self, accepted: dict[_Key, Agreement]) -> None:
        fresh = AgreementSet(accepted.values())
        self._accepted = accepted
        if fresh.agreements != self._current.agreements:
            self._current = fresh


def _of(id_: str, agreements: Mapping[_Key, Agreement]) -> dict[_Key, Agreement]:
    return {key: agreement for key, agreement in agreements.items() if key[0] == id_}


def _look(folder: Path) -> Mapping[str, _Stamp]:
    seen = {}
    files: Iterable[Path] = (*agreement_files(folder), *sorted(folder.glob(f"*{SUFFIX}")))
    for file in files:
        # A file may go while we look; the next look finds the folder changed.
        with suppress(FileNotFoundError):
            stat = file.stat()
            seen[file.name] = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
    return seen
