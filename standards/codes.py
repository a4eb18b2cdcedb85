"""Code directories: a word in any of its spellings -> the code that goes onto the wire."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

CODES_FILE: Final = Path(__file__).with_name("codes.yaml")


class CodeDirectories:
    """Every code directory by name. Read-only after it is built."""

    __slots__ = ("_labels", "_spelled", "_words")

    def __init__(self, directories: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Index directories given as name -> {`codes`: code -> label, `aliases`: word -> code}.

        Raises: ConfigurationError when an alias leads to no code.
        """
        self._labels: dict[str, dict[str, str]] = {}
        self._words: dict[str, dict[str, str]] = {}
        self._spelled: dict[str, dict[str, str]] = {}
        for name, directory in directories.items():
            labels = {str(code): str(label) for code, label in directory["codes"].items()}
            words: dict[str, str] = {}
            aliases = {str(word): str(code) for word, code in directory.get("aliases", {}).items()}
            if not labels.keys() >= set(aliases.values()):
                raise ConfigurationError(f"an alias of {name} leads to no code")
            # The order is the order of trust: code, label, alias. The exact code is looked up before all of them.
            spelled: dict[str, str] = {}
            for spelling, code in (
                *((code, code) for code in labels),
                *((label, code) for code, label in labels.items()),
                *aliases.items(),
            ):
                words.setdefault(_bare(spelling), code)
                spelled.setdefault(spelling, code)
            self._labels[name], self._words[name], self._spelled[name] = labels, words, spelled

    @classmethod
    def load(cls, path: Path = CODES_FILE) -> CodeDirectories:
        """Return the directories of a YAML file; the same file is read once in the life of the process."""
        return _load(path)

    def __contains__(self, directory: object) -> bool:
        return directory in self._labels

    def codes(self, directory: str) -> Mapping[str, str]:
        """Return code -> label of one directory; KeyError when there is no such directory."""
        return self._labels[directory]

    def words(self, directory: str) -> Mapping[str, str]:
        """Return word -> code: every code, label and alias of one directory, as it is written there."""
        return self._spelled[directory]

    def to_code(self, directory: str, word: str) -> str | None:
        """Return the code a word means: an exact code, else a code, a label or an alias in any case; else None."""
        if word in self._labels[directory]:
            return word
        return self._words[directory].get(_bare(word))


def to_code(directory: str, word: str) -> str | None:
    """Return the code that a word means in one of our own directories, or None.

    Raises: KeyError when there is no such directory.
    """
    return CodeDirectories.load().to_code(directory, word)


def _bare(word: str) -> str:
    """Return a word as it is compared: in one case, without prefix, spaces, hyphens and underscores."""
    return "".join(word.rsplit(":", 1)[-1].replace("_", " ").replace("-", " ").split()).casefold()


@lru_cache(maxsize=8)
def _load(path: Path) -> CodeDirectories:
    from ruamel.yaml import YAML

    return CodeDirectories(YAML(typ="safe").load(path)["directories"])
