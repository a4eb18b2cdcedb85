"""Changes of a message that was whole: what a careless, an old or a hostile sender makes of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson
from hypothesis import strategies as st

Path = tuple[str | int, ...]

STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.5, 1e308, 2**63, "", " ", "0", "1", "-1", "true", "null", [], {}, [[]], [None], {"": ""}),
    *("\x00", "\u202e", "\ud7ff", "é" * 40, "Z" * 100, "Z" * 40_000, "$ne", "../..", "%s%n", "'; --", "<script>"),
    *({"$ne": None}, {"value": {"value": {}}}, {"eq": {"eq": {}}}, {"type": "UIN", "value": ["x"]}, ["x"] * 300),
    *("Social", "Civil", "graphql", "NOSUCH", "search", "rjct", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59"),
    *("2026-02-30", "EN", "en", "https://169.254.169.254/", "http://[::1]/", "file:///etc/passwd", float(10**17)),
)  # fmt: skip
"""Values that stand where others were."""
NAMES = (
    "value",
    "type",
    "eq",
    "$and",
    "header",
    "message",
    "query",
    "consent",
    "transaction_id",
    "hearth:as_of",
    "@type",
)
"""Names that members are given."""
DEPTH = 3_000
"""So deep that whoever follows by calling itself runs out of stack."""


class Deep(NamedTuple):
    """A value inside so many lists or objects."""

    inner: Any
    is_list: bool


class Twice(NamedTuple):
    """An object one of whose members comes twice, which only text can say."""

    members: dict[str, Any]
    name: str
    again: Any


class Text(bytes):
    """What is sent; shown as far as somebody would read it."""

    def __repr__(self) -> str:
        return repr(self[:4_000])


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the way to every value inside another one."""
    inner: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, dict):
        inner = iter(value.items())
    elif isinstance(value, list):
        inner = iter(enumerate(value))
    for key, part in inner:
        yield (*path, key)
        yield from places(part, (*path, key))


WRONG: tuple[Any, ...] = (None, "", 7, [], {}, "wrong", ["wrong"], {"wrong": 1})
"""One value of every shape."""


def every_wrong(whole: dict[str, Any], part: str) -> Iterator[dict[str, Any]]:
    """Yield a message for every single place below one of its members, left out and in every wrong shape."""
    for way in [(part, *path) for path in places(whole[part])]:
        *owners, key = way
        for value in (*WRONG, Ellipsis):
            changed = copy.deepcopy(whole)
            owner = at(changed, tuple(owners))
            if value is Ellipsis:
                del owner[key]
            else:
                owner[key] = value
            yield changed


def at(value: Any, path: Path) -> Any:
    """Return what stands at a place."""
    for key in path:
        value = value[key]
    return value


def _replaced(owner: Any, key: Any, draw: Callable[..., Any]) -> None:
    owner[key] = copy.deepcopy(draw(st.sampled_from(STRANGE)))


def _dropped(owner: Any, key: Any, draw: Callable[..., Any]) -> None:
    del owner[key]


def _retyped(owner: Any, key: Any, draw: Callable[..., Any]) -> None:
    value = owner[key]
    ways = [
        lambda: [value],
        lambda: {"value": value},
        lambda: str(value),
        lambda: [value, value],
        lambda: len(str(value)),
    ]
    owner[key] = draw(st.sampled_from(ways))()


def _reworded(owner: Any, key: Any, draw: Callable[..., Any]) -> None:
    value = owner[key]
    if not isinstance(value, str):
        return _retyped(owner, key, draw)
    ways = (
        str.upper,
        str.title,
        lambda s: f" {s}\t",
        lambda s: s * 30,
        lambda s: s[::-1],
        lambda s: s[:-1],
        lambda s: f"x:{s}",
    )
    owner[key] = draw(st.sampled_from(ways))(value)
    return None


def _renamed(owner: Any, key: Any, draw: Callable[..., Any]) -> None:
    if isinstance(owner, dict):
        owner[draw(st.sampled_from((*NAMES, str(key).upper(), f"{key}s", f"x:{key}", "")))] = owner.pop(key)


def _doubled(owner: Any, key: Any, draw: Callable[..., Any]) -> None:
    if isinstance(owner, list):
        owner.insert(key, copy.deepcopy(owner[key]))
    elif isinstance(owner[key], dict) and owner[key]:
        inner = draw(st.sampled_from(sorted(owner[key])))
        owner[key] = Twice(owner[key], inner, draw(st.sampled_from((owner[key][inner], None, "x", {}))))


def _buried(owner: Any, key: Any, draw: Callable[..., Any]) -> None:
    owner[key] = Deep(owner[key], draw(st.booleans()))


def _moved(owner: Any, key: Any, draw: Callable[..., Any]) -> None:
    if isinstance(owner, dict):
        other = draw(st.sampled_from(sorted(owner)))
        owner[key], owner[other] = owner[other], owner[key]


CHANGES = (
    _replaced,
    _replaced,
    _replaced,
    _dropped,
    _dropped,
    _retyped,
    _reworded,
    _renamed,
    _doubled,
    _buried,
    _moved,
)


@st.composite
def mutated(draw: st.DrawFn, whole: dict[str, Any], most: int = 3) -> Text:
    """Draw the text of a message that differs in one to so many places."""
    changed: Any = {"": copy.deepcopy(whole)}
    for _ in range(draw(st.integers(1, most))):
        found = [p for p in places(changed) if len(p) > 1 or draw(st.integers(0, 20)) == 0]
        if not found:
            break
        *way, key = draw(st.sampled_from(found))
        draw(st.sampled_from(CHANGES))(at(changed, tuple(way)), key, draw)
    text = written(changed.get("", changed)) if isinstance(changed, dict) else b"null"
    cut = draw(st.integers(0, 40))
    if cut == 0:
        text = text[: draw(st.integers(0, len(text)))]
    elif cut == 1:
        text = draw(
            st.sampled_from((b"\xef\xbb\xbf" + text, text + b"}", b"[" + text + b"]", b"\xff" + text, text + b"\x00"))
        )
    return Text(text)


def written(value: Any) -> bytes:
    """Return the JSON text of a message, with what no JSON library would write."""
    if isinstance(value, Deep):
        before, after = (b"[", b"]") if value.is_list else (b'{"value":', b"}")
        return before * DEPTH + written(value.inner) + after * DEPTH
    if isinstance(value, Twice):
        members = [(name, part) for name, part in value.members.items()]
        return _object([*members, (value.name, value.again)])
    if isinstance(value, dict):
        return _object(list(value.items()))
    if isinstance(value, list):
        return b"[" + b",".join(map(written, value)) + b"]"
    return orjson.dumps(value)


def _object(members: list[tuple[str, Any]]) -> bytes:
    return b"{" + b",".join(orjson.dumps(str(name)) + b":" + written(part) for name, part in members) + b"}"
