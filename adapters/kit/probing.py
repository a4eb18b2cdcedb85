"""The probe of a live registry: how it answers, measured politely, with what to do about each finding."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from adapters.kit import probe_checks as checks
from adapters.kit.changes import schema_digest
from adapters.kit.checking import needs_gateway
from adapters.kit.findings import Finding
from adapters.kit.probe_calls import MOST_REQUESTS, UNKNOWN, Caller, StoppedError
from adapters.kit.report import Latency, ProbeReport
from adapters.kit.standing import read_first, standing_findings
from adapters.kit.transport import transport_findings
from adapters.kit.watching import opened
from adapters.manifest import NoAuth
from standards.errors import ConfigurationError
from standards.identifiers import identifier
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adapters.manifest import Lookup, Manifest
    from adapters.ports import Record
    from standards.identifiers import Identifier

CALLS: Final = 20
"""Calls that the latency is taken from."""
PER_S: Final = 10.0
MOST_NUMBERS: Final = 500


class Terms(NamedTuple):
    """How a probe is run."""

    numbers: Sequence[Identifier] = ()
    """People whom the registry knows, for what can only be seen of them."""
    calls: int = CALLS
    per_s: float = PER_S
    """Requests per second; the manifest's own pace where that is slower."""
    exempt: str | None = None
    """Why the readiness list exempts the registry from `minimal`."""
    most_requests: int = MOST_REQUESTS
    """Requests after which it goes no further."""


async def probe(manifest: Manifest, environment: Mapping[str, str], terms: Terms) -> ProbeReport:
    """Return what is found of a registry at its address.

    Raises: ConfigurationError when it cannot be asked from here: a reference is missing, or it answers gateways only.
    """
    if (why := needs_gateway(manifest)) is not None:
        raise ConfigurationError(f"registry {manifest.id}: {why}, which needs a running gateway")
    lookup = _lookup(manifest, terms.numbers)
    now = datetime.now(UTC)
    findings = [] if manifest.hours is None or manifest.hours.is_open(now) else [_CLOSED]
    async with opened(manifest, environment) as line:
        pace = min(terms.per_s, manifest.limits.pace_per_s or terms.per_s)
        caller = Caller(manifest, lookup, line, pace, terms.most_requests)
        if caller.watch is not None:
            findings += await transport_findings(manifest, environment)
        await read_first(line.adapter)
        first = await caller.ask([UNKNOWN])
        findings.append(checks.of_unknown(first))
        findings += await standing_findings(manifest, line.adapter)
        if first.failed in (UnavailableReason.SOURCE_DOWN, UnavailableReason.SOURCE_REFUSED):
            return _report(manifest, caller, findings, now)
        seen = _Seen()
        try:
            await _try(caller, terms, findings, seen, now)
        except StoppedError as error:
            findings.append(Finding("stopped", False, f"{error}: nothing more was asked", _AGAIN))
            return _report(manifest, caller, findings, now, latency=_latency(caller))
    findings.append(await _strangers(caller, environment))
    return _report(manifest, caller, findings, now, latency=seen.latency, coverage=seen.coverage)


class _Seen:
    """What a probe measures beside its findings."""

    latency: Latency | None = None
    coverage: Mapping[str, float] = {}


async def _try(caller: Caller, terms: Terms, findings: list[Finding], seen: _Seen, now: datetime) -> None:
    """Try everything that takes calls, one thing after the other; what would tire a registry comes last.

    Raises: StoppedError when the registry is asked no further.
    """
    known = list(dict.fromkeys(one.value for one in terms.numbers if one.type == caller.lookup.by[0]))[:MOST_NUMBERS]
    caller.has_numbers = bool(known)
    single = await _one_by_one(caller, known, terms.calls)
    if known:
        findings.append(checks.of_known(caller.outcomes[1 : 1 + len(known[: terms.calls])]))
    findings.append(_waiting(caller))
    seen.latency = _latency(caller)
    findings.append(await checks.of_malformed(caller))
    findings += await checks.of_batches(caller, single)
    findings.append(await checks.of_pages(caller, known, single))
    findings += await checks.of_privacy(caller, [n for n, one in single.items() if one is not None], terms.exempt)
    records = [*_records(single), *await _rest(caller, known[terms.calls :])]
    seen.coverage, of_coverage = checks.of_coverage(caller, records)
    findings += [*of_coverage, _fresh(caller, records, now)]
    findings.append(await checks.of_concurrency(caller))


def read_numbers(text: str, manifest: Manifest) -> list[Identifier]:
    """Return the numbers of a file: one a line, `TYPE VALUE` or `TYPE,VALUE`, or values of the first type asked by.

    Raises: ConfigurationError that names the line, and never what stands there.
    """
    types = {type_ for lookup in manifest.lookups for type_ in lookup.by}
    first = next((type_ for lookup in manifest.lookups for type_ in lookup.by), "")
    found = []
    for at, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#"):
            continue
        type_, value = (words[0], words[1]) if len(words) == 2 else (first, words[0])
        try:
            one = identifier(type_, value)
        except ValueError:
            one = None
        if one is None or len(words) > 2 or one.type not in types:
            known = ", ".join(sorted(types))
            raise ConfigurationError(f"numbers: line {at}: write `TYPE VALUE`, of a type that it is asked by: {known}")
        found.append(one)
    return found


def _lookup(manifest: Manifest, numbers: Iterable[Identifier]) -> Lookup:
    """Return the lookup that is probed: the first one that takes the first number, or the first of all."""
    by_number = [lookup for lookup in manifest.lookups if lookup.by]
    if not by_number:
        raise ConfigurationError(f"registry {manifest.id}: no lookup takes a number; probe one that does")
    first = next(iter(numbers), None)
    return next((one for one in by_number if first is not None and one.by[0] == first.type), by_number[0])


async def _one_by_one(caller: Caller, known: Sequence[str], calls: int) -> dict[str, Record | None]:
    """Ask about one person after the other: those known, then nobody again until the calls are made."""
    said: dict[str, Record | None] = {}
    for number in known[:calls]:
        outcome = await caller.ask([number])
        if outcome.failed is None:
            said[number] = next(iter(outcome.records.values()))
    for _ in range(calls - len(known[:calls])):
        await caller.ask([UNKNOWN])
    return said


async def _rest(caller: Caller, numbers: Sequence[str]) -> list[Record]:
    found: list[Record] = []
    for at in range(0, len(numbers), caller.lookup.batch):
        found += (await caller.ask(numbers[at : at + caller.lookup.batch])).found
    return found


def _records(said: Mapping[str, Record | None]) -> list[Record]:
    return [record for record in said.values() if record is not None]


def _waiting(caller: Caller) -> Finding:
    limit_s = caller.manifest.limits.timeout_s
    late = [one for one in caller.outcomes if one.failed is UnavailableReason.SOURCE_TIMEOUT]
    if late:
        remedy = "Make it faster, or agree on a longer `limits.timeout_s`."
        text = f"{len(late)} of {len(caller.outcomes)} calls took longer than {limit_s:g} s"
        return Finding("latency", False, text, remedy)
    slowest_s = max((one.seconds for one in caller.outcomes), default=0.0)
    remedy = "Agree on a longer `limits.timeout_s`: the slowest call came close to it."
    text = f"the slowest of {len(caller.outcomes)} calls took {slowest_s * 1000:.0f} ms of {limit_s * 1000:.0f}"
    return Finding("latency", slowest_s < limit_s * 0.9, text, remedy)


def _fresh(caller: Caller, records: Sequence[Record], now: datetime) -> Finding:
    freshness = caller.manifest.freshness
    dated = [record.as_of for record in records if record.as_of]
    if not records:
        return Finding("freshness", None, caller.lacks)
    if not dated:
        return Finding("freshness", None, "no record says as of when it holds")
    if freshness is None:
        return Finding("freshness", None, f"no lag is declared; the newest record is {_age(max(dated), now)}")
    is_met = any(freshness.is_met(one, now) for one in dated)
    text = f"the newest of {len(dated)} records is {_age(max(dated), now)}; {freshness.max_lag_h:g} h declared"
    return Finding("freshness", is_met, text, "Bring it up to date, declare the true lag, or probe more numbers.")


def _age(as_of: str, now: datetime) -> str:
    """Return about how old something is: the day itself stands in somebody's record."""
    days = (now.date() - date.fromisoformat(as_of[:10])).days
    if days <= _RECENT_DAYS:
        return "of today" if days <= 0 else f"{days} days old"
    return f"some {round(days / 7)} weeks old" if days < _LONG_DAYS else f"some {round(days / 365.25, 1):g} years old"


async def _strangers(caller: Caller, environment: Mapping[str, str]) -> Finding:
    """Ask without credentials, which must be refused."""
    manifest = caller.manifest
    if isinstance(manifest.connection.auth, NoAuth):
        known = "none are sent to it: `connection.auth` names none"
        if manifest.xroad is not None:
            known = "none are sent to it: the security servers know who asks"
        return Finding("without credentials", None, known)
    bare = manifest.connection.model_copy(update={"auth": NoAuth()})
    async with opened(manifest.model_copy(update={"connection": bare}), environment) as line:
        stranger = Caller(manifest, caller.lookup, line, PER_S)
        outcome = await stranger.ask([UNKNOWN])
    caller.add(stranger)
    if outcome.failed is UnavailableReason.SOURCE_REFUSED:
        return Finding("without credentials", True, "refused")
    remedy = "Answer 401 to whoever brings no credentials."
    said = "answered" if outcome.failed is None else f"{outcome.failed}, not refused"
    return Finding("without credentials", False, said, remedy)


def _latency(caller: Caller) -> Latency | None:
    taken = sorted(caller.watch.seconds if caller.watch else [o.seconds for o in caller.outcomes if o.failed is None])
    if not taken:
        return None
    # The nearest rank: the least time within which at least that share of the calls was answered.
    p50, p90, p99 = (round(taken[math.ceil(len(taken) * share) - 1] * 1000, 1) for share in _SHARES)
    return Latency(p50_ms=p50, p90_ms=p90, p99_ms=p99)


def _report(manifest: Manifest, caller: Caller, findings: Sequence[Finding], now: datetime, **seen: Any) -> ProbeReport:
    return ProbeReport(
        registry=manifest.id,
        title=manifest.title,
        version=manifest.version,
        schema_digest=schema_digest(manifest),
        at=now.replace(microsecond=0),
        requests=caller.requests,
        calls=caller.answered,
        findings=tuple(findings),
        **seen,
    )


_RECENT_DAYS: Final = 14
_LONG_DAYS: Final = 365
_SHARES: Final = (0.5, 0.9, 0.99)
_AGAIN: Final = "Let it recover, mend what is found above, and probe again, slower (`--per-s`) or with fewer numbers."
_CLOSED: Final = Finding("hours", None, "outside its hours: what is missing now may be there in them")
