"""The practice registries that are read where they lie: what stands there, and what their faults do to it."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
import asyncssh
import pytest
import pytest_asyncio

from mocks.country import TABLES, open_country
from mocks.drops import KEPT
from mocks.population import build
from tests.contract.poveria import LYING, Poveria

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]
KINDS = {kind.name: kind for kind in TABLES}
FAULTS = [(name, mode) for name in LYING for mode in KINDS[name].modes]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def country():
    """A country of its own: its clock is turned here."""
    population = build(60, 11)
    async with open_country(population) as served, aiohttp.ClientSession() as client:
        yield Poveria(client, population, served)


@pytest_asyncio.fixture(loop_scope="module")
async def poveria(country):
    """The same, with everybody well."""
    for name in LYING:
        await country.control("DELETE", name, "faults")
    return country


def place(poveria: Poveria, name: str) -> Path:
    """Where a registry's records lie."""
    return Path("/" + unquote(urlsplit(poveria.served[name].url).path).lstrip("/"))


def rows(poveria: Poveria, query: str) -> list[tuple[Any, ...]]:
    """What the fund's database answers whoever may only read it."""
    address = f"file:{place(poveria, 'social_insurance')}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=0.05)) as database:
        return database.execute(query).fetchall()


def drops(poveria: Poveria) -> list[Path]:
    """The drops that lie in the paying agent's folder, the oldest first."""
    return sorted(place(poveria, "payments").glob("payments-*.csv"))


def paid(content: bytes) -> list[dict[str, str]]:
    """The lines of a drop, which ends with how many there are."""
    lines = list(csv.DictReader(StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    last = lines.pop()
    assert (last["PAYMENT_NO"], int(last["BENEFICIARY_NO"])) == ("#rows", len(lines))
    return lines


async def fetched(poveria: Poveria, *, host_key: str | None = None, **login: object) -> list[dict[str, str]]:
    """The newest list on the extension service's server, read as a client that pins its key does."""
    own = poveria.environment("farmers_list")
    url = urlsplit(own["HEARTH_FARMERS_LIST_URL"])
    key = asyncssh.import_public_key(host_key or own["HEARTH_FARMERS_LIST_HOST_KEY"])
    proof = login or {"password": own["HEARTH_FARMERS_LIST_PASSWORD"]}
    async with (
        asyncssh.connect(
            url.hostname,
            url.port,
            username=own["HEARTH_FARMERS_LIST_USER"],
            known_hosts=([key], [], []),
            **{"client_keys": None, "agent_path": None, "login_timeout": 5} | proof,
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):
        newest = max(str(name) for name in await sftp.listdir(".") if str(name).endswith(".csv"))
        async with sftp.open(newest, encoding="utf-8") as file:
            *lines, last = csv.DictReader(StringIO(str(await file.read()), newline=""))
            assert (last["LIST_NO"], int(last["FAMILY"])) == ("#rows", len(lines))
            return lines


async def test_the_fund_s_view_tells_of_every_account(poveria):
    """A line per account with its numbers; months count those of the last year, and only running pensions show."""
    accounts = poveria.served["social_insurance"].registry.accounts
    told = dict(rows(poveria, "SELECT account_no, months_paid FROM insured"))
    pensions = rows(poveria, "SELECT count(*) FROM insured WHERE pension_kind IS NOT NULL")

    assert set(told) == {one.number for one in accounts}
    assert max(told.values()) <= 12
    assert pensions == [(sum(one.pension is not None and one.pension.ends is None for one in accounts),)]


async def test_a_drop_tells_what_was_paid(poveria):
    """Its name is its day; everybody in it is a beneficiary, and the example of two programmes was paid by both."""
    newest = drops(poveria)[-1]
    lines = paid(newest.read_bytes())
    roll = poveria.served["beneficiary"].registry.roll
    subject = poveria.population.casts["disabled_member"].subject
    (number,) = [one.number for one in roll.of(poveria.population.people[subject])]

    assert newest.stem == f"payments-{poveria.population.today}"
    assert {line["BENEFICIARY_NO"] for line in lines} <= {one.number for one in roll.entries}
    assert {line["PROGRAMME"] for line in lines if line["BENEFICIARY_NO"] == number} == {"CG-01", "DA-03"}


@pytest.mark.parametrize("proof", ["password", "key"])
async def test_the_list_is_fetched_by_password_or_by_key(poveria, proof):
    """Whoever has one of the two and pins the server's key reads it whole; it knows no number but its own."""
    own = poveria.environment("farmers_list")
    key: dict[str, Any] = {"client_keys": [asyncssh.import_private_key(own["HEARTH_FARMERS_LIST_KEY"])]}
    lines = await fetched(poveria, **(key if proof == "key" else {}))
    numbers = {one for person in poveria.population.people for one in (person.uin, person.brn, person.tin)}

    assert len(lines) == len(poveria.served["farmers_list"].registry.entries)
    assert not numbers & {cell for line in lines for cell in line.values()}


async def test_nobody_else_is_let_in_and_nobody_may_write(poveria):
    """A wrong password and a stranger's key are refused; so is everything that is not reading."""
    with pytest.raises(asyncssh.PermissionDenied):
        await fetched(poveria, password="guessed")
    with pytest.raises(asyncssh.PermissionDenied):
        await fetched(poveria, client_keys=[asyncssh.generate_private_key("ssh-ed25519")])

    own = poveria.environment("farmers_list")
    url = urlsplit(own["HEARTH_FARMERS_LIST_URL"])
    login = {"username": own["HEARTH_FARMERS_LIST_USER"], "password": own["HEARTH_FARMERS_LIST_PASSWORD"]}
    door = asyncssh.connect(url.hostname, url.port, known_hosts=None, client_keys=None, agent_path=None, **login)
    async with door as connection:
        async with connection.start_sftp_client() as sftp:
            name = next(str(one) for one in await sftp.listdir(".") if str(one).endswith(".csv"))
            for attempt in (
                lambda: sftp.remove(name),
                lambda: sftp.rename(name, "other.csv"),
                lambda: sftp.mkdir("more"),
                lambda: sftp.open(name, "w"),
                lambda: sftp.open("new.csv", "w"),
                lambda: sftp.chmod(name, 0o777),
                lambda: sftp.symlink("/etc", "way-out"),
            ):
                with pytest.raises(asyncssh.SFTPError):
                    await attempt()
            assert name in {str(one) for one in await sftp.listdir("/../..")}
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run("ls")


@pytest.mark.parametrize(("name", "mode"), FAULTS)
async def test_faults_stand_until_taken_back(poveria, name, mode):
    """The controls are those of every registry, and afterwards all is as it was."""
    assert await poveria.fault(name, mode=mode) == (
        {"mode": mode} if mode != "slow" else {"mode": mode, "delay_ms": 30_000}
    )
    assert (await poveria.control("GET", name, "faults"))[1]["mode"] == mode
    assert await poveria.control("DELETE", name, "faults") == (204, None)
    assert await poveria.control("GET", name, "faults") == (200, {"mode": None})

    assert rows(poveria, "SELECT count(*) FROM insured WHERE tin IS NOT NULL")[0][0] > 0
    assert paid(drops(poveria)[-1].read_bytes())
    assert await fetched(poveria)


@pytest.mark.parametrize("name", LYING)
@pytest.mark.parametrize("wanted", [{"mode": "mood"}, {"mode": "down", "times": 2}, {"mode": "down", "probability": 1}])
async def test_what_a_registry_cannot_do_is_refused(poveria, name, wanted):
    """The refusal lists what there is: a file does not count who reads it."""
    status, told = await poveria.control("PUT", name, "faults", json=wanted)

    assert (status, tuple(told["modes"])) == (422, KINDS[name].modes)
    assert (await poveria.control("GET", name, "faults"))[1] == {"mode": None}


@pytest.mark.parametrize("mode", KINDS["social_insurance"].modes)
async def test_a_broken_database_answers_nobody(poveria, mode):
    """Not who opens it anew, and not who has had it open before; afterwards both read on."""
    address = f"file:{place(poveria, 'social_insurance')}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=0.05)) as open_before:
        usual = open_before.execute("SELECT uin FROM insured ORDER BY account_no").fetchall()
        await poveria.fault("social_insurance", mode=mode)
        with pytest.raises(sqlite3.DatabaseError):
            open_before.execute("SELECT uin FROM insured").fetchall()
        with pytest.raises(sqlite3.DatabaseError):
            rows(poveria, "SELECT uin FROM insured")
        await poveria.control("DELETE", "social_insurance", "faults")

        assert open_before.execute("SELECT uin FROM insured ORDER BY account_no").fetchall() == usual
        assert rows(poveria, "SELECT uin FROM insured ORDER BY account_no") == usual


async def test_a_broken_drop_is_seen_to_be_broken(poveria):
    """It is not there, cut, empty, or of other columns; and a late one is the one of before."""
    await poveria.fault("payments", mode="down")
    assert drops(poveria) == []
    await poveria.fault("payments", mode="malformed")
    with pytest.raises(UnicodeDecodeError):
        paid(drops(poveria)[-1].read_bytes())
    await poveria.fault("payments", mode="empty")
    assert drops(poveria)[-1].read_bytes() == b""
    await poveria.fault("payments", mode="wrong_schema")
    assert b"BENEFICIARY_NO" not in drops(poveria)[-1].read_bytes().replace(b"X_BENEFICIARY_NO", b"")

    await poveria.fault("payments", mode="late")
    before = drops(poveria)[-1]
    await poveria.control("POST", "crvs", "clock", json={"days": 2})
    assert drops(poveria)[-1] == before
    await poveria.control("DELETE", "payments", "faults")
    assert drops(poveria)[-1].stem == f"payments-{poveria.population.today}"


async def test_a_server_that_is_down_or_another_is_not_read(poveria):
    """Connections are cut, also those that stand; a server with another key is no server of ours."""
    await poveria.fault("farmers_list", mode="down")
    with pytest.raises((OSError, asyncssh.DisconnectError)):
        await fetched(poveria)
    await poveria.fault("farmers_list", mode="stranger")
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        await fetched(poveria)
    await poveria.fault("farmers_list", mode="slow", delay_ms=1)
    assert await fetched(poveria)


async def test_days_bring_new_drops_and_contributions(poveria):
    """After days the newest drop is of today, few older ones are left, and the month that ended has been paid."""
    ((before,),) = rows(poveria, "SELECT max(last_month) FROM insured")
    for _ in range(5):
        await poveria.control("POST", "payments", "clock", json={"days": 9})
    ((after,),) = rows(poveria, "SELECT max(last_month) FROM insured")
    today = poveria.population.today

    assert drops(poveria)[-1].stem == f"payments-{today}"
    assert len(drops(poveria)) == KEPT
    assert before < after
    assert (int(after[:4]), int(after[5:7]) % 12 + 1) in {(today.year, today.month), (today.year - 1, today.month)}


async def test_a_death_closes_the_accounts(poveria):
    """The fund hears of it, and pays no longer; its view shows so on the next day."""
    accounts = poveria.served["social_insurance"].registry.accounts
    one = next(
        one
        for one in accounts
        if one.pension is not None and one.pension.ends is None and one.uin and one.person.death_date is None
    )
    status, _ = await poveria.control("POST", "crvs", "events", json={"event": "death", "UIN": one.uin})
    await poveria.control("POST", "crvs", "clock", json={"days": 1})
    shown = rows(poveria, "SELECT account_no, state, pension_kind FROM insured WHERE state = 'X'")

    assert status == 200
    assert (one.number, "X", None) in shown
