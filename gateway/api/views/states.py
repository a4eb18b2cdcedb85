"""The five states that an attribute of an answer may be in, as schemas: what each must say, and nothing more. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.api.views.values import HANDLE, Schema, reference
from policies.minimise import UNDISCLOSED
from standards.attributes import AttributeDefinition
from standards.permit import Form, FormKind
from standards.states import UnavailableReason, WithheldReason

_ORIGIN: Final[Mapping[str, Schema]] = {
    "source": {"type": "string", "minLength": 1, "description": "The registry that said so; `derived` if computed."},
    "retrieved_at": reference("time"),
    "as_of": {"type": "string", "minLength": 4, "description": "When the value held, as the registry states it."},
    "cached": {"type": "boolean", "description": "The record was asked for an earlier question."},
}
_REQUIRED: Final = ("state", "source", "retrieved_at", "cached")
_AGREED: Final = [reason.value for reason in WithheldReason if reason is not WithheldReason.NOT_IN_AGREEMENT]


def exactly(properties: Mapping[str, Schema], required: Sequence[str], **more: object) -> Schema:
    """Return the schema of an object that has these members and no others."""
    return {
        "type": "object",
        **more,
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def shared_states(*, hides: bool) -> dict[str, Schema]:
    """Return name -> definition of the states that are the same for every attribute.

    hides: the agreement shows what is withheld as if it were absent; neither then says where it is from.
    """
    unavailable = exactly(
        {
            "state": {"const": "unavailable"},
            "reason": {"enum": [reason.value for reason in UnavailableReason]},
            "source": {"type": "string", "minLength": 1, "description": "The registry that was not heard."},
            "until": {**reference("time"), "description": "When a registry that is closed opens again."},
        },
        ("state", "reason"),
        title="unavailable",
        description="It could not be obtained. This never means no, none or nothing: ask again.",
    )
    if hides:
        absent = exactly(
            {
                "state": {"const": "absent"},
                "source": {"const": UNDISCLOSED},
                "retrieved_at": reference("time"),
                "cached": {"const": False},
            },
            _REQUIRED,
            title="absent",
            description="There is nothing, or it may not be told; this agreement does not say which.",
        )
        return {"absent": absent, "unavailable": unavailable, "not_agreed": reference("absent")}
    return {
        "unavailable": unavailable,
        "withheld": _withheld(_AGREED, "Policy or the person keeps it back; no registry was asked for it."),
        "not_agreed": _withheld(
            [WithheldReason.NOT_IN_AGREEMENT.value], "Asked for by name, and not in the agreement: nothing is told."
        ),
    }


def state_schema(
    definition: AttributeDefinition, form: Form, value: Schema, *, hides: bool, stale: bool, shows_value: bool
) -> Schema:
    """Return the schema of the state of one agreed attribute.

    value: the schema of what is shown of it.
    stale: the agreement lets a record that is too old stand in, labelled, while its registry is out.
    shows_value: the value stands in its state (the plain shape), and not only in a record beside it (the DCI shapes).
    """
    # Whoever agreed to a yes or no gets none by a stand-in's word; see `policies.minimise`.
    flags = {"stale": stale, "stand_in": form.kind is not FormKind.PREDICATE and definition.derived is None}
    origin: dict[str, Schema] = {**_ORIGIN, **{name: {"const": True} for name, may_be in flags.items() if may_be}}
    if definition.derived is not None:
        inputs = list(definition.derived.inputs)
        origin["derived_from"] = {"const": inputs, "description": "The attributes that it was computed from."}
    told = dict(origin)
    required = list(_REQUIRED)
    if form.kind is FormKind.PSEUDONYM:
        handles = {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": HANDLE}}
        told["formerly"] = {**handles, "description": "Its handles under older keys, newest first."}
    if shows_value:
        told["value"] = value
        required.append("value")
        if form.kind is not FormKind.VALUE:
            told["form"] = {"const": form.kind.value}
            required.append("form")
    states = [
        exactly(
            {"state": {"const": "value"}, **told},
            required,
            title="value",
            description="A registry stated it, or it was computed.",
        ),
        reference("absent")
        if hides
        else exactly(
            {"state": {"const": "absent"}, **origin},
            _REQUIRED,
            title="absent",
            description="The registry answered, and has nothing there.",
        ),
        *([] if hides else [reference("withheld")]),
        reference("unavailable"),
    ]
    if definition.derived is None:
        states.insert(1, _conflict(told, required, value))
    return {"title": definition.title, "oneOf": states}


def _conflict(told: Mapping[str, Schema], required: Sequence[str], value: Schema) -> Schema:
    claim = exactly({"value": value, "source": _ORIGIN["source"], "as_of": _ORIGIN["as_of"]}, ("value", "source"))
    return exactly(
        {
            "state": {"const": "conflict"},
            **told,
            "differing": {
                "type": "array",
                "minItems": 1,
                "items": claim,
                "description": "What less authoritative registries say.",
            },
        },
        (*required, "differing"),
        title="conflict",
        description="Registries disagree. The value is what the most authoritative one says.",
    )


def _withheld(reasons: Sequence[str], about: str) -> Schema:
    return exactly(
        {"state": {"const": "withheld"}, "reason": {"enum": list(reasons)}},
        ("state", "reason"),
        title="withheld",
        description=about,
    )
