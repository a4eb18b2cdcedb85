"""`hearth consent`: what people decide, on the machine of the gateway."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from gateway.commands.shared import Config, Folder, JournalUrl, Json, account, enter, note_in, told

if TYPE_CHECKING:
    from policies.ledger import SqliteLedger
    from policies.receipts import Consent
    from standards.identifiers import Identifier

app = typer.Typer(help="What people decide: consents, refusals, withdrawals.", no_args_is_help=True)

KeyFolder = Annotated[str, typer.Option("--keys", help="Folder of the key files, below --dir: stores.keys.")]
Subject = Annotated[str, typer.Option("--subject", help="Whom it is about: TYPE=VALUE, for example UIN=1234567890.")]
Officer = Annotated[str, typer.Option("--officer", help="Who assists; kept as a keyed digest.")]
Seen = Annotated[
    str, typer.Option("--presence", help="What you saw: id_card, fingerprint, one_time_code, signed_form or witness.")
]


@app.command("grant")
def grant(
    subject: Subject,
    purpose: Annotated[str, typer.Option(help="Code of the purpose.")],
    officer: Officer,
    presence: Seen,
    reference: Annotated[str | None, typer.Option(help="Number of the paper that was seen; kept as a digest.")] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="It is a refusal.")] = False,
    source: Annotated[list[str] | None, typer.Option(help="Only this registry.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings file, which names the registries; default: config.yaml in --dir.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="Only this group of attributes.")] = None,
    consumer: Annotated[str | None, typer.Option(help="Only for this programme.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of a grant; default: in a year.")
    ] = None,
    guardian: Annotated[str | None, typer.Option(help="Who decides for a child: TYPE=VALUE.")] = None,
    relation: Annotated[
        str | None, typer.Option(help="What the guardian is to the child; DCI code, PRN: parent.")
    ] = None,
    birth_date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The child's; only the day of majority is kept.")
    ] = None,
    majority: Annotated[int, typer.Option(help="Age of majority: consents.age_of_majority.")] = 18,
    folder: Folder = Path(".hearth"),
    keys: KeyFolder = "keys",
    journal_url: JournalUrl = "",
) -> None:
    """Record what a person decided in front of an officer, and print the receipt."""
    from policies.consent import comes_of_age
    from policies.receipts import Capacity, Channel, Consent, Decision
    from standards.errors import MalformedMessageError

    now = datetime.now(UTC)
    with told():
        whom = _number(subject, "--subject")
        giver = _number(guardian, "--guardian") if guardian else whom
        if birth_date is not None and birth_date.date() > now.date():
            raise MalformedMessageError("--birth-date: the day has not come yet")
        majority_on = comes_of_age(birth_date.date(), majority) if birth_date else None
        if guardian and (majority_on is None or relation is None or majority_on <= now.date()):
            raise MalformedMessageError("--guardian: give --relation and --birth-date of a child under age")
        if not guardian and majority_on is not None and majority_on > now.date():
            raise MalformedMessageError("--birth-date: a guardian decides for a child")
        consent = Consent(
            subject=whom,
            purpose=purpose,
            decision=Decision.REFUSED if refuse else Decision.GRANTED,
            given_by=giver,
            given_on=now.date(),
            sources=_sources(source, config, folder),
            groups=_groups(group),
            until=None if refuse else until.date() if until else now.date() + timedelta(days=365),
            consumer_id=consumer,
            capacity=Capacity.GUARDIAN if guardian else Capacity.SELF,
            relation=relation if guardian else None,
            majority_on=majority_on if guardian else None,
            channel=Channel.OFFICE,
            attested_by=officer,
            presence=_presence(presence),
            reference=reference,
            given_at=now,
        )
        _record(folder, keys, journal_url, consent)


@app.command("withdraw")
def withdraw(
    receipt_id: Annotated[str, typer.Argument(help="Name of the receipt of the grant.")],
    subject: Subject,
    officer: Officer,
    presence: Seen,
    folder: Folder = Path(".hearth"),
    keys: KeyFolder = "keys",
    journal_url: JournalUrl = "",
) -> None:
    """Take a grant back: at once, for good, and as a signed record of its own."""
    from policies.receipts import Channel, Consent, Decision
    from standards.errors import MalformedMessageError

    now = datetime.now(UTC)
    with told():
        whom = _number(subject, "--subject")
        ledger = _open(folder, keys)
        try:
            found = asyncio.run(ledger.find(receipt_id))
            if found is None or found[0].person not in ledger.names({whom.type: whom.value}):
                raise MalformedMessageError("this person has no receipt of that name")
            receipt = found[0]
            if receipt.decision not in {Decision.GRANTED, Decision.OBJECTED}:
                raise MalformedMessageError("only a grant or an objection can be withdrawn")
        finally:
            ledger.close()
        is_grant = receipt.decision is Decision.GRANTED
        consent = Consent(
            subject=whom,
            purpose=receipt.purpose,
            decision=Decision.WITHDRAWN if is_grant else Decision.LIFTED,
            given_by=whom,
            given_on=now.date(),
            sources=receipt.sources,
            groups=receipt.groups,
            consumer_id=receipt.consumer_id,
            channel=Channel.OFFICE,
            attested_by=officer,
            presence=_presence(presence),
            withdraws=receipt.receipt_id,
            given_at=now,
        )
        _record(folder, keys, journal_url, consent)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="JSON lines, one decision each; policies/README.md names the fields.")],
    config: Config = None,
    folder: Folder = Path(".hearth"),
    keys: KeyFolder = "keys",
    journal_url: JournalUrl = "",
) -> None:
    """Take over decisions that are kept elsewhere; the same file can be imported again without effect."""
    from gateway.commands.shared import registries_in, settings_in
    from policies.lines import read_lines
    from standards.errors import MalformedMessageError

    with told():
        try:
            content = file.read_bytes()
        except OSError as error:
            raise _unreadable(file, error) from None
        lines = content.splitlines()
        named = {source for consent in read_lines(lines) for source in consent.sources or ()}
        if strangers := sorted(named - registries_in(settings_in(folder, config))):
            raise MalformedMessageError(f"sources: no registry is connected here by the name of {', '.join(strangers)}")
        ledger = _open(folder, keys)
        try:
            # INVARIANT: no grant counts that is not in the journal: the file is named before it is read.
            detail = {"sha256": hashlib.sha256(content).hexdigest(), "decisions": str(len(lines))}
            note_in(folder, journal_url, "consent.imported", detail, datetime.now(UTC))
            new = asyncio.run(ledger.import_lines(lines))
        finally:
            ledger.close()
    typer.echo(f"{new} decisions were new")


@app.command("list")
def list_(subject: Subject, folder: Folder = Path(".hearth"), keys: KeyFolder = "keys", as_json: Json = False) -> None:
    """Print everything that one person has decided, oldest first."""
    from policies.signed import read_unverified

    with told():
        whom = _number(subject, "--subject")
        ledger = _open(folder, keys)
        try:
            signed = asyncio.run(ledger.signed({whom.type: whom.value}))
        finally:
            ledger.close()
    for one in signed:
        receipt = read_unverified(one)
        typer.echo(json.dumps(receipt) if as_json else _line(receipt))


@app.command("export")
def export(
    subject: Subject,
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    issuer: Annotated[str, typer.Option(help="Address of the gateway, as the file names it.")] = "",
    folder: Folder = Path(".hearth"),
    keys: KeyFolder = "keys",
) -> None:
    """Write everything that one person has decided as one file that proves itself."""
    from gateway.keys import write_private

    with told():
        whom = _number(subject, "--subject")
        ledger = _open(folder, keys)
        try:
            signed = asyncio.run(ledger.signed({whom.type: whom.value}))
            pack = ledger.signer.pack(signed, issuer, datetime.now(UTC))
        finally:
            ledger.close()
        try:
            write_private(out, json.dumps(pack, indent=1).encode())
        except OSError as error:
            raise _unreadable(out, error) from None
    typer.echo(f"{len(signed)} receipts")


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="File that was exported.")],
    jwks: Annotated[Path, typer.Option("--jwks", help="Public keys: the content of /.well-known/jwks.json.")],
    as_json: Json = False,
) -> None:
    """Check an exported file with nothing but public keys: no receipt was changed, added, removed or moved."""
    from policies.signed import keys_of, verify_pack

    with told():
        try:
            content, published = file.read_bytes(), jwks.read_bytes()
        except OSError as error:
            raise _unreadable(file, error) from None
        found = verify_pack(content, keys_of(published))
    for receipt in found.receipts:
        typer.echo(json.dumps(receipt) if as_json else _line(receipt))
    if not as_json:
        typer.echo(f"{len(found.receipts)} receipts, all as they were exported at {found.issued_at}")


@app.command("check")
def check(folder: Folder = Path(".hearth"), keys: KeyFolder = "keys", journal_url: JournalUrl = "") -> None:
    """Check every receipt of the ledger: it is what was signed, and none is missing that the journal names."""
    from standards.errors import ConfigurationError

    with told():
        ledger = _open(folder, keys)
        try:
            count = ledger.check()
            named = _named_in(folder, journal_url)
            lost = sorted(named - ledger.known(named))
        finally:
            ledger.close()
        if lost:
            raise ConfigurationError(f"the journal names receipts that the ledger has lost: {', '.join(lost)}")
    typer.echo(
        f"{count} receipts, all as they were signed; {len(named)} of them are named in the journal, none is lost"
    )


@app.command("notices")
def notices(folder: Folder = Path(".hearth"), keys: KeyFolder = "keys") -> None:
    """Print who has still to be told of something read under an emergency: JSON lines, people as pseudonyms."""
    with told():
        ledger = _open(folder, keys)
        try:
            due = ledger.notices.due()
        finally:
            ledger.close()
    for notice in due:
        typer.echo(json.dumps({**notice._asdict(), "notice_id": notice.notice_id}))


def _open(folder: Path, keys: str) -> SqliteLedger:
    from gateway.keys import open_keys
    from policies.ledger import SqliteLedger
    from standards.errors import ConfigurationError

    path = folder / "consent.db"
    if not path.exists() or not (folder / keys).is_dir():
        raise ConfigurationError(f"there is no consent ledger with its keys in {folder}: name its folder with --dir")
    opened = open_keys(folder / keys)
    ledger = SqliteLedger.open(path, opened.derived("consent"), opened.signing)
    ledger.sign_with(opened.signing, opened.recorded)
    return ledger


def _record(folder: Path, keys: str, journal_url: str, consent: Consent) -> None:
    """Keep one decision, and print its receipt; a grant is in the journal first, what narrows counts at once."""
    from gateway.consents import decision_entry
    from gateway.keys import open_keys
    from policies.receipts import Decision
    from policies.signed import read_unverified

    ledger = _open(folder, keys)
    try:
        salt = uuid4().hex
        receipt_id = ledger.pseudonyms.receipt(consent, salt).receipt_id
        entry = decision_entry(
            f"consent.{consent.decision.value}",
            account(),
            open_keys(folder / keys).pseudonym_of(consent.subject),
            consent.purpose,
            receipt_id,
            datetime.now(UTC),
        )
        if consent.decision is Decision.GRANTED:
            enter(folder, journal_url, entry)
            asyncio.run(ledger.record(consent, salt))
        else:
            asyncio.run(ledger.record(consent, salt))
            enter(folder, journal_url, entry)
        found = asyncio.run(ledger.find(receipt_id))
        typer.echo(json.dumps(read_unverified(found[1]) if found else {}, indent=1))
    finally:
        ledger.close()


def _named_in(folder: Path, journal_url: str) -> frozenset[str]:
    """Return the receipts that entries of the journal say were recorded; none where there is no journal yet."""
    from gateway.consents import DECISIONS
    from gateway.journal import read, sqlite_url

    path = folder / "journal.db"
    if not journal_url and not path.exists():
        return frozenset()
    entries = read(journal_url or sqlite_url(path))
    return frozenset(entry["correlation"] for _, entry in entries if entry["event"] in DECISIONS)


def _number(stated: str, option: str) -> Identifier:
    from standards.errors import MalformedMessageError
    from standards.identifiers import GROUP_TYPES, MRN, identifier

    type_, _, value = stated.partition("=")
    try:
        found = identifier(type_, value)
    except ValueError:
        raise MalformedMessageError(f"{option}: write TYPE=VALUE, for example UIN=1234567890") from None
    if found.type in {MRN, *GROUP_TYPES}:
        raise MalformedMessageError(f"{option}: a decision is one person's, and several people bear this number")
    return found


def _presence(stated: str) -> Any:
    from policies.receipts import Presence
    from standards.errors import MalformedMessageError

    try:
        return Presence(stated)
    except ValueError:
        raise MalformedMessageError(f"--presence: one of {', '.join(Presence)}") from None


def _sources(stated: list[str] | None, config: Path | None, folder: Path) -> frozenset[str] | None:
    """Return registries that there are: a refusal of one that nobody asks would refuse nothing."""
    from gateway.commands.shared import registries_in, settings_in
    from standards.errors import MalformedMessageError

    if not stated:
        return None
    known = registries_in(settings_in(folder, config))
    if not known.issuperset(stated):
        raise MalformedMessageError(f"--source: the registries connected here are {', '.join(sorted(known))}")
    return frozenset(stated)


def _groups(stated: list[str] | None) -> frozenset[str] | None:
    from policies.groups import GROUPS
    from standards.errors import MalformedMessageError

    if stated and not set(stated) <= GROUPS:
        raise MalformedMessageError(f"--group: one of {', '.join(sorted(GROUPS))}")
    return frozenset(stated) if stated else None


def _unreadable(path: Path, error: OSError) -> Exception:
    from standards.errors import ConfigurationError

    return ConfigurationError(f"{path}: {error.strerror}")


def _line(receipt: dict[str, Any]) -> str:
    event, (purpose,) = receipt["event"], receipt["pii_processing"]["purposes"]
    about = purpose["pii_information"]
    scope = ", ".join(
        f"{word} {'all' if said == '*' else '+'.join(said)}"
        for word, said in (("registries", about["sources"]), ("groups", about["attribute_groups"]))
    )
    term = f"until {event['valid_until']}" if "valid_until" in event else "without end"
    taken = f", takes back {event['withdraws']}" if "withdraws" in event else ""
    return (
        f"{event['event_time']}  {receipt['receipt_id']}  {event['event_state']:<10} {purpose['purpose']}: {scope}; "
        f"{term}; by {receipt['party_identification'][0]['party_role']}{taken}"
    )
