"""What a manifest says of the registry as an office: who answers for it, when it answers, how hard it may be driven."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StringConstraints, field_validator, model_validator

from adapters.model import Model, Text

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Limits(Model):
    """How hard the registry may be driven, and how long it may take."""

    timeout_s: float = Field(default=2.0, gt=0, description="Longest wait for one try, in seconds.")
    retries: int = Field(default=1, ge=0, le=5, description="Further tries after a failed one, where that may help.")
    max_in_flight: int = Field(default=32, ge=1, description="Calls at the same time from one gateway process.")
    max_response_bytes: int = Field(default=4_000_000, ge=1, description="Largest response accepted, in bytes.")
    breaker_failures: int = Field(default=8, ge=1, description="Failures in a row that open the circuit breaker.")
    breaker_open_s: float = Field(default=10.0, gt=0, description="Seconds before an open breaker lets one try pass.")
    pace_per_s: float | None = Field(
        default=None,
        gt=0,
        description="Most calls per second from one gateway process, a second's worth of them at once; null: no limit.",
    )
    hedge_after_ms: int | None = Field(
        default=None,
        ge=1,
        description="Milliseconds of silence after which the same call is made a second time and the first good "
        "answer wins. Only where asking twice is safe and agreed; null: never.",
    )
    deadline_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")] | None = Field(
        default=None, description="Header in which the registry is told how many milliseconds are left; null: none."
    )
    keep_late: bool = Field(
        default=False,
        description="A call still under way at the deadline may end for a while, and its answer serves the next "
        "question.",
    )

    @model_validator(mode="after")
    def _hedged_before_it_is_given_up(self) -> Limits:
        if self.hedge_after_ms is not None and self.hedge_after_ms >= 1000 * self.timeout_s:
            raise ValueError("`hedge_after_ms` must be less than `timeout_s`, at which the call is given up")
        return self


class Cost(Model):
    """What it costs to ask the registry, so that of several ways to a number the cheapest is taken."""

    latency_ms: float = Field(default=100.0, ge=0, description="Usual time until it answers one call, in milliseconds.")
    load: int = Field(
        default=2, ge=1, le=5, description="How dear a call is to the registry itself: 1 hardly noticed, 5 dear."
    )
    sensitivity: int = Field(
        default=2,
        ge=1,
        le=4,
        description="What the registry learns about a person by being asked, on the catalogue's scale: "
        "1 administrative, 2 personal, 3 confidential, 4 special category.",
    )
    freshness_days: float = Field(
        default=1.0, ge=0, description="How far its records usually lag behind life, in days."
    )


class Contacts(Model):
    """Offices, never private people, that are reached about the registry."""

    technical: Text = Field(description="Who repairs it in office hours.", examples=["it@land.example"])
    legal: Text = Field(description="Who answers for the sharing, data protection officer included.")
    out_of_hours: str | None = Field(default=None, description="Who is called when it fails at night; null: nobody.")


class Legal(Model):
    """Who answers for the data, and on what ground and terms it is shared."""

    owner: Text = Field(description="Body that answers for the data.", examples=["Survey and Cadastre Office"])
    basis: Text = Field(
        description="Law or agreement that lets the registry answer.", examples=["Land Registration Act, section 9"]
    )
    contact: Text = Field(description="Where its operators are reached when it is down or breaks its promises.")
    contacts: Contacts | None = Field(default=None, description="More than that one contact; null: it is for all.")
    purposes: tuple[str, ...] = Field(
        default=(),
        description="Purposes the owner lets it be asked for, as agreements name them; empty: those of its basis.",
        examples=[["eligibility", "payment_check"]],
    )
    retention_days: int | None = Field(
        default=None, ge=0, description="How long whoever is answered may keep it, in days; null: as agreements say."
    )
    terms: str | None = Field(
        default=None,
        description="Where the licence or the terms of use are found: an address, or number and date of a paper.",
    )


class Capacity(Model):
    """What the registry can bear from everyone together, as its owner declares it."""

    calls_per_s: float = Field(gt=0, description="Calls per second that it answers within its usual time.")
    people_per_day: int | None = Field(
        default=None, ge=1, description="People about whom it may be asked in a day; null: as many as its calls allow."
    )


class Window(Model):
    """Hours of some weekdays."""

    days: tuple[Weekday, ...] = Field(min_length=1, description="Weekdays.", examples=[["mon", "tue"]])
    opens: Clock = Field(description="When it begins to answer, in quotes.", examples=["07:00"])
    closes: Clock = Field(
        description="When it ends, on the same day, in quotes; 24:00 is midnight.", examples=["19:30"]
    )

    @model_validator(mode="after")
    def _closes_after_it_opens(self) -> Window:
        if self.closes <= self.opens:
            raise ValueError("`closes` must be after `opens`; split a window at midnight")
        return self


class Hours(Model):
    """When the registry answers; outside of it, silence is a planned outage."""

    timezone: str = Field(description="Time zone of the IANA database.", examples=["Africa/Nairobi"])
    windows: tuple[Window, ...] = Field(min_length=1, description="When it is open; windows may overlap.")

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no time zone of the IANA database: write it as Africa/Nairobi") from None
        return name

    def is_open(self, moment: datetime) -> bool:
        """Tell whether the registry is to answer at a moment."""
        there = moment.astimezone(ZoneInfo(self.timezone))
        day, clock = WEEKDAYS[there.weekday()], there.strftime("%H:%M")
        return any(day in one.days and one.opens <= clock < one.closes for one in self.windows)

    def opens_at(self, moment: datetime) -> datetime | None:
        """Return when the registry, closed at a moment, opens next; None where a change of clocks takes every window.

        In the time zone of the registry.
        """
        zone = ZoneInfo(self.timezone)
        today = moment.astimezone(zone).date()
        days = [today + timedelta(days=ahead) for ahead in range(15)]
        openings = sorted(
            datetime.combine(day, time.fromisoformat(one.opens), zone)
            for day in days
            for one in self.windows
            if WEEKDAYS[day.weekday()] in one.days
        )
        return next((opens for opens in openings if opens > moment and self.is_open(opens.astimezone(UTC))), None)


class Freshness(Model):
    """How old what the registry says may be, as its owner promises."""

    max_lag_h: float = Field(
        gt=0, description="Most hours between a change in life or its report, and the change of the record."
    )

    def is_met(self, as_of: str, now: datetime | None = None) -> bool:
        """Tell whether something as of a moment (ISO date or timestamp) is young enough; a day counts until its end."""
        moment = datetime.fromisoformat(as_of)
        if len(as_of) == len("2026-01-31"):
            moment += timedelta(days=1)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (now or datetime.now(UTC)) - moment <= timedelta(hours=self.max_lag_h)
