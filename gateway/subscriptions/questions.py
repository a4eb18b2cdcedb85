"""The question that a subscription stands for: what is told of it is what this question is answered with."""

from __future__ import annotations

from adapters.ports import Deadline
from gateway.settings import Consumer
from gateway.stages.rooms import Question
from gateway.subscriptions.store import Subscription
from standards.dci.search import IdQuery, SearchItem


def question_of(subscription: Subscription, consumer: Consumer, reference_id: str, deadline: Deadline) -> Question:
    """Return the question, as its consumer would put it now.

    Consent that came with the subscription is not taken up: what counts is in the ledger when something is told.
    """
    wanted = subscription.wanted
    item = SearchItem(
        reference_id=reference_id,
        timestamp=wanted.timestamp,
        reg_type=wanted.reg_type,
        reg_record_type=wanted.record_type,
        response_entity=wanted.response_entity,
        query=IdQuery(wanted.subject),
        purpose=subscription.purpose,
        locale=wanted.locale,
    )
    return Question(consumer, item, subscription.transaction_id, subscription.code, deadline)
