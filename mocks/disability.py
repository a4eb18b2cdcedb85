"""The disability registry: who is certified as disabled, how, and with what support, asked in DCI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from aiohttp import web

from mocks.beneficiary_enrolments import DISABILITY_ALLOWANCE, beneficiaries
from mocks.chance import stream
from mocks.dci import DciRegistry, Kind
from mocks.dci_query import Attribute, RefusedItemError
from mocks.disability_files import APPROVED, NUMBER_TYPE, DisabilityFile, certified, disability_files
from mocks.disability_records import details, record, supports
from mocks.people import Person
from mocks.population import Population
from mocks.registry import Call, Operation
from mocks.rolls import Roll
from mocks.speaking import spoken
from mocks.specials import Special, answer_to_special, asked_about, page_of, refusal_of, served, stamped


class DisabilityRegistry(DciRegistry):
    """Files of the disabled; besides searching, it says yes or no, and tells details or support alone."""

    name = "disability"
    reg_type = "ns:org:RegistryType:DR"
    default_entity = "disabledperson"
    spoiled_names: ClassVar[Mapping[str, str]] = {
        **DciRegistry.spoiled_names,
        "disabled_status": "status_of_disability",
    }

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        self.roll = Roll(disability_files(population), NUMBER_TYPE)
        self._rng = stream(population.seed, "disability numbers")
        self._allowances = {
            one.person.index: [held for held in one.enrolments if held.programme is DISABILITY_ALLOWANCE]
            for one in beneficiaries(population)
        }
        super().__init__(population, credentials)

    def described(self) -> Mapping[str, Kind]:
        """Return the one kind of record, under the name of the record type and under that of its class."""
        kind = Kind(
            record_type="spdci-extensions-dci:DisabledPerson",
            everybody=lambda: self.roll.entries,
            by_number={type_: self.roll.by(type_) for type_ in (NUMBER_TYPE, "UIN")},
            attributes={
                "disability_status": Attribute("text", lambda one: one.status(self.population.today)),
                "disability_status_level": Attribute("text", lambda one: one.status_level),
                "impairment_type": Attribute("text", lambda one: one.impairment),
                "sex": Attribute("text", lambda one: one.person.sex),
                "birth_date": Attribute("date", lambda one: one.person.birth_date.isoformat()),
                "region_code": Attribute("text", self._region),
                "registration_date": Attribute("date", lambda one: one.registered_on.isoformat()),
                "UIN": Attribute("text", lambda one: one.uin),
                NUMBER_TYPE: Attribute("text", lambda one: one.number),
            },
            record=self._record,
            record_on=lambda one, day: self._record(one, day) if one.registered_on <= day else None,
        )
        return {"disabledperson": kind, "pwd_person": kind}

    def operations(self) -> Iterable[Operation]:
        """Return search and the three special questions."""
        yield from super().operations()
        asked = {
            "disabled": self.disabled,
            "get-disability-details": self.details,
            "get-disability-support": self.support,
        }
        for name, answer in asked.items():
            yield from spoken(self, f"sync/{name}", served("disabled_criteria", answer), name)

    def things_of(self, kind: Kind, person: Person) -> Sequence[Any]:
        """Return a person's file."""
        return self.roll.of(person)

    def holds(self, person: Person) -> bool:
        """Tell whether a person has a file here."""
        return bool(self.roll.of(person))

    def register(self, person: Person, day: date) -> DisabilityFile:
        """Certify a person from a day on; an old file is drawn up anew under its number."""
        old = next(iter(self.roll.of(person)), None)
        place = len(self.roll.entries) if old is None else old.index
        number = self.roll.fresh_number(self._rng, "PWD-", 6) if old is None else old.number
        file = certified(self._rng, self.population, place, person, number, day)
        if old is None:
            self.roll.add(file)
        else:
            self.roll.replace(old, file)
        return file

    def disabled(self, question: Special, call: Call) -> web.Response:
        """Answer yes while a certificate is in force, and no otherwise, also about somebody unknown."""
        call.asked(1)
        if (code := refusal_of(question, "search")) is not None:
            return self._answer(question, {"disabled_response": []}, code=code)
        try:
            files = self._files(question, call)
        except RefusedItemError as refusal:
            return self._answer(question, {"disabled_response": []}, message=str(refusal))
        certified = any(file.status(self.population.today) == APPROVED for file in files)
        said = stamped(question) | {"disabled_status": "yes" if certified else "no"}
        return self._answer(question, {"disabled_response": [said]})

    def details(self, question: Special, call: Call) -> web.Response:
        """Answer with what a person's disability is, and nothing else."""
        return self._told(question, call, lambda file: {"disability_details": details(file, self.population.today)})

    def support(self, question: Special, call: Call) -> web.Response:
        """Answer with what support a person needs and has; the release wants a list of lists."""
        return self._told(question, call, lambda file: supports(self.population, file, self.population.today))

    def _told(self, question: Special, call: Call, shown: Any) -> web.Response:
        call.asked(1)
        if (code := refusal_of(question, "search")) is not None:
            return self._answer(question, {"search_response": []}, code=code)
        try:
            records = [shown(file) for file in self._files(question, call)]
        except RefusedItemError as refusal:
            why = {"status_reason_code": refusal.code, "status_reason_message": str(refusal)}
            item = stamped(question, "rjct") | why
            return self._answer(question, {"search_response": [item]}, message=str(refusal))
        data = {
            "version": "1.0.0",
            "reg_type": self.reg_type,
            "reg_record_type": self.kinds[self.default_entity].record_type,
            "reg_records": records,
        }
        item = stamped(question) | {"data": data, "pagination": page_of(records), "locale": "eng"}
        return self._answer(question, {"search_response": [item]})

    def _files(self, question: Special, call: Call) -> Sequence[DisabilityFile]:
        """Return the files of the one person asked about, or those of somebody else under `wrong_person`."""
        value, programme = asked_about(question)
        if programme is not None:
            raise RefusedItemError("rjct.search_criteria.invalid", "this registry knows no programmes")
        files = self.roll.by_any(value)
        people = call.about([file.person for file in files])
        return [file for person in people if person is not None for file in self.roll.of(person)]

    def _answer(self, question: Special, content: Mapping[str, Any], **why: str) -> web.Response:
        return answer_to_special(question, content, action="on-search", sender=self.sender_id, **why)

    def _record(self, file: DisabilityFile, day: date | None = None) -> dict[str, Any]:
        allowances = self._allowances.get(file.person.index, ())
        return record(self.population, file, allowances, day or self.population.today)

    def _region(self, file: DisabilityFile) -> str:
        return self.population.households[file.person.household].address.region

    def _item(self, *outcome: Any, **more: Any) -> dict[str, Any]:
        """Return an answer item; in this registry's release `reg_records` is one object.

        A single record is that object, none make an empty one, and several are listed under `@graph`.
        """
        item = super()._item(*outcome, **more)
        if "data" in item:
            records = item["data"]["reg_records"]
            alone = records[0] if len(records) == 1 else {"@graph": records} if records else {}
            item["data"] = item["data"] | {"reg_records": alone}
        return item
