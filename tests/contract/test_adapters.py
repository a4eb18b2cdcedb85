"""The suite that every registry passes; registries are found by their folders, and none is listed here."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from typing import Any

import orjson
import pytest

from adapters.catalogue import find_manifests, load_manifest
from adapters.examples import differences, load_examples, replay
from adapters.kit.checking import catalogue_differences
from adapters.kit.readiness import READINESS, RULES, load_readiness
from adapters.manifest import Protocol
from adapters.ports import Response, SearchableAdapter
from standards.attributes import Catalogue, checked
from standards.errors import ConfigurationError, SourceContractError, SourceError
from standards.states import UnavailableReason

pytestmark = pytest.mark.contract

FOLDERS = [path.parent for path in find_manifests()]
MANIFESTS = {folder.name: load_manifest(folder / "manifest.yaml") for folder in FOLDERS}
EXAMPLES = [
    pytest.param(MANIFESTS[folder.name], example, id=f"{folder.name}-{example.name}")
    for folder in FOLDERS
    for example in load_examples(folder, MANIFESTS[folder.name])
]
JUNK: tuple[Any, ...] = (None, "", "nonsense", 7.5, -1, True, [], {}, [None], {"a": 1})


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request):
    """Return the folder of one registry."""
    return request.param


@pytest.fixture
def manifest(folder):
    """Return the manifest of one registry."""
    return MANIFESTS[folder.name]


class TestManifest:
    def test_it_bears_the_name_of_its_folder(self, folder, manifest):
        """The adapter is found by it."""
        assert manifest.id == folder.name

    def test_it_agrees_with_the_catalogue(self, manifest):
        """Every attribute, type and code is one that the rest of Hearth knows."""
        assert catalogue_differences(manifest) == []

    def test_numbers_are_no_attributes(self, manifest):
        """They come from `identifiers`."""
        catalogue = Catalogue.load()
        names = [name for lookup in manifest.lookups for name in lookup.attributes]

        assert [name for name in names if catalogue[name].type == "identifier"] == []

    def test_every_attribute_has_a_rank(self, manifest):
        """Whose word counts is decided, not left to a default."""
        held = {name for lookup in manifest.lookups for name in lookup.attributes}

        assert held == manifest.authority.keys()

    def test_its_readiness_list_is_complete(self, folder):
        """Every rule is answered, and nothing is left to do."""
        readiness = load_readiness(folder / READINESS)

        assert readiness.root.keys() == RULES.keys()
        assert readiness.todo == ()

    def test_every_lookup_has_an_example(self, folder, manifest):
        """What is not shown is not known to work; who is looked for by traits is found in no example."""
        shown = {example.lookup for example in load_examples(folder, manifest)}

        assert shown == {lookup.name for lookup in manifest.lookups if lookup.by}

    def test_it_can_be_searched_exactly_when_it_says_so(self, manifest):
        """The gateway pushes a filter down only where somebody takes it."""
        from adapters.catalogue import build
        from tests.fakes import InMemoryClient

        if manifest.searches:
            assert isinstance(build(manifest, InMemoryClient([])), SearchableAdapter)


@pytest.mark.parametrize(("manifest", "example"), EXAMPLES)
class TestExample:
    async def test_it_maps_to_what_is_expected(self, manifest, example):
        """Identifiers, values, ties, members, and what could not be understood."""
        assert differences(example, await replay(manifest, example)) == []

    async def test_values_have_the_catalogue_s_types(self, manifest, example):
        """Money is whole, codes are known, dates are dates."""
        catalogue = Catalogue.load()
        answer = await replay(manifest, example)
        for record in filter(None, answer.records.values()):
            for name, value in record.values.items():
                definition = catalogue[name]
                assert checked(definition, value) == value
            assert set(record.unusable.values()) <= {UnavailableReason.UNMAPPED_CODE}
            assert not record.unusable.keys() & record.values.keys()

    async def test_nothing_comes_back_that_was_not_asked_for(self, manifest, example):
        """One attribute at a time, and none."""
        for names in (frozenset(), *(frozenset({name}) for name in example.names)):
            asked = example._replace(names=names)
            if manifest.id == "health" and example.lookup == "chart":
                continue  # its answer has only the parts asked for; see its own tests
            for record in filter(None, (await replay(manifest, asked)).records.values()):
                assert record.values.keys() | record.unusable.keys() <= names

    async def test_exactly_the_subjects_asked_about_are_answered(self, manifest, example):
        """Neither more nor less."""
        assert set((await replay(manifest, example)).records) == set(example.subjects)

    @pytest.mark.parametrize("keep", [0.0, 0.5, 0.98], ids=["empty", "half", "nearly whole"])
    async def test_a_truncated_body_is_a_contract_error(self, manifest, example, keep):
        """Also one that lacks only its end."""
        broken = [one._replace(body=one.body[: int(len(one.body) * keep)]) for one in example.answers]
        with pytest.raises(SourceContractError) as caught:
            await replay(manifest, example, broken)

        assert caught.value.source_id == manifest.id

    async def test_an_answer_of_another_schema_is_a_contract_error(self, manifest, example):
        """Every key renamed, or something else altogether."""
        renamed = [one._replace(body=_renamed(one)) for one in example.answers]
        for answers in (renamed, [_json({})], [_json([])], [Response(200, "text/xml", b"<a><b/></a>")]):
            with pytest.raises(SourceContractError):
                await replay(manifest, example, answers)

    async def test_an_answer_about_someone_else_is_refused(self, manifest, example):
        """The record's own number is not the one asked about; whether anybody's is also said."""
        for subject in example.subjects:
            if example.expected[f"{subject.type} {subject.value}"] is None:
                continue
            other = subject.value[:-3] + "888"
            answers = [
                one._replace(body=one.body.replace(subject.value.encode(), other.encode())) for one in example.answers
            ]
            if manifest.speaks is Protocol.FILES:  # a list is of everybody: who is not on it is not held
                assert (await replay(manifest, example, answers)).records[subject] is None
                continue
            with pytest.raises(SourceContractError) as caught:
                await replay(manifest, example, answers)
            assert caught.value.reason is UnavailableReason.WRONG_SUBJECT
            assert other not in str(caught.value)
            assert subject.value not in str(caught.value)

    @pytest.mark.parametrize("status", [301, 401, 404, 429, 500, 503])
    async def test_every_bad_status_is_a_source_error(self, manifest, example, status):
        """Never an empty answer."""
        with pytest.raises(SourceError):
            await replay(manifest, example, [one._replace(status=status) for one in example.answers])

    async def test_one_broken_field_is_a_source_error_or_does_no_harm(self, manifest, example):
        """Nothing but a SourceError ever comes out, and its text holds nothing from the answer."""
        chance = random.Random(7)
        for _ in range(150):
            broken = _with_junk(example.answers, chance)
            if broken is None:
                return
            said = ""
            try:
                # Who is told that there is another page asks for it, and the example has none.
                with suppress(ConfigurationError):
                    await replay(manifest, example, broken)
            except SourceError as error:
                said = str(error)
            assert "Asha" not in said
            assert "Moyo" not in said


def _json(content):
    return Response(200, "application/json", orjson.dumps(content))


def _renamed(response):
    if response.content_type == "text/xml":
        return response.body.replace(b"<Taxpayer>", b"<Payer>").replace(b"</Taxpayer>", b"</Payer>")
    if response.content_type == "text/csv":
        header, _, rows = response.body.partition(b"\n")
        return re.sub(rb"(\w+)", rb"\1_v2", header) + b"\n" + rows

    def rename(part):
        if isinstance(part, dict):
            return {f"{key}_v2": rename(value) for key, value in part.items()}
        return [rename(one) for one in part] if isinstance(part, list) else part

    return orjson.dumps(rename(orjson.loads(response.body)))


def _with_junk(answers, chance):
    """Return the answers with one value, somewhere in one of them, replaced; None for what is no JSON."""
    broken = list(answers)
    at = chance.randrange(len(broken))
    content = None
    with suppress(orjson.JSONDecodeError):
        content = orjson.loads(broken[at].body)
    if content is None:
        return None
    part = content
    while True:
        key = chance.choice(list(part)) if isinstance(part, dict) else chance.randrange(len(part))
        inner = part[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.85:
            part = inner
            continue
        part[key] = chance.choice(JUNK)
        break
    broken[at] = broken[at]._replace(body=orjson.dumps(content))
    return broken
