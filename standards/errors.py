"""What can go wrong, sorted by who must act.

InteropError
  RequestError               the consumer changes the message
    MalformedMessageError    not a whole, well-formed DCI message
    SignatureInvalidError    a signature is missing where demanded, or does not verify
    EncryptionInvalidError   an encrypted message that is not taken, or cannot be decrypted
    TooManyRequestsError     asked too often: again after a while
    UnsupportedActionError   an operation this endpoint does not serve
  AccessDeniedError          the consumer obtains a token or an agreement
    UnauthenticatedError     no token, or not a valid one
  SourceError                a registry is repaired or waited for; becomes a hole, never leaves `fetch`
    SourceUnavailableError   down, slow or busy: trying again may help
      MandatorySourceError   the agreement discloses nothing without this one: ends the question
    SourceRefusedError       it will not answer us: trying again will not help
    SourceSuspendedError     it is switched off here, by its owner or the operator
    SourceContractError      it answered something it did not promise: report it to its owner
  ConfigurationError         the operator, at start only
  JournalError               the operator; the answer is withheld

Messages hold codes and ids, never a personal value. `code` is stable, and is what goes onto the wire.
"""

from __future__ import annotations

from typing import ClassVar

from standards.states import UnavailableReason


class InteropError(Exception):
    """Root of everything Hearth raises on purpose."""

    code: ClassVar[str] = "err.service.unavailable"


class RequestError(InteropError):
    """The message must change before it can be answered; `code` is a DCI code of the right level."""

    code: ClassVar[str] = "err.request.bad"

    def __init__(self, message: str, *, reason_code: str | None = None) -> None:
        """Keep the sentence that says what to change, and the DCI code that names it."""
        super().__init__(message)
        self.reason_code = reason_code or self.code


class MalformedMessageError(RequestError):
    """The message is not whole or not well formed."""


class SignatureInvalidError(RequestError):
    """The signature is missing where the sender must sign, or does not verify."""

    code: ClassVar[str] = "err.signature.invalid"


class EncryptionInvalidError(RequestError):
    """The message is encrypted and must not be, is not and must be, or cannot be decrypted."""

    code: ClassVar[str] = "err.encryption.invalid"


class TooManyRequestsError(RequestError):
    """Asked more often than is agreed; `retry_after_s` says when to try again."""

    code: ClassVar[str] = "err.request.too_many_requests"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        """Keep the sentence, and for how long to wait."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnsupportedActionError(RequestError):
    """The operation is not served here."""

    code: ClassVar[str] = "err.request.not_found"


class AccessDeniedError(InteropError):
    """The consumer may not do this."""

    code: ClassVar[str] = "err.request.forbidden"


class UnauthenticatedError(AccessDeniedError):
    """No token, or one that is not valid."""

    code: ClassVar[str] = "err.request.unauthorized"


class SourceError(InteropError):
    """One registry did not give what was asked; `reason` is what the answer will say about it."""

    def __init__(self, source_id: str, reason: UnavailableReason, detail: str = "") -> None:
        """Keep which registry, what the answer says, and a detail for the operator's log (no personal value)."""
        super().__init__(f"{source_id}: {reason}{': ' if detail else ''}{detail}")
        self.source_id = source_id
        self.reason = reason
        self.detail = detail


class SourceUnavailableError(SourceError):
    """Down, slow or busy; trying again may help."""

    def __init__(
        self,
        source_id: str,
        reason: UnavailableReason,
        detail: str = "",
        *,
        retry_after_s: float | None = None,
        until: str | None = None,
    ) -> None:
        """Keep what every SourceError keeps, and until when asking is in vain, if that is known.

        retry_after_s: for how long the registry asked to be left alone. until: when one that is closed opens again.
        """
        super().__init__(source_id, reason, detail)
        self.retry_after_s, self.until = retry_after_s, until
        self.was_hurried = False
        """Whether it would have been tried once more, had whoever asked had more time."""


class MandatorySourceError(SourceUnavailableError):
    """A source was not heard without which the agreement lets nothing be disclosed."""


class SourceRefusedError(SourceError):
    """The registry will not answer this gateway; trying again will not help."""

    def __init__(self, source_id: str, detail: str = "") -> None:
        """Say which registry refused, and with what status."""
        super().__init__(source_id, UnavailableReason.SOURCE_REFUSED, detail)


class SourceSuspendedError(SourceError):
    """The registry is switched off here: it is not asked, and nothing that it said before is told."""

    def __init__(self, source_id: str) -> None:
        """Say which registry is off."""
        super().__init__(source_id, UnavailableReason.SOURCE_SUSPENDED)


class SourceContractError(SourceError):
    """The registry answered something other than its manifest promises."""

    def __init__(
        self, source_id: str, detail: str = "", reason: UnavailableReason = UnavailableReason.SOURCE_CONTRACT
    ) -> None:
        """Say which registry broke its promise, and which promise."""
        super().__init__(source_id, reason, detail)


class ConfigurationError(InteropError):
    """A setting, manifest or agreement is wrong; raised at start, or when a new version is loaded."""


class JournalError(InteropError):
    """The journal could not record; what cannot be recorded is not answered."""
