"""Key sets of others: kept, fetched anew, never lost in an outage, and never fetched from inside a network."""

import asyncio

import orjson
import pytest

from gateway.settings import Consumer, Trust
from gateway.trust.fetched import KeySet, check_address, fetching, open_fetching
from gateway.trust.ring import new_key
from gateway.trust.signers import Signers
from standards.errors import ConfigurationError
from standards.signing import public_jwk

ONE, OTHER = (public_jwk(new_key("ed25519").public_key()) for _ in range(2))
URL = "https://uct.example.org/jwks.json"


class Place:
    """An address that says what it is told to, and a clock."""

    def __init__(self, *keys) -> None:
        self.keys, self.fetches, self.now = list(keys), 0, 0.0
        self.broken: Exception | None = None

    async def fetch(self, url: str) -> bytes:
        self.fetches += 1
        await asyncio.sleep(0)
        if self.broken is not None:
            raise self.broken
        return orjson.dumps({"keys": self.keys})

    def set(self, **changes) -> KeySet:
        stated = {"max_age_s": 300.0, "refetch_s": 30.0} | changes
        return KeySet(URL, self.fetch, now=lambda: self.now, **stated)


async def test_keys_are_fetched_once_and_kept():
    """However many ask at once."""
    place = Place(ONE)
    keys = place.set()

    assert all(await asyncio.gather(*(keys.knows(ONE["kid"]) for _ in range(20))))
    assert place.fetches == 1


async def test_an_unknown_key_is_fetched_for_once_in_a_while():
    """Whoever sends made-up ids makes nobody busy."""
    place = Place(ONE)
    keys = place.set()
    await keys.knows(ONE["kid"])
    place.keys = [OTHER]
    assert not any([await keys.knows("made-up") for _ in range(50)])
    assert place.fetches == 1

    place.now = 31
    assert await keys.knows(OTHER["kid"])
    assert not await keys.knows(ONE["kid"])
    assert place.fetches == 2


@pytest.mark.parametrize("broken", [OSError(), TimeoutError(), ValueError()])
async def test_the_last_good_copy_outlives_an_outage(broken):
    """And a set that holds nothing usable."""
    place = Place(ONE)
    keys = place.set()
    await keys.knows(ONE["kid"])
    place.broken = broken
    place.now = 1_000
    keys.look()
    await keys.fetched()
    assert ONE["kid"] in keys.signing

    place.broken, place.keys, place.now = None, [{"kty": "oct", "k": "AAAA", "kid": "x"}], 2_000
    keys.look()
    await keys.fetched()
    assert ONE["kid"] in keys.signing
    assert place.fetches == 3


async def test_an_old_copy_is_fetched_anew_beside_the_questions():
    """Nobody waits for it."""
    place = Place(ONE)
    keys = place.set()
    await keys.knows(ONE["kid"])
    place.keys, place.now = [ONE, OTHER], 301
    keys.look()
    assert OTHER["kid"] not in keys.signing

    await keys.fetched()
    assert OTHER["kid"] in keys.signing


async def test_who_hangs_up_does_not_end_the_fetch_of_others():
    """It is nobody's own."""
    place = Place(ONE)
    keys = place.set()
    leaving = asyncio.create_task(keys.knows(ONE["kid"]))
    await asyncio.sleep(0)
    leaving.cancel()

    assert await keys.knows(ONE["kid"])
    assert place.fetches == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://uct.example.org/jwks.json",
        "ftp://uct.example.org/jwks.json",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://10.1.2.3/",
        "https://user@uct.example.org/",
        "https:///jwks.json",
        "not an address",
    ],
)
def test_no_address_inside_a_network_is_registered(url):
    """Unless it is registered as one; found at start."""
    with pytest.raises(ConfigurationError):
        check_address(url, is_private=False)
    with pytest.raises(ConfigurationError, match=r"consumers\.uct\.jwks_url"):
        Signers([Consumer(client_id="uct", sender_id="uct", jwks_url=url)], Trust())


def test_a_private_address_may_be_registered():
    """For a country whose programmes are in one network."""
    check_address("http://10.1.2.3/jwks.json", is_private=True)
    check_address(URL, is_private=False)


async def test_a_name_that_leads_into_a_network_is_not_connected_to():
    """Looked up at the moment of connecting, so that no name can change its mind."""
    async with open_fetching(is_private=False) as session:
        with pytest.raises(OSError, match=r"not all of them public|Cannot connect"):
            await fetching(session, is_private=False)("https://localhost/jwks.json")
