"""What the status of a registry's response means: an answer, retry, refused, or a broken contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standards.errors import SourceContractError, SourceRefusedError, SourceUnavailableError
from standards.states import UnavailableReason

if TYPE_CHECKING:
    from adapters.ports import Response


def check_status(response: Response, source_id: str, where: str = "", said: str = "") -> None:
    """Return when the status is a success; else raise what the status means, `where` before it and `said` after it.

    | status              | means                                        | raised                          |
    |---------------------|----------------------------------------------|---------------------------------|
    | 2xx                 | an answer                                    | nothing                         |
    | 401, 403            | it will not answer us: do not retry          | SourceRefusedError              |
    | 408                 | it gave up waiting for us: retry             | SourceUnavailableError, timeout |
    | 429                 | we ask too much: retry later                 | SourceUnavailableError, busy    |
    | 5xx                 | it is broken or in maintenance: retry        | SourceUnavailableError, down    |
    | 1xx, 3xx, other 4xx | it does not keep its own contract: report it | SourceContractError             |
    """
    status = response.status
    if 200 <= status <= 299:
        return
    detail = f"{where}status {status}{said}"
    if status in (401, 403):
        raise SourceRefusedError(source_id, detail)
    if status == 408:
        raise SourceUnavailableError(source_id, UnavailableReason.SOURCE_TIMEOUT, detail)
    after_s = response.retry_after_s
    if status == 429:
        raise SourceUnavailableError(source_id, UnavailableReason.SOURCE_BUSY, detail, retry_after_s=after_s)
    if status >= 500:
        raise SourceUnavailableError(source_id, UnavailableReason.SOURCE_DOWN, detail, retry_after_s=after_s)
    raise SourceContractError(source_id, detail)
