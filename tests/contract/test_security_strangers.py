"""Nobody guesses secrets or tokens at leisure."""

import pytest

from tests.contract.trusting import asking, assertion, message
from tests.whole_gateway import whole

pytestmark = pytest.mark.contract


async def test_strangers_are_held_up_by_address(tmp_path):
    """TRUST-LIM-02: at the token endpoint, and with tokens that are none."""
    async with asking(tmp_path, limits={"logins": 2, "unauthenticated": 2}) as gate:
        tries = [(await gate.token_request(**assertion("nobody"))).status for _ in range(3)]
        tokens = [(await gate.post(message(), token="not.a.token")).status for _ in range(3)]

        assert tries == tokens == [401, 401, 429]
        assert (await gate.post(message())).status == 200


@pytest.mark.parametrize("path", ["/registry/notify", "/callbacks/crvs.guessed/registry/on-search"])
async def test_who_guesses_how_registries_prove_themselves_is_held_up(tmp_path, path):
    """Tokens and secret addresses of callbacks cannot be tried at leisure either."""
    async with whole(tmp_path, limits={"unauthenticated": 2}) as gateway:
        tries = [(await gateway.send(path, {}, Authorization="Bearer guessed")).status for _ in range(3)]

        assert tries in ([401, 401, 429], [404, 404, 429])
        assert (await gateway.send("/registry/notify", {})).status == 400
