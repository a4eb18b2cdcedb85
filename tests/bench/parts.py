"""The parts of the bench: each puts load on something and returns lines of the table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from tests.bench.calls import steps_of
from tests.bench.growth import facts_settings, patient_settings
from tests.bench.running import Bench, Contender, Result, median_ratio, middle, percentile
from tests.bench.stand import LARGE_HOUSEHOLDS

DELAY_MS: Final = 10.0
"""How long registries wait before an answer where latency is measured."""
SLOW_MS: Final = 3000.0
"""How long they wait where questions are to pile up."""
IN_FLIGHT: Final = 1000


class Line(NamedTuple):
    """One line of the table."""

    part: str
    what: str
    measured: str
    budget: str = ""
    holds: bool | None = None
    """Whether the budget is kept; None where there is none."""


def cold(bench: Bench) -> Iterator[Line]:
    """Questions that no cache helps: against the bare peer making the same calls."""
    hearths, bare = bench.hearths(), bench.bare()
    found = bench.interleaved([*hearths, bare])
    for hearth in hearths:
        ours, theirs = found[hearth.name], found["bare"]
        _same_calls(ours, theirs)
        rate, least, most = median_ratio(_rates(ours), _rates(theirs))
        yield Line(
            "cold",
            f"questions per second, {hearth.name} against bare aiohttp",
            f"{rate:.2f} ({least:.2f} to {most:.2f}); {middle(ours, 'rate'):.0f} against {middle(theirs, 'rate'):.0f}",
            "0.75",
            rate >= 0.75,
        )
        cpu, least, most = median_ratio([r.cpu_ms for r in ours], [r.cpu_ms for r in theirs])
        yield Line(
            "cold",
            f"CPU per question, {hearth.name} against bare aiohttp",
            f"{cpu:.2f} ({least:.2f} to {most:.2f}); "
            f"{middle(ours, 'cpu_ms'):.2f} ms against {middle(theirs, 'cpu_ms'):.2f} ms",
        )
        size = f"{ours[0].calls:.1f} and {theirs[0].calls:.1f} calls, {ours[0].bytes} and {theirs[0].bytes} B"
        yield Line("cold", f"calls per question and size of the answer, {hearth.name} and bare", size)


def _rates(results: list[Result]) -> list[float]:
    return [result.rate for result in results]


def _cpu(results: list[Result]) -> list[float]:
    return [result.cpu_ms for result in results]


def _same_calls(ours: list[Result], theirs: list[Result]) -> None:
    """Refuse to compare what did not make the same calls.

    Raises: RuntimeError.
    """
    for mine, other in zip(ours, theirs, strict=True):
        if abs(mine.calls - other.calls) > 0.05 * other.calls:
            raise RuntimeError(
                f"not the same calls: {mine.calls:.2f} a question against {other.calls:.2f}; "
                "give more --households if the second number is the larger"
            )


def peers(bench: Bench) -> Iterator[Line]:
    """Against FastAPI with httpx as one would write it, and against one call per member and registry."""
    hearth = bench.gateway()
    rivals = {
        "FastAPI with httpx, same calls": (bench.fastapi(), 6.0),
        "FastAPI with httpx, one call per member and registry": (bench.fastapi("fastapi-single", single=True), 25.0),
        "bare aiohttp, one call per member and registry": (bench.bare("bare-single", single=True), None),
    }
    there = [contender for contender, _ in rivals.values() if contender is not None]
    # httpx does worse the more calls are in flight, so the FastAPI peers run with few and with many; their best counts.
    more = {"seconds": max(5.0, bench.options.seconds), "rounds": min(3, bench.options.rounds)}
    runs = [bench.interleaved([hearth, *there], connections=count, **more) for count in (4, bench.options.connections)]
    ours = _best(runs, "hearth")
    for what, (contender, least) in rivals.items():
        budget = "" if least is None else f"{least:.0f}"
        if contender is None:
            yield Line("peers", what, "skipped: the peer could not be installed", budget)
            continue
        theirs = _best(runs, contender.name)
        rate, rival = middle(ours, "rate"), middle(theirs, "rate")
        yield Line(
            "peers",
            f"questions per second against {what}",
            f"{rate / rival:.1f}; {rate:.0f} against {rival:.0f} with {theirs[0].calls:.0f} calls",
            budget,
            None if least is None else rate / rival >= least,
        )


def _best(runs: list[dict[str, list[Result]]], name: str) -> list[Result]:
    """Return the results of the number of connections that suits a contender best.

    Raises: RuntimeError when it answered nothing at all.
    """
    best = max((run[name] for run in runs), key=lambda results: middle(results, "rate"))
    if not middle(best, "rate"):
        raise RuntimeError(f"{name} answered nothing in time")
    return best


def latency(bench: Bench) -> Iterator[Line]:
    """Open loop at half of what each can do; latency from the moment a question was meant to leave."""
    depth = _depth(bench.asked_once()[0])
    contenders = [*bench.hearths(), bench.bare()]
    bench.country(delay_ms=DELAY_MS)
    try:
        most = bench.interleaved(contenders, rounds=1, connections=2 * bench.options.connections)
        above: dict[str, list[tuple[float, float]]] = {contender.name: [] for contender in contenders}
        late_ms: list[float] = []
        for turn in range(bench.options.rounds):
            for contender in contenders:
                rate = most[contender.name][0].rate / 2
                result = bench.measure(contender, rate=rate, connections=512, warmup_s=2.0)
                late_ms.append(result.late_ms)
                own = depth * result.own_ms
                middle_ms, last_ms = (percentile(result.latencies_ms, share) - own for share in (0.5, 0.99))
                above[contender.name].append((middle_ms, last_ms))
            bench.say(f"round {turn + 1}: " + ", ".join(f"{n} {a[-1][0]:.1f} ms" for n, a in above.items()))
    finally:
        bench.country(delay_ms=0)
    for name, limit, place in (("median", 3.0, 0), ("p99", 15.0, 1)):
        control = statistics.median(pair[place] for pair in above["bare"])
        for hearth in bench.hearths():
            ms = statistics.median(pair[place] for pair in above[hearth.name])
            yield Line(
                "latency",
                f"{name} above the registries' own time at half load, {hearth.name}",
                f"{ms:.1f} ms at {most[hearth.name][0].rate / 2:.0f}/s (bare aiohttp: {control:.1f} ms at "
                f"{most['bare'][0].rate / 2:.0f}/s; the load itself late by {statistics.median(late_ms):.1f} ms)",
                f"{limit:.0f} ms",
                ms <= limit,
            )


def _depth(plan: str) -> int:
    """Return how many answers follow one another on the longest way through a plan."""
    steps = steps_of(plan)
    behind: dict[int, int] = {}
    for step in steps:
        behind[step.number] = 1 + max((behind.get(number, 0) for number in step.after), default=0)
    first = max((behind[s.number] for s in steps if not s.is_for_everyone), default=0)
    return first + max((behind[s.number] for s in steps if s.is_for_everyone), default=0)


def warm(bench: Bench) -> Iterator[Line]:
    """Answers from warm source records, against bare aiohttp sending a stored body of that size."""
    hearths, stored = bench.hearths(), bench.bare()._replace(path="/stored")
    found = bench.interleaved([*hearths, stored], cold=False, households=(0, 50))
    for hearth in hearths:
        ours, theirs = found[hearth.name], found["bare"]
        ratio, least, most = median_ratio(_rates(ours), _rates(theirs))
        yield Line(
            "warm",
            f"answers from warm source records against a stored body, {hearth.name}",
            f"{ratio:.3f} ({least:.3f} to {most:.3f}); {middle(ours, 'rate'):.0f} against "
            f"{middle(theirs, 'rate'):.0f}, {ours[0].bytes} and {theirs[0].bytes} B",
            "0.25",
            ratio >= 0.25,
        )
        ratio, least, most = median_ratio([r.cpu_ms for r in ours], [r.cpu_ms for r in theirs])
        yield Line(
            "warm",
            f"CPU per warm answer, {hearth.name} against a stored body",
            f"{ratio:.1f} ({least:.1f} to {most:.1f}); {middle(ours, 'cpu_ms'):.3f} ms against "
            f"{middle(theirs, 'cpu_ms'):.3f} ms",
        )


def memory(bench: Bench) -> Iterator[Line]:
    """Memory that questions in flight take, while every registry is slow."""
    settings = {"cache.max_age_s": 0, **patient_settings(bench.folder)}
    for name in ("hearth", "bare"):
        contender = bench.gateway("patient", settings) if name == "hearth" else bench.bare("bare-memory")
        bench.measure(contender, seconds=2.0, connections=64)
        bench.country(delay_ms=SLOW_MS)
        try:
            result = bench.measure(
                contender, connections=IN_FLIGHT, warmup_s=0.0, seconds=20.0, drain_s=0.0, sample_memory=True
            )
        finally:
            bench.country(delay_ms=0)
            bench.drop(contender)
        mib = result.grown_bytes / 2**20 * 1000 / max(1, result.in_flight)
        limited = name == "hearth"
        yield Line(
            "memory",
            f"memory per 1,000 questions in flight, {name}",
            f"{mib:.0f} MiB ({result.in_flight} in flight)",
            "200 MiB" if limited else "",
            mib <= 200 if limited else None,
        )


def processes(bench: Bench) -> Iterator[Line]:
    """Two processes on one port against one, load and registries on the same cores."""
    pairs = {
        "hearth": (bench.gateway("one"), bench.gateway("two", workers=2)),
        "bare": (bench.bare(), bench.bare("bare-two", count=2)),
    }
    flat = [contender for pair in pairs.values() for contender in pair]
    found = bench.interleaved(flat, connections=4 * bench.options.connections)
    for name, (one, two) in pairs.items():
        ratio, least, most = median_ratio(_rates(found[two.name]), _rates(found[one.name]))
        limited = name == "hearth"
        yield Line(
            "processes",
            f"two processes against one, {name}",
            f"{ratio:.2f} ({least:.2f} to {most:.2f}); {middle(found[two.name], 'busy'):.2f} cores busy with two",
            "1.5" if limited else "",
            ratio >= 1.5 if limited else None,
        )
        cpu, least, most = median_ratio(_cpu(found[two.name]), _cpu(found[one.name]))
        yield Line(
            "processes",
            f"CPU per question, two processes against one, {name}",
            f"{cpu:.2f} ({least:.2f} to {most:.2f})",
        )
    for contender in (*pairs["hearth"], pairs["bare"][1]):
        bench.drop(contender)


def members(bench: Bench) -> Iterator[Line]:
    """What a question costs as households grow."""
    contenders = [bench.gateway(), bench.bare()]
    sizes = (2, 5, 10, 20)
    yield from _growth(
        bench,
        "members",
        sizes,
        dict.fromkeys(sizes, contenders),
        lambda size: bench.country(members=size),
        lambda: bench.country(members=5),
    )


def registries(bench: Bench) -> Iterator[Line]:
    """What a question costs as registries are added, each with one attribute of everybody."""
    counts = (2, 5, 10, 20)
    contenders: dict[int, list[Contender]] = {}
    for count in counts:
        settings, agreement = facts_settings(bench.folder, count)
        contenders[count] = [bench.gateway(f"registries-{count}", settings, agreement=agreement)]
    yield from _growth(bench, "registries", counts, contenders, lambda _: None, lambda: None)
    for one in contenders.values():
        bench.drop(one[0])


def _growth(
    bench: Bench,
    part: str,
    numbers: tuple[int, ...],
    contenders: Mapping[int, list[Contender]],
    before: Callable[[int], None],
    after: Callable[[], None],
) -> Iterator[Line]:
    costs: dict[str, dict[int, list[Result]]] = {}
    try:
        for turn in range(bench.options.rounds):
            for number in numbers:
                before(number)
                for contender in contenders[number]:
                    half = LARGE_HOUSEHOLDS // 2
                    result = bench.measure(
                        contender,
                        households=(turn % 2 * half, half),
                        warmup_s=0.5,
                        seconds=min(2.0, bench.options.seconds),
                    )
                    name = contender.name.partition("-")[0].replace("registries", "hearth")
                    costs.setdefault(name, {}).setdefault(number, []).append(result)
            bench.say(f"round {turn + 1} of {part} done")
    finally:
        after()
    for name, by_number in costs.items():
        cpu = {number: middle(results, "cpu_ms") for number, results in by_number.items()}
        low, high = numbers[0], numbers[-1]
        power = math.log(cpu[high] / cpu[low]) / math.log(high / low)
        each = ", ".join(f"{number}: {ms:.2f} ms" for number, ms in cpu.items())
        limited = name == "hearth"
        yield Line(
            part,
            f"CPU per question by number of {part}, {name}",
            f"{each}; grows with the power {power:.2f}",
            "1.0 (linear)" if limited else "",
            power <= 1.0 if limited else None,
        )


def journal(bench: Bench) -> Iterator[Line]:
    """The journal beside the path without it: what a durable, signed, copied entry takes of throughput and latency."""
    every = bench.gateway("journal-all", without="nothing")
    copied = {"journal.copy_file": str(bench.folder / "journal-copy" / "journal.jsonl"), "journal.checkpoint_s": 1.0}
    with_copy = bench.gateway("journal-copied", copied, without="nothing")
    without = bench.gateway("journal-none", without="journal")
    for warmth, more in (("cold", {}), ("warm", {"cold": False, "households": (0, 50)})):
        found = bench.interleaved([every, with_copy, without], **more)
        for what, contender in (("journal", every), ("journal with a copy and a checkpoint a second", with_copy)):
            ratio, least, most = median_ratio(_rates(found[contender.name]), _rates(found[without.name]))
            yield Line(
                "journal",
                f"questions per second with {what} against without, {warmth}",
                f"{ratio:.2f} ({least:.2f} to {most:.2f}); {middle(found[contender.name], 'rate'):.0f} against "
                f"{middle(found[without.name], 'rate'):.0f}",
            )
            cpu, least, most = median_ratio(_cpu(found[contender.name]), _cpu(found[without.name]))
            yield Line(
                "journal",
                f"CPU per question with {what} against without, {warmth}",
                f"{cpu:.2f} ({least:.2f} to {most:.2f}); {middle(found[contender.name], 'cpu_ms'):.2f} ms against "
                f"{middle(found[without.name], 'cpu_ms'):.2f} ms",
            )
    for contender in (every, with_copy, without):
        bench.drop(contender)


def duties(bench: Bench) -> Iterator[Line]:
    """What each guarantee costs: the gateway with one of them switched off, beside the gateway with all."""
    names = ("token", "admit", "decide", "compose", "minimise", "journal")
    every = bench.gateway("all", without="nothing")
    signed = bench.gateway("signed", {"sign_answers": True})
    others = {name: bench.gateway(f"without-{name}", without=name) for name in names}
    found: dict[str, list[Result]] = {}
    # Many short runs: what one duty costs is less than what a busy machine gives and takes within seconds.
    short = {"warmup_s": 0.3, "seconds": min(1.2, bench.options.seconds)}
    for turn in range(2 * bench.options.rounds):
        contenders = [every, *others.values(), signed]
        for contender in contenders if turn % 2 else contenders[::-1]:
            more = {"bodies": bench.signed_questions(1500)} if contender is signed else {}
            found.setdefault(contender.name, []).append(bench.measure(contender, **short, **more))
        bench.say(f"round {turn + 1}: " + ", ".join(f"{n} {r[-1].cpu_ms:.2f} ms" for n, r in found.items()))
    whole = [result.cpu_ms for result in found["all"]]
    for name, contender in others.items():
        share = _shares(whole, [result.cpu_ms for result in found[contender.name]])
        yield Line("duties", f"share of CPU that goes when `{name}` is switched off", share)
    share = _shares([result.cpu_ms for result in found["signed"]], whole)
    yield Line("duties", "share of CPU that comes on top when messages and answers are signed", share)
    rate, least, most = median_ratio(_rates(found["signed"]), _rates(found["all"]))
    yield Line("duties", "questions per second, signed against unsigned", f"{rate:.2f} ({least:.2f} to {most:.2f})")
    for contender in (every, signed, *others.values()):
        bench.drop(contender)


def _shares(more: list[float], less: list[float]) -> str:
    """Return by how much less costs less than more, in percent."""
    shares = sorted(100 * (1 - low / high) for high, low in zip(more, less, strict=True))
    return f"{statistics.median(shares):.0f} % ({shares[0]:.0f} to {shares[-1]:.0f})"


def capacity(bench: Bench) -> Iterator[Line]:
    """What the registries and the load can do by themselves, so that neither is what is measured."""
    contender = Contender(
        "registries",
        int(bench.addresses["crvs"].rpartition(":")[2]),
        (bench.registries.pid,),
        {"Content-Type": "application/json"},
    )
    item = '{"reference_id":"%d","search_criteria":{"reg_record_type":"Person","query":{"type":"UIN","value":"2@@@@@%02d00"}}}'
    body = '{"message":{"transaction_id":"t","search_request":[' + ",".join(item % (n, n) for n in range(5)) + "]}}"
    result = bench.measure(contender, bodies=[body])
    calls = len(steps_of(bench.asked_once()[0]))
    yield Line(
        "capacity",
        "what one process of registries answers, messages about five people",
        f"{result.rate:.0f}/s, enough for {result.rate / calls:.0f} questions per second of {calls} calls",
    )


PARTS: Final[Mapping[str, Callable[[Bench], Iterator[Line]]]] = {
    "capacity": capacity,
    "cold": cold,
    "peers": peers,
    "warm": warm,
    "latency": latency,
    "memory": memory,
    "processes": processes,
    "members": members,
    "registries": registries,
    "duties": duties,
    "journal": journal,
}
