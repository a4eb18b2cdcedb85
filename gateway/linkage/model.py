"""The linkage model of a country: what each agreement weighs, from where on two people are one, and what never is.

One YAML file per country, learned by `hearth linkage learn`, read at the start. It holds no name of anybody: where
rare names weigh more, it holds shares of phonetic keys that many people bear.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from gateway.linkage.comparing import LEVELS, Level, Trait
from gateway.linkage.features import Unsaid
from standards.errors import ConfigurationError

MODELS: Final = Path(__file__).with_name("models")
DEFAULT: Final = MODELS / "poveria.yaml"

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,79}$")]
Probability = Annotated[float, Field(gt=0, lt=1)]
_ROUNDING: Final = 1e-4
_DAY: Final = r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


class Part(BaseModel):
    """A frozen part of a model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Odds(Part):
    """How often two people agree just so far."""

    m: Probability = Field(description="Among records of one person.")
    u: Probability = Field(description="Among records of two people taken by chance.")

    @property
    def weight(self) -> float:
        """Return what the level weighs, in bits."""
        return math.log2(self.m / self.u)


class Frequencies(Part):
    """How common names are, so that agreeing in a rare one weighs more."""

    rare: Probability = Field(description="Share of people that a name counts for which is not in the table.")
    most_bits: float = Field(default=3.0, gt=0, le=10, description="Most that rareness adds, or commonness takes.")
    shares: dict[str, Probability] = Field(default={}, description="Phonetic key -> share of people who bear it.")

    def adjustment(self, key: str) -> float:
        """Return what agreeing in a name of a phonetic key weighs more than agreeing in any, in bits."""
        if not key:
            return 0.0
        expected = sum(share * share for share in self.shares.values()) or self.rare
        told = math.log2(expected / self.shares.get(key, self.rare))
        return max(-self.most_bits, min(self.most_bits, told))


class TraitModel(Part):
    """What agreeing in one trait weighs."""

    levels: dict[Level, Odds]
    frequencies: Frequencies | None = None


class Rule(Part):
    """Agreement that decides by itself."""

    name: Slug
    needs: dict[Trait, tuple[Level, ...]] = Field(min_length=1, description="Trait -> levels, one of which must hold.")


class Thresholds(Part):
    """From where on two people are one, and from where on somebody has to look."""

    match: float = Field(description="Bits from which the best candidate is the person.")
    review: float = Field(description="Bits from which a candidate may be the person.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.review < self.match:
            raise ValueError("`review` must be less than `match`")
        return self


class LinkageModel(Part):
    """One linkage model."""

    name: Slug
    version: str = Field(min_length=1, max_length=40)
    learned_from: str = Field(default="", description="What the weights were learned from, for people.")
    prior: Probability = Field(description="Chance that two records taken by chance are of one person.")
    thresholds: Thresholds
    margin: float = Field(gt=0, description="Bits by which the best candidate must lead the second.")
    traits: dict[Trait, TraitModel] = Field(min_length=2, description="What is compared; other traits do not count.")
    rules: tuple[Rule, ...] = Field(default=(), description="Decide first: a candidate that alone fulfils one matches.")
    never: tuple[Rule, ...] = Field(default=(), description="Who fulfils one of these is somebody else, always.")
    doubts: tuple[Rule, ...] = Field(
        default=(),
        description="Who fulfils one of these is matched by no score, for a twin or a namesake of the family may agree "
        "as far: an officer looks. Rules still decide.",
    )
    placeholders: tuple[str, ...] = Field(default=(), description="Names that stand for no name.")
    unknown_days: tuple[Annotated[str, StringConstraints(pattern=_DAY)], ...] = Field(
        default=("01-01",), description="Birthdays, MM-DD, that are written where only the year is known."
    )

    @model_validator(mode="after")
    def _traits_are_whole(self) -> Self:
        for trait, told in self.traits.items():
            _check_levels(trait, told)
        for rule in (*self.rules, *self.never, *self.doubts):
            for trait, needed in rule.needs.items():
                if strange := [level for level in needed if level not in (*LEVELS[trait], Level.MISSING)]:
                    raise ValueError(f"rule {rule.name}: {trait} has no level {strange[0]}")
                if set(needed) == {Level.MISSING} and rule not in self.doubts:
                    raise ValueError(f"rule {rule.name}: that {trait} is missing decides nothing by itself")
        return self

    @property
    def unsaid(self) -> Unsaid:
        """Return what is written where nothing is known."""
        return Unsaid(frozenset(self.placeholders), frozenset(self.unknown_days))

    @property
    def prior_bits(self) -> float:
        """Return what is thought before anything is compared, in bits."""
        return math.log2(self.prior / (1 - self.prior))


def _check_levels(trait: Trait, told: TraitModel) -> None:
    """See that a trait has its levels, and that more agreement never weighs less."""
    wanted = LEVELS[trait]
    if missing := [level for level in wanted if level not in told.levels]:
        raise ValueError(f"traits.{trait}.levels: {', '.join(missing)} missing; a trait has all of its levels")
    if strange := [level for level in told.levels if level not in wanted]:
        raise ValueError(f"traits.{trait}.levels: there is no level {', '.join(strange)}; `missing` weighs nothing")
    weights = [told.levels[level].weight for level in wanted]
    for place, (more, less) in enumerate(pairwise(weights)):
        # INVARIANT: more agreement never lowers the score.
        if less > more + _ROUNDING:
            raise ValueError(f"traits.{trait}.levels: {wanted[place + 1]} weighs more than {wanted[place]}")
    if told.frequencies is not None and trait not in (Trait.GIVEN_NAME, Trait.SURNAME):
        raise ValueError(f"traits.{trait}.frequencies: only given_name and surname have them")


def load_model(path: Path | None = None) -> LinkageModel:
    """Return the model of a YAML file; by default that of the practice country.

    Raises: ConfigurationError that names the place and what is wrong with it.
    """
    path = path or DEFAULT
    try:
        return LinkageModel.model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({type(error).__name__})") from error
    except YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" line {where.line + 1}, column {where.column + 1}" if where else ""
        raise ConfigurationError(f"{path}:{line} {getattr(error, 'problem', 'is not YAML')}") from None
    except ValidationError as error:
        faults = "; ".join(": ".join(filter(None, (".".join(map(str, e["loc"])), e["msg"]))) for e in error.errors())
        raise ConfigurationError(f"{path}: {faults}; `hearth linkage learn` writes a whole one") from None
