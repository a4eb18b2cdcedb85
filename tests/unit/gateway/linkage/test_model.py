"""Linkage models: what is wrong with one is said, and the one that comes with Hearth is whole."""

import pytest
from ruamel.yaml import YAML

from gateway.linkage.comparing import Trait
from gateway.linkage.learning import written
from gateway.linkage.model import DEFAULT, LinkageModel, load_model
from standards.errors import ConfigurationError


@pytest.fixture
def content():
    """The model of the practice country as its file has it."""
    return YAML(typ="safe", pure=True).load(DEFAULT)


def load(content, tmp_path):
    """Load a model that was changed."""
    file = tmp_path / "model.yaml"
    with file.open("w", encoding="utf-8") as to:
        YAML().dump(content, to)
    return load_model(file)


def test_the_model_of_the_practice_country_is_whole():
    """It has rules, thresholds with a lead, and says what it was learned from."""
    model = load_model()

    assert model.thresholds.review + model.margin < model.thresholds.match
    assert "seed" in model.learned_from
    assert {rule.name for rule in model.rules} >= {"same_name_sex_birth_date_and_place"}
    assert {rule.name for rule in model.never} >= {"another_number"}


def test_it_names_nobody():
    """A table of common names has phonetic keys that many bear, and no name."""
    for trait in (Trait.GIVEN_NAME, Trait.SURNAME):
        frequencies = load_model().traits[trait].frequencies
        assert frequencies is not None
        assert frequencies.shares
        assert all(key == key.upper() and not set(key) & set("aeiou") for key in frequencies.shares)


def test_what_is_written_is_read_again():
    """A learned model and its file say the same."""
    model = load_model()

    assert LinkageModel.model_validate(YAML(typ="safe", pure=True).load(written(model))) == model


def _levels(content, trait):
    return content["traits"][trait]["levels"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.pop("margin"), "margin: Field required"),
        (lambda c: c.update(margin=0), "margin"),
        (lambda c: c.update(surprise=1), "surprise"),
        (lambda c: c["thresholds"].update(review=99), "`review` must be less than `match`"),
        (lambda c: c["traits"].update(shoe_size=c["traits"]["sex"]), "traits.shoe_size"),
        (lambda c: _levels(c, "surname").pop("close"), "traits.surname.levels: close missing"),
        (lambda c: _levels(c, "sex").update(year=_levels(c, "sex")["exact"]), "there is no level year"),
        (lambda c: _levels(c, "sex")["differs"].update(m=0.99, u=0.01), "differs weighs more than exact"),
        (lambda c: _levels(c, "sex")["exact"].update(m=0), "traits.sex.levels.exact.m"),
        (lambda c: c["traits"]["sex"].update(frequencies={"rare": 0.1}), "only given_name and surname"),
        (lambda c: c["rules"][0]["needs"].update(sex=["year"]), "sex has no level year"),
        (lambda c: c["rules"][0]["needs"].update(sex=["missing"]), "decides nothing"),
        (lambda c: c["rules"][0].update(name="No Name"), "rules.0.name"),
        (lambda c: c["doubts"][0]["needs"].update(sex=["year"]), "sex has no level year"),
        (lambda c: c.update(unknown_days=["13-01"]), "unknown_days.0"),
    ],
)
def test_a_mistake_is_said_with_its_place(content, tmp_path, change, said):
    """By the path in the file, and with what to do about it."""
    change(content)

    with pytest.raises(ConfigurationError) as error:
        load(content, tmp_path)

    assert said in str(error.value)
    assert "model.yaml" in str(error.value)
    assert "hearth linkage learn" in str(error.value)


def test_that_something_is_missing_may_be_a_doubt(content, tmp_path):
    """It decides nothing, and that is what a doubt says."""
    content["doubts"] = [{"name": "no_birth_date", "needs": {"birth_date": ["missing"]}}]

    assert [one.name for one in load(content, tmp_path).doubts] == ["no_birth_date"]


def test_a_file_that_is_none_is_said(tmp_path):
    """Missing, or no YAML."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("traits: [", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="line"):
        load_model(broken)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_model(tmp_path / "missing.yaml")
