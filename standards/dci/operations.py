"""The operations of the standard: which address serves which action, whether its answer comes at once, its scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from standards.dci.codes import Action

if TYPE_CHECKING:
    from collections.abc import Mapping


class Operation(NamedTuple):
    """One address below `/registry/`, and the two actions that are spoken there."""

    path: str
    """Below `/registry/`."""
    action: Action
    """`header.action` of what is received."""
    answer_action: Action | None
    """`header.action` of what is answered, at once or by a callback; None where nothing is but an acknowledgement."""
    is_sync: bool
    """The answer is the response; otherwise the response is an acknowledgement."""
    is_callback: bool = False
    """It is the answer to something that was asked, or the word of something that happened."""

    @property
    def scope(self) -> str:
        """Return the scope that an access token needs for it, written with dots."""
        return "registry." + self.path.replace("/", ".")


def _sync(path: str, action: Action, answer: Action) -> Operation:
    return Operation(path, action, answer, is_sync=True)


def _later(path: str, action: Action, answer: Action) -> Operation:
    return Operation(path, action, answer, is_sync=False)


def _callback(path: str, action: Action) -> Operation:
    return Operation(path, action, None, is_sync=False, is_callback=True)


OPERATIONS: Final[Mapping[str, Operation]] = {
    one.path: one
    for one in (
        _sync("sync/search", Action.SEARCH, Action.ON_SEARCH),
        _later("search", Action.SEARCH, Action.ON_SEARCH),
        _later("subscribe", Action.SUBSCRIBE, Action.ON_SUBSCRIBE),
        _later("unsubscribe", Action.UNSUBSCRIBE, Action.ON_UNSUBSCRIBE),
        _sync("sync/txn/status", Action.TXN_STATUS, Action.TXN_ON_STATUS),
        _later("txn/status", Action.TXN_STATUS, Action.TXN_ON_STATUS),
        _sync("sync/disabled", Action.SEARCH, Action.ON_SEARCH),
        _sync("sync/get-disability-details", Action.SEARCH, Action.ON_SEARCH),
        _sync("sync/get-disability-support", Action.SEARCH, Action.ON_SEARCH),
        _sync("sync/enrolled", Action.SEARCH, Action.ON_SEARCH),
        _sync("sync/enrollment/updates", Action.NOTIFY, Action.NOTIFY),
        # The standard spells the action so, and answers with that of a status.
        _sync("sync/check-enrollment", Action.ENROLMENT_STATUS, Action.TXN_ON_STATUS),
        _callback("on-search", Action.ON_SEARCH),
        _callback("on-subscribe", Action.ON_SUBSCRIBE),
        _callback("on-unsubscribe", Action.ON_UNSUBSCRIBE),
        _callback("notify", Action.NOTIFY),
        _callback("txn/on-status", Action.TXN_ON_STATUS),
    )
}
"""Every operation, by its path."""
