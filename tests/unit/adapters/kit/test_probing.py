"""The probe says what a registry does, each thing by its finding, asks politely, and tells nothing of anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.generic.xroad.options import XRoadOptions
from adapters.kit import probing
from adapters.kit.probe_calls import MOST_UNANSWERED, UNKNOWN
from adapters.kit.probing import Terms, probe, read_numbers
from adapters.kit.watching import Opened, Watch
from adapters.manifest import Connection, Lookup
from adapters.ports import Deadline, Record, Response, SourceAnswer
from adapters.terms import Freshness
from adapters.transport.connection import BearerAuth
from standards.errors import ConfigurationError, SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.identifiers import Identifier
from standards.states import UnavailableReason
from tests import virtual_time
from tests.unit.adapters.builders import small_manifest

DOWN = SourceUnavailableError("probe", UnavailableReason.SOURCE_DOWN)
BUSY = SourceUnavailableError("probe", UnavailableReason.SOURCE_BUSY, retry_after_s=30)
STRANGER = SourceContractError("probe", reason=UnavailableReason.WRONG_SUBJECT)
KNOWN = tuple(f"200000{n:04d}" for n in range(1, 7))
NUMBERS = tuple(Identifier("UIN", number) for number in KNOWN)
TODAY = datetime.now(UTC).date()
LOOKUP = Lookup(name="person", by=("UIN",), batch=4, identifiers=("UIN", "TIN"), attributes=("surname", "sex"))


class Registry:
    """An adapter over a handful of people, which behaves as a test tells it to."""

    def __init__(self, **behaviour):
        self.manifest = small_manifest(lookups=(LOOKUP,), limits={"timeout_s": 2, "max_in_flight": 3}, **behaviour)
        self.asked: list[tuple[str, ...]] = []
        self.names: list[frozenset[str]] = []
        self.at: list[float] = []
        self.now = self.most_at_once = 0
        self.about: Callable[..., Any] = self.after_a_moment
        self.said: Callable[..., Any] = self.truly
        self.without: Callable[..., Registry] = lambda _: self

    async def fetch(self, request, deadline: Deadline):
        """Answer one call."""
        numbers = tuple(one.value for one in request.subjects)
        self.asked.append(numbers)
        self.names.append(request.names)
        self.at.append(asyncio.get_running_loop().time())
        self.now += 1
        self.most_at_once = max(self.now, self.most_at_once)
        try:
            return SourceAnswer({one: self.said(one, numbers) for one in await self.about(request.subjects)})
        finally:
            self.now -= 1

    async def after_a_moment(self, subjects):
        """Return whom it answers about; it takes ten milliseconds."""
        await asyncio.sleep(0.01)
        return subjects

    def truly(self, one, numbers):
        """Return the record of one person; nothing of whom it does not know."""
        if one.value not in KNOWN:
            return None
        stated = {"UIN": one.value} | ({"TIN": f"9{one.value}"} if one.value != KNOWN[0] else {})
        return Record(stated, {"surname": f"Family of {one.value}"}, as_of=TODAY.isoformat())


def probed(registry, *, terms=None, environment=None, monkeypatch):
    """Run a probe of it, in no time; return its report and findings by name."""

    @asynccontextmanager
    async def opened(manifest, _environment):
        yield Opened(registry.without(manifest), None)

    monkeypatch.setattr(probing, "opened", opened)
    asked = terms or Terms(NUMBERS, calls=8, per_s=100)
    report = virtual_time.run(lambda _: probe(registry.manifest, environment or {}, asked))
    return report, {one.what: one for one in report.findings}


@pytest.fixture
def run(monkeypatch):
    """Return `probed` for this test."""
    return lambda registry, **more: probed(registry, monkeypatch=monkeypatch, **more)


def bad(found):
    """Return the names of what is wrong."""
    return {name for name, one in found.items() if one.is_good is False}


def test_a_registry_in_order_passes(run):
    """Everything is tried, nothing is wrong, and every call is counted."""
    registry = Registry(freshness=Freshness(max_lag_h=48), coverage={"TIN": 0.8})
    report, found = run(registry)

    assert report.passed
    assert {name for name, one in found.items() if one.is_good} == {
        *("unknown number", "known numbers", "latency", "malformed numbers", "batch", "one more", "pages"),
        *("other people", "at once"),
        *("records with UIN", "records with TIN", "freshness"),
    }
    assert report.requests == report.calls == len(registry.asked)
    assert report.coverage == {"UIN": 1.0, "TIN": round(5 / 6, 4)}
    assert (report.latency.p50_ms, report.latency.p99_ms) == (10.0, 10.0)
    assert registry.most_at_once == 3


def test_the_report_says_nothing_of_anybody(run):
    """Neither a number, nor a name, nor the day of a record, in any of its forms."""
    from adapters.kit import report as forms
    from adapters.kit.tiers import Rating, Tier

    registry = Registry(freshness=Freshness(max_lag_h=1))
    registry.said = lambda one, _: Record({"UIN": one.value}, {"surname": "Moyo"}, as_of="2019-03-07")
    report, found = run(registry)
    rating = Rating(Tier.SILVER, ("a probe",))
    shown = [*forms.as_lines(report, rating), str(forms.as_json(report, rating)), forms.as_html(report, rating)]

    assert found["freshness"].is_good is False
    assert "years old" in found["freshness"].text
    assert [secret for secret in (*KNOWN, "Moyo", "2019-03") if secret in "".join(shown)] == []


def test_percentiles_are_by_nearest_rank(run):
    """Of ten calls of 10 to 100 ms, half take 50 or less, nine in ten 90 or less."""
    registry, taken = Registry(), iter(range(1, 200))

    async def about(subjects):
        await asyncio.sleep(next(taken) / 100 if len(registry.asked) <= 10 else 0.01)
        return subjects

    registry.about = about
    report, _ = run(registry, terms=Terms(NUMBERS, calls=9, per_s=100))

    assert (report.latency.p50_ms, report.latency.p90_ms, report.latency.p99_ms) == (50.0, 90.0, 100.0)


@pytest.mark.parametrize(
    ("seconds", "said"), [(1.95, "the slowest of 9 calls took 1950 ms of 2000"), (5, "calls took longer than 2 s")]
)
def test_a_registry_that_is_slow_is_told_so(run, seconds, said):
    """Close to its limit, or beyond it; one that never answers in time is left alone soon."""
    registry = Registry()

    async def about(subjects):
        await asyncio.sleep(seconds)
        return subjects

    registry.about = about
    report, found = run(registry)
    if seconds > 2:
        assert len(registry.asked) == MOST_UNANSWERED
        assert "5 calls in a row were not answered (source_timeout)" in found["stopped"].text
    else:
        assert said in found["latency"].text
    assert not report.passed


def test_calls_that_take_too_long_now_and_then_are_counted(run):
    """One in three."""
    registry = Registry()

    async def about(subjects):
        await asyncio.sleep(5 if len(registry.asked) in (3, 6) else 0.01)
        return subjects

    registry.about = about
    _, found = run(registry)

    assert found["latency"].text == "2 of 9 calls took longer than 2 s"
    assert bad(found) == {"latency", "known numbers"}


def test_somebody_who_is_held_by_a_number_of_nobody_is_a_finding(run):
    """And a malformed number that brings a record shows how the number is read."""
    registry = Registry()
    registry.said = lambda one, _: Record({"UIN": one.value}, {})
    _, found = run(registry)

    assert {"unknown number", "malformed numbers"} <= bad(found)
    assert found["malformed numbers"].text == "5 of 5 brought somebody's record"


def test_a_malformed_number_that_breaks_it_is_a_finding(run):
    """Refusing it is right."""
    registry = Registry()
    usual = registry.said

    def said(one, numbers):
        if "'" in one.value:
            raise DOWN
        if one.value not in KNOWN and one.value[:6] != "000000":
            raise SourceContractError("probe", "400")
        return usual(one, numbers)

    registry.said = said
    _, found = run(registry)

    assert bad(found) == {"malformed numbers"}
    assert found["malformed numbers"].text == "2 of 5: source_down"


@pytest.mark.parametrize(
    ("most", "wrong"),
    [(3, {"batch", "pages"}), (4, {"one more"})],
)
def test_an_answer_that_is_cut_off_at_a_limit_is_noticed(run, most, wrong):
    """Who is known comes last in the call: a registry that ignores whom it has no room for is caught."""
    registry = Registry()

    def said(one, numbers):
        return registry.truly(one, numbers) if numbers.index(one.value) < most else None

    registry.said = said
    _, found = run(registry)

    assert bad(found) == wrong
    assert "those whom it knows are missing" in found["batch" if most == 3 else "one more"].text


def test_who_is_known_comes_last_in_a_call_that_is_filled_up_with_nobody(run):
    """One number is enough to see that the fifth person of a call is forgotten."""
    registry = Registry()

    def said(one, numbers):
        return registry.truly(one, numbers) if numbers.index(one.value) < 4 else None

    registry.said = said
    _, found = run(registry, terms=Terms(NUMBERS[:1], calls=5, per_s=100))

    assert bad(found) == {"one more"}
    assert max(registry.asked, key=len)[-1] == KNOWN[0]


def test_one_more_than_the_batch_is_to_be_refused_and_not_to_break_it(run):
    """A refusal is good, an outage is not."""
    for error, is_good in ((SourceContractError("probe", "413"), True), (DOWN, False)):
        registry = Registry()

        def said(one, numbers, registry=registry, error=error):
            if len(numbers) > 4:
                raise error
            return registry.truly(one, numbers)

        registry.said = said
        _, found = run(registry)
        assert found["one more"].is_good is is_good


def test_a_batch_that_is_not_answered_is_a_finding(run):
    """With the reason."""
    registry = Registry()

    def said(one, numbers):
        if len(numbers) > 3:
            raise SourceContractError("probe", "status 413")
        return registry.truly(one, numbers)

    registry.said = said
    _, found = run(registry)

    assert found["batch"].text == "4 in a call: source_contract (status 413)"
    assert "one more" not in found


def test_a_registry_that_takes_one_person_in_a_call_is_not_asked_about_two(run):
    """There is nothing to cut, and nothing to compare."""
    registry = Registry()
    registry.manifest = registry.manifest.model_copy(update={"lookups": (LOOKUP.model_copy(update={"batch": 1}),)})
    report, found = run(registry)

    assert report.passed
    assert max(map(len, registry.asked)) == 1
    assert "one more" not in found
    assert found["pages"].text == "one person in a call: there is nothing to compare"


def test_people_that_are_mixed_up_in_a_call_about_several_are_noticed(run):
    """Everybody is found, with the record of somebody else."""
    registry = Registry()

    def said(one, numbers):
        at = (numbers.index(one.value) + 1) % len(numbers)
        other = registry.truly(Identifier("UIN", numbers[at]), numbers)
        own = registry.truly(one, numbers)
        return own._replace(values=other.values) if own and other else own

    registry.said = said
    _, found = run(registry)

    assert bad(found) == {"pages"}
    assert "another record came" in found["pages"].text


def test_calls_at_once_that_are_not_borne_are_a_finding(run):
    """As many as are declared."""
    registry = Registry()

    async def about(subjects):
        await asyncio.sleep(0.01)
        if registry.now > 2:
            raise BUSY
        return subjects

    registry.about = about
    _, found = run(registry)

    assert bad(found) == {"at once"}
    assert (
        found["at once"].text.startswith("1 of 3 calls at once: source_busy")
        or "3 calls at once" in found["at once"].text
    )


def test_records_of_other_people_are_a_finding(run):
    """Of so many answers."""
    registry = Registry()

    def said(one, numbers):
        if one.value == KNOWN[2] and len(numbers) == 1:
            raise STRANGER
        return registry.truly(one, numbers)

    registry.said = said
    _, found = run(registry)

    assert bad(found) == {"other people", "known numbers"}
    assert found["other people"].text.startswith("in 1 of ")
    assert found["known numbers"].text == "1 of 6 calls failed: wrong_subject"


@pytest.mark.parametrize("error", [DOWN, SourceRefusedError("probe", "status 401")])
def test_a_registry_that_is_not_there_or_refuses_is_asked_once(run, error):
    """There is nothing more to learn."""
    registry = Registry()

    def said(one, numbers):
        raise error

    registry.said = said
    report, found = run(registry)

    assert len(registry.asked) == 1
    assert bad(found) == {"unknown number"}
    assert report.latency is None


def test_a_registry_that_asks_to_be_left_alone_is(run):
    """For as long as it says; and after five times it is not asked again."""
    registry = Registry()

    def said(one, numbers):
        raise BUSY

    registry.said = said
    _, found = run(registry)

    assert len(registry.asked) == MOST_UNANSWERED
    assert min(later - sooner for sooner, later in zip(registry.at, registry.at[1:], strict=False)) >= 30
    assert "source_busy" in found["stopped"].text


def test_a_registry_that_fails_for_everybody_is_not_asked_many_times_at_once(run):
    """Whom it should know, and whom it should not: both are told."""
    registry = Registry()

    def said(one, numbers):
        raise SourceContractError("probe", "body: not JSON")

    registry.said = said
    _, found = run(registry)

    assert {"unknown number", "known numbers", "batch"} <= bad(found)
    assert found["at once"].is_good is None
    assert registry.most_at_once == 1


def test_a_record_that_breaks_the_manifest_is_a_finding(run):
    """Though nobody is answered as it should be."""
    registry = Registry()

    def said(one, numbers):
        if one.value in KNOWN:
            raise SourceContractError("probe", "surname: not a text")

    registry.said = said
    report, found = run(registry)

    assert found["known numbers"].text == "6 of 6 calls failed: source_contract (surname: not a text)"
    assert not report.passed


def test_a_defect_of_an_adapter_is_a_finding(run):
    """And does not end the probe; its text, which may quote anybody, is not shown."""
    registry = Registry()

    def said(one, numbers):
        if len(numbers) > 1:
            raise KeyError("Asha Moyo")
        return registry.truly(one, numbers)

    registry.said = said
    _, found = run(registry)

    assert found["batch"].text == "4 in a call: source_contract (a defect of its adapter, KeyError)"


def test_no_more_than_so_many_calls_a_second_are_made(run):
    """On average, whatever is tried; the calls at once count as what they are."""
    registry = Registry()
    run(registry, terms=Terms(NUMBERS, calls=20, per_s=5))
    took = registry.at[-1] - registry.at[0]

    assert (len(registry.asked) - 3) / took <= 5.01
    assert 20 < len(registry.asked) < 40


def test_a_registry_that_declares_its_pace_is_asked_at_that(run):
    """Slower than was wished."""
    registry = Registry()
    registry.manifest = registry.manifest.model_copy(
        update={"limits": registry.manifest.limits.model_copy(update={"pace_per_s": 1.0})}
    )
    run(registry)

    assert min(later - sooner for sooner, later in zip(registry.at[:9], registry.at[1:9], strict=False)) >= 0.99


def test_a_probe_goes_no_further_than_so_many_requests(run):
    """And says so; what was found until then stands."""
    registry = Registry()
    report, found = run(registry, terms=Terms(NUMBERS, calls=8, per_s=100, most_requests=12))

    assert len(registry.asked) == report.requests == 12
    assert found["latency"].is_good
    assert "12 requests were sent" in found["stopped"].text
    assert not report.passed


def test_many_numbers_are_asked_about_in_batches(run):
    """Five hundred of them at most."""
    registry = Registry()
    numbers = tuple(Identifier("UIN", f"30000{n:05d}") for n in range(600))
    run(registry, terms=Terms(numbers, calls=5, per_s=100))

    assert len({number for call in registry.asked for number in call if number.startswith("3")}) == 500
    assert len(registry.asked) < 160


@pytest.mark.parametrize(
    ("error", "is_good", "said"),
    [
        (SourceRefusedError("probe", "401"), True, "refused"),
        (None, False, "answered"),
        (DOWN, False, "source_down, not refused"),
    ],
)
def test_whoever_brings_no_credentials_is_to_be_refused(run, error, is_good, said):
    """Asked once, without them."""
    auth = BearerAuth(kind="bearer", token="env:T")
    registry = Registry(connection=Connection(base_url="env:U", auth=auth))
    bare = Registry()

    def answer(one, numbers):
        if error is not None:
            raise error

    bare.said = answer
    registry.without = lambda manifest: registry if manifest.connection.auth.kind == "bearer" else bare
    report, found = run(registry)

    assert (found["without credentials"].is_good, found["without credentials"].text) == (is_good, said)
    assert bare.asked == [(UNKNOWN,)]
    assert report.requests == len(registry.asked) + 1


def test_coverage_below_what_is_declared_is_a_finding(run):
    """One record of a small sample may be the one without."""
    declared, found = run(Registry(coverage={"TIN": 0.99}))
    assert (found["records with TIN"].is_good, declared.coverage["TIN"]) == (True, 0.8333)

    registry = Registry(coverage={"TIN": 0.99})
    registry.said = lambda one, _: Record({"UIN": one.value}, {}) if one.value in KNOWN else None
    _, found = run(registry)
    assert found["records with TIN"].text == "0.0% of 6 records, 99.0% declared"
    assert "records with TIN" in bad(found)


@pytest.mark.parametrize(("days", "is_good"), [(0, True), (1, True), (9, False)])
def test_freshness_is_held_against_what_is_declared(run, days, is_good):
    """By the newest record; what is shown is its age."""
    registry = Registry(freshness=Freshness(max_lag_h=48))
    day = (TODAY - timedelta(days=days)).isoformat()
    registry.said = lambda one, _: Record({"UIN": one.value}, {}, as_of=day) if one.value in KNOWN else None
    _, found = run(registry)

    assert found["freshness"].is_good is is_good
    assert day not in found["freshness"].text


def test_without_numbers_only_what_needs_nobody_is_tried(run):
    """The rest says what it is missing."""
    _, found = run(Registry(), terms=Terms(calls=5, per_s=100))

    assert {name for name, one in found.items() if one.is_good is None and "--numbers" in one.text} == {
        *("pages", "other facts", "coverage", "freshness"),
    }
    assert bad(found) == set()


class Answers:
    """A client whose responses are what the registry sent; the adapter keeps what the manifest names."""

    def __init__(self, body):
        self.body = body

    async def send(self, *_, **__):
        """Return the next response."""
        return Response(200, "application/json", self.body)


def watched(body, monkeypatch, *, exempt=None, numbers=NUMBERS):
    """Probe a registry that sends this body, whoever is asked about; return the findings."""
    registry = Registry(
        speaks="rest",
        rest={"lookups": {"person": {"requests": [{"path": "/p/{number}"}]}}},
        records={"person": {"identifiers": {"UIN": {"path": "uin"}, "TIN": {"path": "tin"}}, "attributes": {"surname": {"path": "last"}, "sex": {"path": "sex", "type": "code", "codes": {"F": "female"}}}}},
    )  # fmt: skip
    watch = Watch(Answers(body))

    async def about(subjects):
        await watch.send("GET", "/", Deadline.after(1))
        return subjects

    registry.about = about

    @asynccontextmanager
    async def opened(manifest, _environment):
        yield Opened(registry, watch)

    async def nothing(*_):
        return []

    monkeypatch.setattr(probing, "opened", opened)
    monkeypatch.setattr(probing, "transport_findings", nothing)
    terms = Terms(numbers, calls=5, per_s=100, exempt=exempt)
    report = virtual_time.run(lambda _: probe(registry.manifest, {}, terms))
    assert watch.responses == []
    return {one.what: one for one in report.findings}, report, watch


def test_a_call_that_takes_several_requests_is_waited_for_longer(monkeypatch):
    """The pace is of requests: nobody is asked ten times as often by a page of ten."""
    registry, at = Registry(), []
    watch = Watch(Answers(b"[]"))

    async def about(subjects):
        for _ in range(4):
            at.append(asyncio.get_running_loop().time())
            await watch.send("GET", "/", Deadline.after(1))
        return subjects

    async def nothing(*_):
        return []

    @asynccontextmanager
    async def opened(manifest, _environment):
        yield Opened(registry, watch)

    registry.about = about
    monkeypatch.setattr(probing, "opened", opened)
    monkeypatch.setattr(probing, "transport_findings", nothing)
    report = virtual_time.run(lambda _: probe(registry.manifest, {}, Terms(NUMBERS, calls=10, per_s=4)))

    at_once = 3 * 4
    assert report.requests == len(at) == watch.sent
    assert (len(at) - at_once) / (at[-1] - at[0]) <= 4.2


PEOPLE = b'[{"uin": "1", "last": "x", "sex": "F", "religion": "y", "notes": null, "wealth": {"Asha": 3}}, {"uin": "2", "religion": "z"}]'


def test_fields_that_nobody_reads_are_named_and_facts_not_asked_for(monkeypatch):
    """What the manifest reads for another attribute is a fact not asked for; what is empty is nothing."""
    found, report, watch = watched(PEOPLE.replace(b'"wealth": {"Asha": 3}', b'"wealth": 3'), monkeypatch)

    assert found["fields that nobody reads"].text.startswith("religion")
    assert found["facts not asked for"].is_good is False
    assert report.requests == watch.sent


def test_a_name_that_serves_as_a_key_is_not_shown(monkeypatch):
    """A key that one place has may be somebody's name; it is counted."""
    found, _, _ = watched(PEOPLE, monkeypatch)

    assert found["fields that nobody reads"].text == (
        "religion, and 1 that one record has (two numbers that it knows may tell their names)"
    )


def test_a_registry_that_is_exempt_from_being_minimal_is_told_and_not_blamed(monkeypatch):
    """With the reason of its readiness list."""
    found, _, _ = watched(PEOPLE, monkeypatch, exempt="It sends whole records.")

    assert found["fields that nobody reads"].is_good is None
    assert "exempt: It sends whole records." in found["fields that nobody reads"].text


def test_numbers_that_it_does_not_know_are_told_from_none(run):
    """Whoever gave some need not be told to give some."""
    numbers = (Identifier("UIN", "3000000001"), Identifier("UIN", "3000000002"))
    _, found = run(Registry(), terms=Terms(numbers, calls=5, per_s=100))

    lacking = {name for name, one in found.items() if one.text == "it knows none of the numbers given"}
    assert lacking == {"other facts", "coverage", "freshness"}


def test_numbers_are_read_from_a_file_and_mistakes_named_by_line():
    """And never by what stands there."""
    manifest = Registry().manifest
    text = "# known\nUIN 2000000014\n\nUIN,2000000022\n2000000030\n"
    assert [one.value for one in read_numbers(text, manifest)] == ["2000000014", "2000000022", "2000000030"]

    for line in ("TIN 123", "UIN 1 2", "Asha Moyo x", "UIN " + "x" * 300):
        with pytest.raises(ConfigurationError, match="line 2: write `TYPE VALUE`") as raised:
            read_numbers(f"UIN 2000000014\n{line}", manifest)
        assert "Asha" not in str(raised.value)


def test_a_registry_that_answers_gateways_only_is_not_probed(run):
    """It says why."""
    from tests.unit.adapters.generic.dci.dialects import dialect_manifest

    registry = Registry()
    registry.manifest = dialect_manifest(trust={"sign": "jws"})
    with pytest.raises(ConfigurationError, match="which needs a running gateway"):
        run(registry)


def test_numbers_that_it_is_said_to_know_and_does_not_hold_are_a_finding(run):
    """Asked for in another form than its own, nobody is held: a probe that passed would hide it."""
    registry = Registry()
    registry.said = lambda *_: None
    report, found = run(registry)

    assert found["known numbers"].is_good is False
    assert "`written`" in found["known numbers"].remedy
    assert not report.passed


@pytest.mark.parametrize("is_behind_x_road", [True, False])
def test_where_no_credentials_are_sent_it_is_said_who_knows_who_asks(run, is_behind_x_road):
    """Behind X-Road the security servers do; without them nobody."""
    registry = Registry()
    if is_behind_x_road:
        stated = {"protocol": "rest", "client": "PV/GOV/1/hearth", "service": "PV/GOV/2/pensions/people"}
        registry.manifest = registry.manifest.model_copy(update={"xroad": XRoadOptions.model_validate(stated)})
    _, found = run(registry)

    assert found["without credentials"].is_good is None
    assert ("security servers" in found["without credentials"].text) is is_behind_x_road
