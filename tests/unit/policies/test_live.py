"""How many live consents a change touches: counted in the ledger, without a name."""

from datetime import date
from typing import Any

import pytest

from policies.ledger import SqliteLedger
from policies.live import live_consents
from policies.receipts import Consent, Decision
from standards.errors import ConfigurationError
from standards.identifiers import Identifier

KEY = b"a key of thirty-two bytes or so.."
JUNE = date(2026, 6, 1)


@pytest.fixture
async def ledger(tmp_path):
    """A ledger in which four people decided."""
    path = tmp_path / "consent.db"
    sql = SqliteLedger.open(path, KEY)
    given = date(2026, 1, 1)
    decided: list[dict[str, Any]] = [
        {},
        {"consumer_id": "programme"},
        {"consumer_id": "another"},
        {"until": date(2026, 3, 1)},
        {"decision": Decision.REFUSED},
        {"purpose": "audit"},
    ]
    for number, changes in enumerate(decided):
        who = Identifier("UIN", f"{number}")
        await sql.record(Consent(who, "eligibility", Decision.GRANTED, who, given)._replace(**changes))
    taken_back = Identifier("UIN", "0")
    await sql.record(Consent(taken_back, "audit", Decision.GRANTED, taken_back, given))
    await sql.record(Consent(taken_back, "audit", Decision.REFUSED, taken_back, date(2026, 2, 1)))
    sql.close()
    return path


async def test_only_consents_that_count_today_are_counted(ledger):
    """Not those of other programmes, nor expired, refused or taken back."""
    counted = live_consents(ledger, "programme", ["eligibility", "audit", "other"], JUNE)

    assert counted == {"eligibility": 2, "audit": 1, "other": 0}


async def test_the_ledger_is_only_read(ledger):
    """It may be in use meanwhile."""
    before = ledger.read_bytes()
    live_consents(ledger, "programme", ["eligibility"], JUNE)

    assert ledger.read_bytes() == before


def test_what_is_no_ledger_is_named(tmp_path):
    """With what to change."""
    with pytest.raises(ConfigurationError, match="no consent ledger"):
        live_consents(tmp_path / "consent.db", "programme", [], JUNE)
    (tmp_path / "consent.db").write_bytes(b"this is no database, however long one looks at it\n" * 4)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        live_consents(tmp_path / "consent.db", "programme", ["eligibility"], JUNE)
