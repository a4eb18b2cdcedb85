"""The conversation with the revenue authority: `GetTaxpayers` of its SOAP service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.client import check_status
from adapters.ports import SourceAnswer
from adapters.tax import mapping
from standards.errors import ConfigurationError, SourceContractError
from standards.identifiers import TIN

if TYPE_CHECKING:
    from adapters.manifest import Manifest
    from adapters.ports import Deadline, Fetch, SourceClient

_PATH: Final = "/services/TaxpayerService"
_HEADERS: Final = {
    "Content-Type": "text/xml; charset=utf-8",
    "SOAPAction": f'"{mapping.NAMESPACE}/GetTaxpayers"',
}


class TaxAdapter:
    """Taxpayers by TIN, with the assessment of one year: the last one, or the last that had ended on a past day.

    Option `tax_year`: the last year that the authority has assessed.
    """

    def __init__(self, manifest: Manifest, client: SourceClient) -> None:
        """Read the year.

        Raises: ConfigurationError when the manifest names none.
        """
        year = manifest.options.get("tax_year")
        if not isinstance(year, int):
            raise ConfigurationError(f"registry {manifest.id}: set options.tax_year to a year")
        self.manifest, self._client, self._tax_year = manifest, client, year

    async def fetch(self, request: Fetch, deadline: Deadline) -> SourceAnswer:
        """Ask about everyone in one call."""
        tins = [subject.value for subject in request.subjects if subject.type == TIN]
        year = self._tax_year if request.as_of is None else min(self._tax_year, request.as_of.year - 1)
        body = mapping.to_request(tins, year)
        response = await self._client.send("POST", _PATH, deadline, headers=_HEADERS, body=body)
        # SOAP 1.1 sends every fault with status 500; one that blames the question will come again.
        if response.status == 500 and mapping.fault_of(response.body) == "Client":
            raise SourceContractError(self.manifest.id, "soap fault Client")
        check_status(response, self.manifest.id)
        answer = mapping.to_answer(response.body, request.subjects, request.names, year)
        return SourceAnswer(answer)


def build(manifest: Manifest, client: SourceClient) -> TaxAdapter:
    """Return the adapter, ready to be asked."""
    return TaxAdapter(manifest, client)
