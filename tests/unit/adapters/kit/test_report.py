"""The report of a probe as it is filed: one page of valid HTML, with everything in it escaped."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html.parser import HTMLParser

from adapters.kit.findings import Finding
from adapters.kit.report import Latency, ProbeReport, as_html, as_json, as_lines, load_report
from adapters.kit.tiers import Rating, Tier

EVIL = '<script>alert("1")</script>{0}{title}&amp;\''
REPORT = ProbeReport(
    registry="office",
    title=EVIL,
    version="1.0",
    schema_digest="sha256:1",
    at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    requests=31,
    calls=30,
    latency=Latency(p50_ms=10, p90_ms=20, p99_ms=30),
    coverage={"UIN": 0.995, EVIL: 0.5},
    findings=(
        Finding("batch", True, "50", "not shown"),
        Finding(EVIL, False, EVIL, EVIL),
        Finding("pages", None, "not tried"),
    ),
)
RATING = Rating(Tier.SILVER, ("`hours` are declared", EVIL))
_VOID = {"meta", "br", "hr", "link", "img", "input"}


class Page(HTMLParser):
    """Reads a page as strictly as the standard allows to write one: every element is closed, in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        assert all(not name.startswith("on") for name, _ in attributes)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_is_whole_and_nothing_in_it_is_markup():
    """Whatever a registry is called, and whatever it said."""
    text = as_html(REPORT, RATING)
    page = Page(text)

    assert text.startswith("<!doctype html>")
    assert set(page.seen) == {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert page.text.count(EVIL) == 3
    assert "".join(page.text).count(EVIL) == 8
    assert "not shown" not in text


def test_every_form_says_the_same():
    """Result, tier, what it asks for next, requests and latency."""
    told = as_json(REPORT, RATING)
    lines = "\n".join(as_lines(REPORT, RATING))
    page = "".join(Page(as_html(REPORT, RATING)).text)

    assert (told["passed"], told["tier"], told["requests"], told["calls"]) == (False, "silver", 31, 30)
    assert told["lacking"] == list(RATING.lacking)
    assert told["latency"] == {"p50_ms": 10.0, "p90_ms": 20.0, "p99_ms": 30.0}
    for shown in (lines, page):
        assert "half within 10 ms, 90 % within 20 ms, 99 % within 30 ms" in shown
        assert "silver; gold asks for: `hours` are declared" in shown
        assert "31" in shown
        assert "not passed" in page


def test_a_report_that_was_kept_is_the_same_when_read(tmp_path):
    """And its tier is computed again, not kept."""
    path = tmp_path / "probe.json"
    path.write_text(REPORT.model_dump_json(indent=2), encoding="utf-8")

    assert load_report(path) == REPORT
    assert "tier" not in json.loads(path.read_text(encoding="utf-8"))
