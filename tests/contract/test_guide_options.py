"""What adapters/README.md says of requests over HTTP: every option is in its table, and the layers under them work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.generic.asking.answered import Paging
from adapters.generic.asking.placeholders import KNOWN
from adapters.generic.fhir.options import FhirLookup, FhirNumber, FhirOptions, FhirSearch, FhirWindow
from adapters.generic.files.options import FilesLookup, FilesOptions, SftpOptions
from adapters.generic.graphql.options import GraphQlErrors, GraphQlOptions, GraphQlPaging, GraphQlRequest
from adapters.generic.ogc.options import OgcLookup, OgcNumber, OgcOptions
from adapters.generic.rest.options import Failure, Nobody, RestOptions, RestRequest
from adapters.generic.soap.options import SoapArgument, SoapLookup, SoapOptions
from adapters.generic.sql.options import SqlLookup, SqlOptions
from adapters.generic.xroad.options import XRoadOptions
from adapters.transport.connection import Tls
from mocks.security_server import Front, SecurityServer
from tests.contract.by_manifest import asked, registry
from tests.contract.certificates import Authority, server_context

pytestmark = pytest.mark.contract

GUIDE = (Path(__file__).parents[2] / "adapters" / "README.md").read_text(encoding="utf-8")
ASHA = "UIN 2000000014"


def section(title):
    """Return the text under a title of the guide, up to the next one."""
    return re.split(r"^#{2,4} ", GUIDE[GUIDE.index(f"#### {title}\n") + 5 :], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize(
    ("title", "models"),
    [
        ("Certificates", [Tls]),
        ("REST", [RestRequest, RestOptions, Failure, Nobody, Paging]),
        ("GraphQL", [GraphQlRequest, GraphQlOptions, GraphQlErrors, GraphQlPaging]),
        ("SOAP", [SoapArgument, SoapLookup, SoapOptions]),
        ("FHIR", [FhirOptions, FhirLookup, FhirSearch, FhirNumber, FhirWindow]),
        ("OGC API Features", [OgcOptions, OgcLookup, OgcNumber]),
        ("X-Road", [XRoadOptions]),
        ("SQL", [SqlLookup, SqlOptions]),
        ("Files", [FilesLookup, FilesOptions, SftpOptions]),
    ],
)
def test_every_option_is_told_of(title, models):
    """A new one gets a line of its section."""
    told = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`[^`\n]+`", section(title)))))

    options = {field.alias or name for model in models for name, field in model.model_fields.items()}

    assert options - {"lookups"} <= told


def test_every_placeholder_is_told_of():
    """And none that nothing stands for."""
    told = set(re.findall(r"\{([a-z_]+)(?::UIN)?\}", section("REST").partition("| option of a request")[0]))

    assert told == KNOWN | {"surname", "birth_date"}


def shown(title):
    """Return the example of a section."""
    return re.findall(r"^```yaml\n(.*?)^```", section(title), re.MULTILINE | re.DOTALL)[0]


def pensions(*, connection=None):
    """Return the guide's example of REST, and an application that answers as its registry."""
    text = re.findall(r"^`pensions/manifest.yaml`:\n\n```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)[0]
    answer = re.findall(r"^`pensions/examples/pension.json`:\n\n```json\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)[0]
    if connection is not None:
        text = re.sub(r"^connection:\n(?:  .*\n)+", connection, text, flags=re.MULTILINE)

    async def told(request):
        is_held = request.match_info["number"] == "2000000014"
        body = answer if is_held else '{"code": "UNKNOWN_PERSON"}'
        return web.Response(text=body, status=200 if is_held else 404, content_type="application/json")

    app = web.Application()
    app.router.add_get("/pensions/{number}", told)
    return text, app


async def test_the_example_of_x_road_works(tmp_path):
    """Under a manifest that says nothing else of it; whom the registry does not hold it still says itself."""
    text, app = pensions()
    async with TestServer(app) as behind:
        front = SecurityServer(Front(f"http://127.0.0.1:{behind.port}", "PV/GOV/3003/pensions", {"registry": ""}))
        async with TestServer(front.application()) as server:
            environment = {"HEARTH_PENSIONS_URL": f"http://127.0.0.1:{server.port}", "HEARTH_PENSIONS_KEY": "k"}
            async with registry(tmp_path, text + shown("X-Road"), **environment) as connected:
                told = await asked(connected, "pension", ASHA, "UIN 2000009999")

    assert told[ASHA].values == {"pension_monthly": 120, "pension_start_date": "2019-02-01"}
    assert told["UIN 2000009999"] is None
    assert front.by_outcome == {"passed_on": 2}


async def test_the_example_of_certificates_works(tmp_path):
    """Against a registry that talks to nobody without one."""
    state = Authority("State authority")
    text, app = pensions(connection=shown("Certificates"))
    certificate, key = state.pair("gateway")
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=server_context(tmp_path, state.pair("registry"), state))
    try:
        environment = {
            "HEARTH_PENSIONS_URL": f"https://127.0.0.1:{server.port}",
            "HEARTH_PENSIONS_CERT": certificate,
            "HEARTH_PENSIONS_CERT_KEY": key,
            "HEARTH_PENSIONS_CA": state.pem,
        }
        async with registry(tmp_path, text, **environment) as connected:
            assert (await asked(connected, "pension", ASHA))[ASHA].values["pension_monthly"] == 120
    finally:
        await server.close()
