"""The standard's own request samples for the social registry, sent as they are but for what every sender must fill in."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.dci_spec import needs_dci_spec, response_faults, samples
from tests.e2e.conftest import Country

pytestmark = [pytest.mark.e2e, pytest.mark.contract, needs_dci_spec]

MOST_TIMES = 10
"""A whole page of households is much for the short deadline here, while nothing of them is remembered yet."""
REQUESTS = [path for path in samples("social") if path.stem.endswith("req")]


def sent_by(country: Country, message: dict[str, Any]) -> dict[str, Any]:
    """Fill in what is every sender's own: who sends, when, and a name that no message had before."""
    own = {
        "sender_id": country.content["consumers"]["uct"]["sender_id"],
        "message_ts": datetime.now(UTC).isoformat(),
        "message_id": uuid4().hex,
    }
    return {**message, "header": {**message["header"], **own}}


def test_the_samples_are_here():
    """Nobody passes this file by having no samples."""
    assert len(REQUESTS) >= 6


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_a_sample_is_answered_with_records_or_an_honest_empty_result(country: Country, path):
    """Every sample for the social registry is answered, and every answer is valid by the release."""
    import orjson

    for _ in range(MOST_TIMES):
        answer = country.client().send(sent_by(country, orjson.loads(path.read_bytes())))
        assert response_faults("social_api_v1.0.0.yaml", "/registry/sync/search", answer) == []
        (item,) = answer["message"]["search_response"]
        if "ask again" not in item.get("status_reason_message", ""):
            break

    assert item["status"] == "succ", item
    assert item["pagination"]["total_count"] >= len(item["data"]["reg_records"])


def test_answers_of_every_kind_are_valid_by_the_release(country: Country):
    """Records, holes, nobody, refusals: all of them fit the released schema of the social registry."""
    from standards.dci.codes import ResponseEntity
    from standards.identifiers import identifier

    client = country.client()
    people = [country.example(name) for name in country.content["examples"] if "UIN" in _numbers(country, name)]
    answers = [
        client.ask(people, purpose="eligibility"),
        client.ask(people, purpose="eligibility", entity=ResponseEntity.MEMBER, explain=True),
        client.ask(people, purpose="not_agreed"),
        client.ask([identifier("UIN", "0000000000")], purpose="eligibility"),
        client.ask(people[:1], purpose="eligibility", attributes=["no_such_attribute"]),
    ]
    country.fault("national_id", mode="down")
    country.forget()
    answers.append(client.ask(people, purpose="eligibility"))

    for answer in answers:
        assert response_faults("social_api_v1.0.0.yaml", "/registry/sync/search", answer) == []


def _numbers(country: Country, name: str):
    return country.content["examples"][name]["identifiers"]
