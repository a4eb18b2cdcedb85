"""What a manifest tells the driver of registries that are lists, dropped into a folder or fetched by SFTP."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from adapters.generic.mapping.written import WRITTEN, Forms
from adapters.model import Model, Reference

Pattern = Annotated[str, StringConstraints(pattern=r"^[^/\\\x00-\x1f]{1,200}$")]
Encoding = Literal[
    "utf-8", "utf-16", "latin-1", "cp1250", "cp1251", "cp1252", "cp1256", "cp874", "shift_jis", "gb18030"
]
LARGEST_BYTES = 2_000_000_000


class SftpOptions(Model):
    """How the gateway and an SFTP server know each other."""

    user: Reference = Field(description="Reference to the user's name.")
    host_key: Reference = Field(
        description="Reference to the server's public key, as `ssh-keyscan` writes it (`ssh-ed25519 AAAA...`; several, "
        "one a line): no other server is talked to."
    )
    key: Reference | None = Field(default=None, description="Reference to our private key, PEM or OpenSSH.")
    password: Reference | None = Field(default=None, description="Reference to the password, where there is no key.")

    @model_validator(mode="after")
    def _one_proof(self) -> SftpOptions:
        if (self.key is None) == (self.password is None):
            raise ValueError("state either `key` or `password`")
        return self


class FilesLookup(Model):
    """How one lookup is asked: in the list by the columns that `records` name for its numbers."""

    written: dict[str, Forms] = Field(default={}, description=WRITTEN)
    rows_per_subject: int = Field(default=1, ge=1, le=10_000, description="Most rows that one subject has.")
    rows_without_number: int = Field(
        default=0,
        ge=0,
        description="Most rows that may state none of its numbers, such as a line of totals: nobody is found in them. "
        "A list with more of them is refused.",
    )


class FilesOptions(Model):
    """What the files driver needs to know. The address is a folder (`file:///drops`) or `sftp://host:port/folder`."""

    lookups: dict[str, FilesLookup] = Field(description="Lookup name -> how it is asked.")
    pattern: Pattern = Field(
        description="Names of the drops: `payments-*.csv`. The newest counts: by the date in its name where "
        "`dated_name` says so, else by when it was last changed."
    )
    format: Literal["csv", "xlsx", "jsonl"] = Field(default="csv", description="Form of the drops.")
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = Field(
        default=",", description="What separates the cells of a CSV: `,`, `;`, a tab."
    )
    encoding: Encoding = Field(default="utf-8", description="Of a CSV or of JSON lines; a byte order mark is skipped.")
    header_row: int = Field(
        default=1, ge=1, le=100, description="Row that names the columns; what stands above is not read."
    )
    sheet: str | None = Field(default=None, description="Sheet of a workbook; default: the first.")
    trailer: str | None = Field(
        default=None,
        description="What the last line of a CSV begins with; the number in it must be the number of rows. Without it, "
        "a file that was cut between two rows cannot be told from a whole one.",
    )
    complete: Literal["still", "marker"] = Field(
        default="still",
        description="When a drop is whole: once size and time stand still between two looks (`settle_s` apart), or "
        "once a file of the same name with `.done` behind it lies beside it.",
    )
    settle_s: float = Field(default=2.0, ge=0, le=600, description="Seconds between the two looks.")
    look_s: float = Field(default=60.0, gt=0, description="Seconds between looks for a newer drop.")
    dated_name: bool = Field(
        default=False, description="The name holds the day as of which the list holds: `2026-11-20` or `20261120`."
    )
    max_age_h: float = Field(
        gt=0, description="Hours after which a list is too old to be believed: the registry is unavailable then."
    )
    max_ahead_h: float = Field(
        default=48.0,
        gt=0,
        description="Hours by which a list may be ahead of our clock; one of a later time is refused.",
    )
    max_bytes: int = Field(default=500_000_000, ge=1, le=LARGEST_BYTES, description="Largest drop accepted.")
    max_rows: int = Field(default=5_000_000, ge=1, le=50_000_000, description="Most rows accepted.")
    least_rows: int = Field(default=1, ge=0, description="Fewer rows are taken for a broken drop.")
    sftp: SftpOptions | None = Field(default=None, description="For an address that begins with `sftp:`.")
