"""What a probe found, as it is kept, shown and filed: no value of anybody's record is in it."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import Field, ValidationError

from adapters.kit.changes import schema_digest
from adapters.kit.findings import Finding, lines, passed, plain
from adapters.model import Model
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from adapters.kit.tiers import Rating
    from adapters.manifest import Manifest

PROBE: Final = "probe.json"
"""Where `hearth registry probe --save` leaves the report of a folder."""
HOLDS_FOR: Final = timedelta(days=180)


class Latency(Model):
    """How long the registry took for one call, in milliseconds."""

    p50_ms: float
    p90_ms: float
    p99_ms: float


class ProbeReport(Model):
    """One probe of one registry."""

    registry: str
    title: str
    version: str
    schema_digest: str
    at: datetime
    requests: int = Field(default=0, description="Requests that were sent to the registry.")
    calls: int = Field(description="Responses that came, whatever they said.")
    latency: Latency | None = None
    coverage: dict[str, float] = Field(default={}, description="Identifier type -> share of the records seen.")
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Tell whether nothing was found wrong."""
        return passed(self.findings)

    def holds(self, manifest: Manifest, now: datetime | None = None) -> bool:
        """Tell whether the report is about what the manifest says, and not too old."""
        age = (now or datetime.now(UTC)) - self.at
        return self.schema_digest == schema_digest(manifest) and age <= HOLDS_FOR


def load_report(path: Path) -> ProbeReport | None:
    """Return a report that was kept; None when there is none.

    Raises: ConfigurationError when the file is something else.
    """
    try:
        return ProbeReport.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise ConfigurationError(f"{path}: not a report; probe again with `hearth registry probe --save`") from None


def as_json(report: ProbeReport, rating: Rating) -> dict[str, object]:
    """Return a report for programs.

    rating: the registry's, resting on this report.
    """
    return {
        **report.model_dump(mode="json", exclude={"findings"}),
        "passed": report.passed,
        "tier": rating.tier.value,
        "lacking": list(rating.lacking),
        "findings": plain(report.findings),
    }


def as_lines(report: ProbeReport, rating: Rating) -> list[str]:
    """Return a report for a terminal."""
    shown = lines(report.registry, report.findings)
    took = f"; {_latency(report.latency)}" if report.latency else ""
    return [
        *shown,
        f"      {report.requests} requests, {report.calls} responses{took}",
        f"      tier: {rating.text}",
    ]


def as_html(report: ProbeReport, rating: Rating) -> str:
    """Return a report as one page that stands alone."""
    rows = "\n".join(
        f'<tr class="{_CLASS[one.is_good]}"><td>{_WORD[one.is_good]}</td><td>{html.escape(one.what)}</td>'
        f"<td>{html.escape(one.text)}</td><td>{html.escape(one.remedy if one.is_good is False else '')}</td></tr>"
        for one in report.findings
    )
    facts = {
        "Registry": f"{report.title} ({report.registry})",
        "Manifest": f"version {report.version}, schema {report.schema_digest}",
        "Probed": report.at.strftime("%Y-%m-%d %H:%M UTC"),
        "Requests": f"{report.requests}, {report.calls} responses",
        "Latency": _latency(report.latency) if report.latency else "not measured",
        "Result": "passed" if report.passed else "not passed",
        "Tier": rating.text,
    }
    shares = {f"Records with {type_}": f"{share:.1%}" for type_, share in report.coverage.items()}
    listed = "\n".join(
        f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>" for key, value in (facts | shares).items()
    )
    return _PAGE.format(title=html.escape(report.title), facts=listed, rows=rows)


def _latency(latency: Latency) -> str:
    half, most, all_ = latency.p50_ms, latency.p90_ms, latency.p99_ms
    return f"half within {half:.0f} ms, 90 % within {most:.0f} ms, 99 % within {all_:.0f} ms"


_CLASS: Final = {True: "good", False: "bad", None: "open"}
_WORD: Final = {True: "good", False: "not good", None: "not tried"}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Probe of {title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; }}
table {{ border-collapse: collapse; width: 100%; margin: 1rem 0 2rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #ccc; }}
.good td:first-child {{ color: #0a6b2d; font-weight: 600; }}
.bad td:first-child {{ color: #a3141d; font-weight: 600; }}
.open td:first-child {{ color: #595959; }}
@media print {{ body {{ margin: 0; }} }}
</style>
</head>
<body>
<h1>Probe of {title}</h1>
<table>
{facts}
</table>
<h2>Findings</h2>
<table>
<thead><tr><th>Result</th><th>What</th><th>Found</th><th>What to do</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p>Calls were made one after the other or within the declared limits. No value of any record is in this report.</p>
</body>
</html>
"""
