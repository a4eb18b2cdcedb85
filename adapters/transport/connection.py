"""Where a registry is, and how both sides know each other: credentials and certificates, all of them references."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from adapters.model import Model, Reference

Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
"""Name of a header or parameter, RFC 9110."""
_FRAMING: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
    | {"accept-encoding"}
)


def _no_framing(name: str) -> str:
    if name.lower() in _FRAMING:
        raise ValueError(f"{name} belongs to the connection, and is not for a manifest to set")
    return name


HeaderName = Annotated[Token, AfterValidator(_no_framing)]
"""Name of a header that a manifest may set: none of those by which messages are told apart."""
HeaderText = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$")]


class NoAuth(Model):
    """No credentials."""

    kind: Literal["none"] = Field(default="none", description="No credentials are sent.")


class ApiKeyAuth(Model):
    """A key in a header, or in a parameter of the query."""

    kind: Literal["api_key"] = Field(description="A key that the registry has given out.")
    header: HeaderName | None = Field(default=None, description="Header that carries the key.", examples=["X-API-Key"])
    query: Token | None = Field(
        default=None,
        description="Parameter that carries the key, where the registry takes no header: addresses end up in logs.",
        examples=["api_key"],
    )
    key: Reference = Field(description="Reference to the key.")

    @model_validator(mode="after")
    def _in_one_place(self) -> ApiKeyAuth:
        if (self.header is None) == (self.query is None):
            raise ValueError("the key goes into a `header` or into the `query`")
        return self


class BasicAuth(Model):
    """User name and password, RFC 7617."""

    kind: Literal["basic"] = Field(description="User name and password are sent with every request.")
    user: Reference = Field(description="Reference to the user name.")
    password: Reference = Field(description="Reference to the password.")


class BearerAuth(Model):
    """A token that does not change, RFC 6750."""

    kind: Literal["bearer"] = Field(description="A token that does not change is sent with every request.")
    token: Reference = Field(description="Reference to the token.")


class OAuth2Auth(Model):
    """OAuth 2 client credentials; the token is asked for when needed and kept until shortly before it ends."""

    kind: Literal["oauth2"] = Field(description="An access token is asked for, and sent with every request.")
    token_path: str = Field(pattern=r"^/[^\s#]*$", description="Path of the token endpoint below the base address.")
    client_id: Reference = Field(description="Reference to the client id.")
    method: Literal["client_secret", "private_key_jwt"] = Field(
        default="client_secret",
        description="Proof of the client: its secret, or an assertion signed with the gateway's own key.",
    )
    client_secret: Reference | None = Field(default=None, description="Reference to the secret, for that method.")
    audience: str | None = Field(
        default=None, description="Whom an assertion is for; default: the address of the token endpoint."
    )
    scope: str | None = Field(default=None, description="Scope asked for; null: none is named.")

    @model_validator(mode="after")
    def _secret_belongs_to_its_method(self) -> OAuth2Auth:
        if (self.method == "client_secret") != (self.client_secret is not None):
            raise ValueError("`client_secret` and `method: client_secret` go together")
        return self


Auth = Annotated[
    NoAuth | ApiKeyAuth | BasicAuth | BearerAuth | OAuth2Auth,
    Field(discriminator="kind"),
]


class Tls(Model):
    """What the gateway shows and trusts on a connection over TLS.

    Each is a reference to PEM text, or to the path of a file with it.
    """

    certificate: Reference | None = Field(
        default=None, description="The gateway's own certificate for this registry (mutual TLS), its issuers after it."
    )
    key: Reference | None = Field(default=None, description="The private key of that certificate.")
    password: Reference | None = Field(default=None, description="What the key is encrypted with, if it is.")
    authorities: Reference | None = Field(
        default=None,
        description="Certificates of the authorities that alone may vouch for the registry; default: the system's.",
    )

    @model_validator(mode="after")
    def _pairs(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("`certificate` and `key` go together")
        if self.password is not None and self.key is None:
            raise ValueError("`password` is of a `key`")
        return self


class Connection(Model):
    """Where the registry is, and how it knows us."""

    base_url: Reference = Field(description="Reference to the registry's base address.")
    auth: Auth = Field(default=NoAuth(), description="How the registry knows us; default: it does not ask.")
    headers: dict[HeaderName, Reference] = Field(
        default={}, description="Further headers that carry credentials, such as a client's id beside its key."
    )
    tls: Tls | None = Field(
        default=None, description="Certificates, where the usual trust in a registry's address is not enough."
    )

    @property
    def is_mutual(self) -> bool:
        """Whether we show a certificate of our own."""
        return self.tls is not None and self.tls.certificate is not None
