"""The farmer registry: who farms, how much land under what tenure, and what grows and lives there, asked in DCI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from mocks.chance import stream
from mocks.dci import DciRegistry, Kind
from mocks.dci_message import number, stamp
from mocks.dci_query import Attribute
from mocks.farmer_holdings import NUMBER_TYPE, Crop, Farm, Holding, holdings, registered
from mocks.people import Person
from mocks.population import Population
from mocks.rolls import Roll, member, numbers


class FarmerRegistry(DciRegistry):
    """Farmers, their farms and machines; sizes in the unit the farmer told them in."""

    name = "farmer"
    reg_type = "ns:org:RegistryType:FR"
    default_entity = "farmer"

    def __init__(self, population: Population, credentials: Mapping[str, str]) -> None:
        self.roll = Roll(holdings(population), NUMBER_TYPE)
        self._rng = stream(population.seed, "farmer numbers")
        super().__init__(population, credentials)

    def described(self) -> Mapping[str, Kind]:
        """Return the one kind of record, under the name of the record type and under that of its class."""
        kind = Kind(
            record_type="spdci-extensions-dci:Farmer",
            everybody=lambda: self.roll.entries,
            by_number={type_: self.roll.by(type_) for type_ in (NUMBER_TYPE, "UIN")},
            attributes={
                "farm_type": Attribute("text", lambda one: one.farm_type),
                "land_size_ha": Attribute("number", lambda one: one.area_ha),
                "land_tenure": Attribute("text", lambda one: tuple(farm.tenure for farm in one.farms)),
                "crop_type_name": Attribute(
                    "text", lambda one: tuple(crop.type for farm in one.farms for crop in farm.crops)
                ),
                "sex": Attribute("text", lambda one: one.person.sex),
                "birth_date": Attribute("date", lambda one: one.person.birth_date.isoformat()),
                "region_code": Attribute(
                    "text", lambda one: self.population.households[one.person.household].address.region
                ),
                "UIN": Attribute("text", lambda one: one.uin),
                NUMBER_TYPE: Attribute("text", lambda one: one.number),
            },
            record=self._record,
        )
        return {"farmer": kind, "farmer_person": kind}

    def things_of(self, kind: Kind, person: Person) -> Sequence[Any]:
        """Return what a person farms."""
        return self.roll.of(person)

    def holds(self, person: Person) -> bool:
        """Tell whether a person is registered as a farmer."""
        return bool(self.roll.of(person))

    def register(self, person: Person, day: date) -> Holding:
        """Enter a person as a farmer from a day on; one who is entered already is as they were."""
        known = next(iter(self.roll.of(person)), None)
        if known is not None:
            return known
        number = self.roll.fresh_number(self._rng, "FR-", 6)
        holding = registered(self._rng, self.population, len(self.roll.entries), person, number, day)
        self.roll.add(holding)
        return holding

    def _record(self, holding: Holding) -> dict[str, Any]:
        household = self.population.households[holding.person.household]
        family: dict[str, Any] = {"@type": "Group", "group_type": "2", "group_size": len(household.members)}
        if household.household_id is not None:
            family["group_identifier"] = [number("HOUSEHOLD_ID", household.household_id)]
        dates = {"registration_date": stamp(holding.registered_on), "last_updated": stamp(holding.updated_on)}
        record: dict[str, Any] = {
            "@type": "Farmer_Person",
            "farmer_personal_details": member(
                self.population, self.name, holding.person, numbers(NUMBER_TYPE, holding), "FRPerson"
            ),
            "family_details": family,
            "farm_type": holding.farm_type,
            "farm_details": [_farm(farm) | dates for farm in holding.farms],
        }
        if holding.machines:
            record["machineries_details"] = [
                {"type": kind, "count": count, "pv:source": source} for kind, count, source in holding.machines
            ]
        return record | dates


def _farm(farm: Farm) -> dict[str, Any]:
    place: dict[str, Any] = {"@type": "Place", "name": farm.locality}
    if farm.latitude is not None:
        place["geo"] = {"latitude": farm.latitude, "longitude": farm.longitude}
    activities: dict[str, Any] = {"@type": "FarmingActivities"}
    if farm.crops:
        activities["crop_production"] = [_crop(crop) for crop in farm.crops]
    if farm.animals:
        activities["animal_production"] = [
            {"type": one.type, "count": one.head, "livestock_system": one.system} for one in farm.animals
        ]
    return {
        "@type": "FarmInfo",
        "location": place,
        "land_tenure": farm.tenure,
        "land_size": farm.size,
        "measurment": farm.unit,
        "farming_activities": activities | {"mixed_farming": bool(farm.crops and farm.animals)},
    }


def _crop(crop: Crop) -> dict[str, Any]:
    grown = {
        "activity_group": crop.activity,
        "crop_type_name": crop.type,
        "variety": crop.variety,
        "season": crop.season,
        "end_use": crop.end_use,
        "irrigation": crop.irrigation is not None,
    }
    return grown if crop.irrigation is None else grown | {"irrigation_water": [crop.irrigation]}
