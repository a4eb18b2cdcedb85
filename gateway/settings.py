"""Every setting of the gateway, with its default; `config.example.yaml` shows them all.

Read from one YAML file; any of them may be overridden by an environment variable, `HEARTH__SERVER__PORT=8081`.
Secrets stand in the environment or in key files, never in the YAML file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from standards.dci.codes import normal_reg_type
from standards.errors import ConfigurationError
from standards.rules import DEEP_TIES, Combination, Tie


class Section(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Server(Section):
    """Where the gateway listens, and who it is."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str = Field(default="", description="Address that others reach it by; default: the one it listens on.")
    sender_id: str = Field(default="hearth.gateway", description="How the gateway names itself in DCI messages.")
    max_body_bytes: int = Field(default=2_000_000, ge=1_000, description="Largest request body, in bytes.")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that share the port, one for each core.")


class Messages(Section):
    """What DCI messages may be like."""

    deadline_s: float = Field(default=5.0, gt=0, description="Longest time for a synchronous answer, in seconds.")
    compose_share: float = Field(
        default=0.15, ge=0, lt=1, description="Share of the deadline kept for composing and recording."
    )
    max_items: int = Field(default=25, ge=1, description="Most questions in one message.")
    max_page_size: int = Field(default=50, ge=1, description="Most records on one page of a search.")
    message_age_s: float = Field(default=300.0, gt=0, description="Oldest `message_ts` accepted, in seconds.")
    future_s: float = Field(default=60.0, ge=0, description="How far ahead a sender's clock may be, in seconds.")
    default_reg_type: str = Field(
        default="ns:org:RegistryType:Social", description="Registry type of a question that names none."
    )
    default_reg_types: dict[str, str] = Field(
        default={},
        description="Registry type of a question that names none, by the prefix of its address (`/{prefix}/registry/`) "
        "or by `receiver_id`; before what the prefix itself means, and before `default_reg_type`.",
    )
    receiver_ids: tuple[str, ...] = Field(
        default=(), description="Further names that messages may be addressed to; `*` takes any."
    )
    two_letter_locales: bool = Field(default=False, description="Accept `en` or `EN/GB` where `eng` is due.")

    @field_validator("default_reg_types")
    @classmethod
    def _reg_types_are_known(cls, stated: dict[str, str]) -> dict[str, str]:
        if strange := sorted(name for name, said in stated.items() if normal_reg_type(said) is None):
            raise ValueError(f"{', '.join(strange)}: no registry type of that name is known")
        return {name.casefold(): said for name, said in stated.items()} | stated


class Issuer(Section):
    """An authorisation server whose access tokens are taken here."""

    issuer: str = Field(description="`iss` of its tokens.")
    jwks_url: str = Field(description="Address of its public keys.")
    audience: str = Field(description="`aud` that its tokens must name.")
    client_claim: str = Field(default="client_id", description="Claim that names the client: its `client_id` here.")
    scope_claim: str = Field(default="scope", description="Claim with the scopes, as one text or as a list.")
    private_network: bool = Field(default=False, description="Its keys may be fetched from a private address.")


class Tokens(Section):
    """Access tokens."""

    lifetime_s: int = Field(default=3600, ge=60, description="Life of an access token, in seconds.")
    login_concurrency: int = Field(default=2, ge=1, description="Secrets checked at the same time; each takes 64 MiB.")
    assertion_age_s: int = Field(
        default=300, ge=10, le=3600, description="Longest life of a client assertion (`private_key_jwt`), in seconds."
    )
    issuers: tuple[Issuer, ...] = Field(
        default=(), description="Others whose access tokens are taken, from the consumers that name them."
    )


class RegistryOperator(Section):
    """Somebody who may decide about registrations."""

    name: str = Field(description="How the history names the person; no two people share one.")
    public_key: str = Field(description="PEM of the person's ed25519 key, printed by `hearth agreement key`.")
    roles: tuple[Literal["author", "approver", "operator"], ...] = Field(
        default=(),
        description="author: submits; approver: approves what somebody else submitted; operator: brings it live.",
    )
    owns: tuple[str, ...] = Field(
        default=(),
        description="Ids of the registries that the person answers for, and may suspend, resume and retire; "
        "`*`: every one.",
    )


class Registries(Section):
    """Which registries are connected."""

    folders: tuple[Path, ...] = Field(
        default=(), description="Folders with one folder per registry (its manifest.yaml), besides the built-in ones."
    )
    builtin: bool = Field(default=True, description="Connect the registries that come with Hearth.")
    secrets: Path | None = Field(
        default=None,
        description="Folder with one file for each `env:NAME` that the environment does not have; null: none.",
    )
    operators: tuple[RegistryOperator, ...] = Field(
        default=(), description="Who may register registries while the gateway runs; without any, nobody may."
    )
    shadows_in_flight: int = Field(
        default=2, ge=1, description="Most questions walked beside at the same time in one process; more are dropped."
    )


class Rule(Section):
    """A household boundary rule; agreements name it as `name@version`."""

    name: str
    version: str
    registered: bool = Field(default=False, description="The group that a social registry recorded.")
    kin: bool = Field(default=False, description="Next of kin by civil registration, along `ties`.")
    child_until_age: int = Field(default=18, ge=0, description="Age in years that ends childhood under `kin`.")
    co_residence: bool = Field(default=False, description="Who lives in the same dwelling by national ID.")
    combine: Combination = Field(
        default=Combination.FIRST,
        description="How several of these make one household: `first` that knows anything (registered, then kin, then "
        "co-residence), `union`, or `intersection`.",
    )
    ties: tuple[Tie, ...] = Field(
        default=(Tie.SPOUSE, Tie.CHILDREN, Tie.PARENTS),
        description="Kin ties followed: spouse, children, parents (of a child), siblings (of a child), elders (parents "
        "of a grown person), grandparents.",
    )
    depth: int = Field(
        default=1, ge=1, le=4, description="How many ties away kin may be; siblings and grandparents are two away."
    )
    max_members: int = Field(
        default=60, ge=1, le=500, description="Most members; a larger household is cut, and called incomplete."
    )
    max_residents: int = Field(
        default=25, ge=1, description="An address where more people live is no household under co-residence."
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Rule:
        if self.kin and self.depth < 2 and (deep := sorted(DEEP_TIES.intersection(self.ties))):
            raise ValueError(f"{', '.join(deep)}: two ties away, so give the rule a depth of 2 or more")
        return self


class Operator(Section):
    """Somebody who may approve agreements."""

    name: str = Field(description="How approvals name the person; no two people share one.")
    public_key: str = Field(description="PEM of the person's ed25519 key, printed by `hearth agreement key`.")


class Agreements(Section):
    """What programmes may know."""

    folder: Path = Field(default=Path("agreements"), description="Folder of the agreements, one YAML file each.")
    require_approval: bool | None = Field(
        default=None,
        description="Whether a version that widens needs two operators' approval; null: yes, except in a sandbox.",
    )
    operators: tuple[Operator, ...] = Field(default=(), description="Who may approve.")


class Households(Section):
    """Who belongs to a household."""

    rules: tuple[Rule, ...] = Field(
        default=(
            Rule(name="registered-or-kin", version="1", registered=True, kin=True),
            Rule(name="registered", version="1", registered=True),
            Rule(name="kin", version="1", kin=True),
        ),
        description="Boundary rules. A rule that agreements use is never changed, only given a new version.",
    )


class Answers(Section):
    """How what is sent to one consumer is signed and encrypted."""

    signature: Literal["keyed", "jws", "detached", "none"] = Field(
        default="keyed", description="Form of the signature; none: it is not signed."
    )
    algorithm: Literal["ed25519", "ES256", "RS256"] = Field(
        default="ed25519", description="Algorithm of a jws or detached signature; keyed is always ed25519."
    )
    encrypted: bool = Field(
        default=False, description="Encrypt it with the consumer's `encryption_key`, or one of its `jwks_url`."
    )


class Consumer(Section):
    """A programme's system and its credentials. What it may know is in its agreements."""

    client_id: str = Field(description="Name at the token endpoint; agreements name their consumer by it.")
    role: Literal["programme", "portal", "office"] = Field(
        default="programme",
        description="programme: asks; portal: lets citizens decide for themselves; office: its officers assist them.",
    )
    sender_id: str = Field(description="`sender_id` of its DCI messages.")
    secret_hash: SecretStr | None = Field(default=None, description="argon2id hash of its client secret.")
    public_key: str | None = Field(default=None, description="PEM of the ed25519 key it signs with.")
    signature: Literal["required", "optional", "off"] = Field(
        default="optional",
        description="Whether its messages must be signed; a signature that is present is verified.",
    )
    placeholders: tuple[str, ...] = Field(
        default=(), description="Signature texts, or beginnings of such, that count as no signature."
    )
    callback_url: str = Field(default="", description="Where it is called back when a message names no `sender_uri`.")
    callback_hosts: tuple[str, ...] = Field(
        default=(),
        description="Further hosts it may be called back at: `host`, `host:port` (https), or `http://host:port`.",
    )
    private_callbacks: bool = Field(
        default=False, description="Its callbacks go into a private network: no other consumer's ever do."
    )
    public_keys: tuple[str, ...] = Field(
        default=(), description="Further keys it signs with, as PEM: ed25519, P-256, or RSA of 2048 bits or more."
    )
    jwks_url: str | None = Field(default=None, description="Address of its public keys, fetched and kept.")
    private_network: bool = Field(default=False, description="Its `jwks_url` may be at a private address.")
    signature_forms: tuple[Literal["keyed", "jws", "detached"], ...] = Field(
        default=("keyed", "jws", "detached"), min_length=1, description="Forms in which it may sign."
    )
    algorithms: tuple[Literal["ed25519", "ES256", "RS256"], ...] = Field(
        default=("ed25519", "ES256", "RS256"), min_length=1, description="Algorithms with which it may sign."
    )
    encryption: Literal["off", "optional", "required"] = Field(
        default="off", description="Whether its messages may or must be encrypted."
    )
    encryption_key: str | None = Field(
        default=None, description="PEM of the P-256 or RSA key that what it is sent is encrypted with."
    )
    answers: Answers = Field(default=Answers(), description="How what it is sent is signed and encrypted.")
    login: tuple[Literal["secret", "private_key_jwt"], ...] | None = Field(
        default=None,
        min_length=1,
        description="How it may obtain tokens: by its secret, by an assertion signed with one of its keys; null: by "
        "its secret if it has one, else by an assertion.",
    )
    issuer: str | None = Field(
        default=None, description="One of `tokens.issuers` whose tokens speak for it as well; null: only our own do."
    )
    scopes: tuple[str, ...] | None = Field(
        default=None, description="Operations it may use, `registry.sync.search` for example; null: every one."
    )
    requests: int | None = Field(
        default=None, ge=1, description="Most requests in `limits.window_s`; null: `limits.requests`."
    )

    @property
    def logins(self) -> tuple[str, ...]:
        """Return how it may obtain tokens."""
        return self.login or (("secret",) if self.secret_hash is not None else ("private_key_jwt",))


class Stores(Section):
    """Where state lies. Everything is below `folder` unless a setting says otherwise."""

    folder: Path = Field(default=Path(".hearth"), description="Folder of the files below.")
    journal_url: str = Field(
        default="", description="SQLAlchemy URL of the journal; default: journal.db in the folder."
    )
    counters_url: str = Field(
        default="", description="SQLAlchemy URL of the counts of questions; default: counters.db in the folder."
    )
    trail_url: str = Field(
        default="", description="SQLAlchemy URL of notices, disputes and the index of trails; default: trail.db in it."
    )
    work_url: str = Field(default="", description="SQLAlchemy URL of durable work; default: work.db in the folder.")
    exchange_url: str = Field(
        default="", description="SQLAlchemy URL of transactions and deliveries; default: exchange.db in the folder."
    )
    subscriptions_url: str = Field(
        default="", description="SQLAlchemy URL of subscriptions; default: subscriptions.db in the folder."
    )
    registrations_url: str = Field(
        default="", description="SQLAlchemy URL of registrations; default: registrations.db in the folder."
    )
    linkage_url: str = Field(
        default="", description="SQLAlchemy URL of linkage reviews; default: linkage.db in the folder."
    )
    keys: Path = Field(default=Path("keys"), description="Folder of key files, made on the first start.")
    replay: str = Field(
        default="",
        description="File, or PostgreSQL URL, of the message ids that were seen; default: replay.db in the folder. "
        "`memory`: kept nowhere.",
    )


class Asynchronous(Section):
    """Questions that are acknowledged at once and answered by a callback."""

    deadline_s: float = Field(default=60.0, gt=0, description="Longest time for registries to answer, in seconds.")
    in_flight: int = Field(default=16, ge=1, description="Most messages that one process answers at the same time.")
    in_flight_per_consumer: int = Field(default=8, ge=1, description="Most of them for one consumer.")
    page_size: int = Field(default=50, ge=1, description="Most records of one question in one callback.")
    max_pages: int = Field(default=200, ge=1, description="Most callbacks for one question.")
    rest_wait_s: float = Field(
        default=600.0, gt=0, description="Longest wait for registries missing in `answer now, the rest by callback`."
    )
    keep_days: int = Field(default=30, ge=1, description="How long it can be asked what became of a message, in days.")


class Delivery(Section):
    """Callbacks and notifications to consumers."""

    timeout_s: float = Field(default=10.0, gt=0, description="Longest time of one try, in seconds.")
    first_pause_s: float = Field(default=1.0, gt=0, description="Pause after the first try; it doubles, in seconds.")
    longest_pause_s: float = Field(default=3600.0, gt=0, description="Longest pause between tries, in seconds.")
    give_up_s: float = Field(
        default=172800.0, gt=0, description="How long is tried before it is a dead letter, in seconds."
    )
    in_flight: int = Field(default=64, ge=1, description="Most tries at the same time in one process.")
    in_flight_per_consumer: int = Field(default=4, ge=1, description="Most of them to one consumer.")
    keep_days: int = Field(default=30, ge=1, description="How long dead letters wait for an operator, in days.")


class Journal(Section):
    """The record of what was asked: how long answers wait for it, when it is signed, where a copy lies."""

    max_waiting: int = Field(default=10_000, ge=1, description="Most entries that wait for the disk in one process.")
    max_wait_s: float = Field(default=3.0, gt=0, description="Longest time that an answer waits for its entry.")
    checkpoint_entries: int = Field(default=1000, ge=1, description="A checkpoint is signed after so many entries.")
    checkpoint_s: float = Field(
        default=60.0, gt=0, description="A checkpoint is signed after so long, if there is a new entry, in seconds."
    )
    checkpoint_file: Path | None = Field(
        default=None, description="File of the checkpoints; default: checkpoints.jsonl in the folder of the stores."
    )
    copy_file: Path | None = Field(default=None, description="Copy of every entry, best on another disk; null: none.")
    copy_max_bytes: int = Field(
        default=100_000_000, ge=0, description="Size at which a file of the copy is put aside, in bytes; 0: never."
    )
    copy_daily: bool = Field(default=False, description="Begin a new file of the copy every day, UTC.")


class Consents(Section):
    """What people decide, and when that is not asked."""

    age_of_majority: int = Field(
        default=18, ge=1, le=30, description="Age in years at which nobody else decides for a person any more."
    )
    grant_days: int = Field(default=365, ge=1, description="Life of a grant that states no last day, in days.")
    token_lifetime_s: float = Field(
        default=900.0, gt=0, description="Longest life of a consent token carried in a question, in seconds."
    )
    emergencies: Path | None = Field(
        default=None, description="Folder of declared emergencies, one YAML file each; null: none can be declared."
    )
    emergency_max_days: int = Field(default=30, ge=1, description="Longest time of one declaration, in days.")


class Subscriptions(Section):
    """Subscriptions to events, and looking for changes where registries tell of none."""

    max_per_consumer: int = Field(
        default=100_000, ge=1, description="Most open subscriptions of one programme, whatever its agreement says."
    )
    min_interval_s: float = Field(
        default=60.0,
        gt=0,
        description="Least time between two looks for changes, whatever is agreed, in seconds.",
    )
    review_s: float = Field(
        default=3600.0,
        gt=0,
        description="How often it is reviewed whether registries may still be asked to tell, in seconds.",
    )
    renew_s: float = Field(
        default=86_400.0,
        gt=0,
        description="How often a registry is asked anew to tell, in case it has lost the wish, in seconds.",
    )


class Probes(Section):
    """How much may be told bit by bit, where an agreement says nothing else."""

    window_days: int = Field(default=30, ge=1, le=800, description="How long an answer counts, in days.")
    answers: int = Field(
        default=60, ge=1, description="Most answers that tell a bit, of one attribute of one person to one programme."
    )
    thresholds: int = Field(default=3, ge=1, description="Most different thresholds, or sets of edges, among them.")
    search_values: int = Field(
        default=30, ge=1, description="Most different values that a programme's searches compare one attribute with."
    )


class Linkage(Section):
    """Record linkage: people in registries that know no number of theirs."""

    model: Path | None = Field(
        default=None, description="Linkage model of the country, a YAML file; null: the practice country's."
    )
    review_days: int = Field(
        default=30, ge=1, le=365, description="How long a pair waits for an officer before it is forgotten, in days."
    )
    decision_days: int = Field(
        default=1825, ge=1, le=18_250, description="How long an officer's decision about a pair holds, in days."
    )
    max_reviews: int = Field(
        default=10_000, ge=1, description="Most pairs that wait for an officer; a full queue takes no more."
    )


class Cache(Section):
    """The brief cache of source records."""

    max_age_s: float = Field(default=300.0, ge=0, description="Longest life of a source record, in seconds; 0: none.")
    max_bytes: int = Field(default=256_000_000, ge=0, description="Most memory for source records, in bytes.")
    max_stale_s: float = Field(
        default=3600.0, ge=0, description="Most of any agreement's `stale_if_error_s` that counts, in seconds; 0: none."
    )
    late_grace_s: float = Field(
        default=5.0, ge=0, description="How long a late call may go on where its manifest keeps late answers."
    )
    max_late_calls: int = Field(default=64, ge=0, description="Most calls that go on for the cache alone.")


class Trust(Section):
    """Our keys, and those of others that are fetched."""

    signing: tuple[Literal["ed25519", "ES256", "RS256"], ...] = Field(
        default=("ed25519",), description="Algorithms of our signing keys; `ed25519` is always among them."
    )
    encryption: tuple[Literal["ECDH-ES+A256KW", "RSA-OAEP-256"], ...] = Field(
        default=("ECDH-ES+A256KW", "RSA-OAEP-256"), description="Kinds of our keys that others encrypt with."
    )
    jwks_max_age_s: float = Field(
        default=300.0, gt=0, description="Age at which fetched keys are fetched again, beside the questions."
    )
    jwks_refetch_s: float = Field(
        default=30.0, ge=0, description="Least time between two fetches for the sake of a key id that is not known."
    )


class Limits(Section):
    """How often one consumer, or one group of addresses, may ask one process."""

    requests: int = Field(default=600_000, ge=1, description="Most requests of one consumer in `window_s`.")
    logins: int = Field(
        default=600, ge=1, description="Most token requests of one group of addresses (/24, /56) in `window_s`."
    )
    unauthenticated: int = Field(
        default=600, ge=1, description="Most refused tokens of one group of addresses in `window_s`."
    )
    window_s: int = Field(default=60, ge=1, le=86_400, description="The time that these count for, in seconds.")


class Log(Section):
    """The operator's log: JSON lines."""

    file: Path | None = Field(default=None, description="File to write to; default: standard error.")
    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severity written.")


_PREFIX: Final = "HEARTH__"


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    server: Server = Server()
    messages: Messages = Messages()
    tokens: Tokens = Tokens()
    registries: Registries = Registries()
    agreements: Agreements = Agreements()
    households: Households = Households()
    consumers: tuple[Consumer, ...] = Field(default=(), description="Systems that may ask.")
    stores: Stores = Stores()
    asynchronous: Asynchronous = Asynchronous()
    delivery: Delivery = Delivery()
    journal: Journal = Journal()
    consents: Consents = Consents()
    subscriptions: Subscriptions = Subscriptions()
    probes: Probes = Probes()
    linkage: Linkage = Linkage()
    cache: Cache = Cache()
    trust: Trust = Trust()
    limits: Limits = Limits()
    log: Log = Log()
    sign_answers: bool = Field(default=True, description="Sign every DCI answer.")
    sandbox: bool = Field(default=False, description="Practice mode: serves `/_sandbox/`. Never on real data.")

    @field_validator("agreements", mode="before")
    @classmethod
    def _folder_alone(cls, stated: object) -> object:
        """Let a file name the folder and nothing else: `agreements: terms`."""
        return {"folder": stated} if isinstance(stated, (str, Path)) else stated

    @property
    def needs_approval(self) -> bool:
        """Tell whether a widening agreement waits for two people."""
        stated = self.agreements.require_approval
        return not self.sandbox if stated is None else stated

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment override the file, which is given as init values."""
        return env_settings, init_settings


def load(path: Path | None) -> Settings:
    """Return the settings of a YAML file, or the defaults; relative paths in it are relative to the file.

    Raises: ConfigurationError that names the setting and what is wrong with it, never its value.
    """
    given: object = {}
    if path is not None:
        try:
            given = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: cannot be read ({type(error).__name__})") from error
        except YAMLError as error:
            where = getattr(error, "problem_mark", None)
            line = f" line {where.line + 1}, column {where.column + 1}" if where else ""
            raise ConfigurationError(f"{path}:{line} {getattr(error, 'problem', 'is not YAML')}") from None
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        raise ConfigurationError(f"{path}: the file holds {type(given).__name__}, not a mapping of settings")
    for name in os.environ:  # the library reads those it knows and passes over the rest, a misspelt one too
        group = name.removeprefix(_PREFIX).split("__")[0].lower()
        if name.startswith(_PREFIX) and group not in Settings.model_fields:
            raise ConfigurationError(f"{name} in the environment: there is no setting {group}")
    try:
        return Settings(**(_beside(path, given) if path is not None else given))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {_said(e['type'], e['msg'])}" for e in error.errors())
        raise ConfigurationError(f"{f'{path}, or ' if path else ''}HEARTH__ in the environment: {faults}") from None
    except SettingsError as error:
        raise ConfigurationError(f"environment: {error}") from None


def _said(kind: str, message: str) -> str:
    return "no such setting; config.example.yaml shows them all" if kind == "extra_forbidden" else message


_PATHS: Final = (
    ("agreements",),
    ("agreements", "folder"),
    ("stores", "folder"),
    ("journal", "checkpoint_file"),
    ("journal", "copy_file"),
    ("consents", "emergencies"),
    ("linkage", "model"),
    ("log", "file"),
    ("registries", "folders"),
    ("registries", "secrets"),
)
"""Settings that are paths; key files are relative to the folder of the stores."""


def _beside(path: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a file with every path that is written in it relative to the file."""
    placed = {name: dict(part) if isinstance(part, dict) else part for name, part in given.items()}
    for *groups, last in _PATHS:
        group: Any = placed
        for name in groups:
            group = group.get(name)
        stated = group.get(last) if isinstance(group, dict) else None
        if isinstance(stated, str):
            group[last] = path.parent / stated
        elif isinstance(stated, list):
            group[last] = [path.parent / one if isinstance(one, str) else one for one in stated]
    return placed
