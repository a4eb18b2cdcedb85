"""Countries grown once for all tests of the population."""

import hashlib
from functools import cache

from mocks.population import Population, build, consents, examples


@cache
def country(households: int = 400, seed: int = 7) -> Population:
    """Return a country that tests read and never change."""
    return build(households, seed)


def digest(population: Population) -> str:
    """Return the digest of everything a registry can see of a population."""
    told = hashlib.sha256()
    for part in (population.people, population.households, population.parcels):
        for item in part:
            told.update(repr(item).encode())
    for household in population.households:
        place = household.index
        told.update(repr(population.registered_ids(place)).encode())
        told.update(repr(population.registered_members(place)).encode())
        told.update(repr(population.registered_address(place)).encode())
    for person in population.people:
        told.update(repr(population.spelling("tax", person.index)).encode())
        told.update(repr((population.national_id_alive(person.index), population.learner_brn(person.index))).encode())
    told.update(repr(list(population.by_number.items())).encode())
    told.update(repr(list(population.marriages_by_mrn.items())).encode())
    told.update(repr(list(population.households_by_id.items())).encode())
    told.update(repr(examples(population)).encode())
    told.update(repr(list(consents(population))).encode())
    return told.hexdigest()
