"""Programmes that want other attributes of one registry: none throws out what is kept for another."""

from collections.abc import Mapping

from adapters.ports import Record
from gateway.cache import MemoryCache
from gateway.stages.under_way import Errand, Terms
from standards.identifiers import Identifier
from standards.states import JsonValue
from tests.builders import KEY, NEVER, fetcher, lookup, small_manifest
from tests.fakes import in_memory

VALUES = {"given_name": "Asha", "birth_date": "1990-01-01", "sex": "female"}
WHO = (Identifier("UIN", "1"),)


class Register:
    """A registry that keeps three attributes of one person, and the calls to it."""

    def __init__(self) -> None:
        manifest = small_manifest("civil", lookup(by=["UIN"], attributes=tuple(VALUES)), cache_s=300)
        self.registries = in_memory([manifest], {("civil", "person"): [Record({"UIN": "1"}, VALUES)]})
        self.calls = fetcher(self.registries, MemoryCache(KEY, 10**6)).calls

    async def ask(self, *names: str, who: tuple[Identifier, ...] = WHO) -> Errand:
        errand = self.calls.errand(("civil", "person"), who, frozenset(names), Terms(300), NEVER)
        await self.calls.carry_out(errand)
        return errand

    @property
    def asked(self) -> int:
        return len(self.registries["civil"].asked)


def told(errand: Errand) -> list[Mapping[str, JsonValue] | None]:
    """The values that were heard of everybody; None of whom nobody holds."""
    return [heard.record and heard.record.values for heard in errand.heard.values()]


async def test_two_programmes_that_want_other_attributes_both_find_theirs_kept():
    """The registry is asked once for each, and each hears what it asked for."""
    register = Register()
    for _ in range(4):
        for names in ({"given_name", "birth_date"}, {"given_name", "sex"}):
            errand = await register.ask(*names)
            assert told(errand) == [{name: VALUES[name] for name in names}]

    assert register.asked == 2
    assert register.calls.counts()["civil"].hits == 6


async def test_a_question_for_less_is_served_by_a_record_for_more():
    """It is told no more than it asked for."""
    register = Register()
    await register.ask("given_name", "sex")
    await register.ask("birth_date")
    errand = await register.ask("sex")

    assert told(errand) == [{"sex": "female"}]
    assert register.asked == 2


async def test_whom_a_registry_does_not_hold_it_is_not_asked_about_for_another_programme():
    """Nobody by a number is nobody, whatever is wanted of them."""
    register, stranger = Register(), (Identifier("UIN", "2"),)
    await register.ask("given_name", who=stranger)
    errand = await register.ask("birth_date", who=stranger)

    assert told(errand) == [None]
    assert register.asked == 1
