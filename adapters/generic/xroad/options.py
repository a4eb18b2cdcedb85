"""What a manifest tells about a security server of X-Road that stands before a registry."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from adapters.model import Model

_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
Subsystem = Annotated[str, StringConstraints(pattern=rf"^{_SEGMENT}/{_SEGMENT}/{_SEGMENT}/{_SEGMENT}$")]
Service = Annotated[str, StringConstraints(pattern=rf"^({_SEGMENT}/){{4}}({_SEGMENT}|\*)(/{_SEGMENT})?$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z._-]*[0-9]{0,3}$", max_length=64)]


class XRoadOptions(Model):
    """The layer that any registry over HTTP can be reached through; `connection.base_url` is the security server's."""

    protocol: Literal["rest", "soap"] = Field(
        description="Message protocol: rest carries any request over HTTP, soap carries envelopes (version 4.0)."
    )
    client: Subsystem = Field(
        description="This gateway's subsystem, `INSTANCE/CLASS/MEMBER/SUBSYSTEM`.",
        examples=["PV/GOV/1001/hearth"],
    )
    service: Service = Field(
        description="The registry's service, `INSTANCE/CLASS/MEMBER/SUBSYSTEM/CODE`. For soap, the code `*` stands for "
        "the name of the element in the body, and a version may follow: `.../CODE/v1`.",
        examples=["PV/GOV/2002/taxpayers/GetTaxpayers"],
    )
    user_id: Word | None = Field(
        default=None,
        description="Whom the registry's log shall name as the user: a word for this gateway, never somebody's "
        "number: it ends in three digits at most, and has no others.",
    )
    represented_party: Annotated[str, StringConstraints(pattern=rf"^({_SEGMENT}/)?{_SEGMENT}$")] | None = Field(
        default=None, description="On whose behalf is asked, `CLASS/CODE` or `CODE`: an organisation."
    )
    issue: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,99}$")] | None = Field(
        default=None, description="The case or agreement on which all questions rest, for the registry's log."
    )
    request_hash: Literal["checked", "unchecked"] | None = Field(
        default=None,
        description="Whether an answer must state the SHA-512 of the body sent. Default: checked for soap; unchecked "
        "for rest, where security servers count in the headers as they passed them on, which only they know.",
    )

    @model_validator(mode="after")
    def _service_fits_the_protocol(self) -> XRoadOptions:
        if self.protocol == "rest" and (self.service.count("/") != 4 or self.service.endswith("*")):
            raise ValueError("`service` of rest is `INSTANCE/CLASS/MEMBER/SUBSYSTEM/CODE`")
        return self

    @property
    def checks_hash(self) -> bool:
        """Tell whether an answer must state the hash of the body sent."""
        return self.request_hash == "checked" or (self.request_hash is None and self.protocol == "soap")
