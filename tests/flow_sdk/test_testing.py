"""The platform of the fixture `platform_fake`: held to the contract, scripted as it goes, in all three worlds."""

from typing import Any

import pytest

from flow_sdk import PlatformClient, PlatformClientError, PlatformNotFoundError
from flow_sdk.testing import PlatformFake
from platform_emulator.model import refusal
from platform_emulator.working import Working
from platform_transports.fake import json_response
from tests.support.platform import ECHO, SEED, SLEEP
from tests.support.worlds import World

SUBMIT = f"/api/v1/code-blocks/{ECHO}/executions"
YES = json_response(200, {"status": "completed"})
UNKNOWN = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture
def fake() -> PlatformFake:
    return PlatformFake(Working.new(SEED), refusal)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("POST", f"/api/v1/code-block/{ECHO}/executions"), 404, "/api/v1/code-block/"),
        (("PUT", SUBMIT), 405, "takes POST"),
        (("POST", SUBMIT), 415, "Content-Type must be application/json"),
    ],
)
def test_what_the_platform_would_refuse_is_refused_and_the_script_is_not_asked(
    world: World, fake: PlatformFake, arguments: Any, status: int, message: str
) -> None:
    fake.then(YES)

    async def scenario(client: PlatformClient) -> Any:
        with pytest.raises(PlatformClientError, match=message) as caught:
            await client.request(*arguments)
        assert caught.value.status_code == status
        return await client.request("GET", "/api/v1/tenants/orgs")

    assert world.run(scenario, transport=fake) == {"status": "completed"}, "the act is still there for a request that is one"


def test_an_id_that_nothing_is_known_of_is_refused_where_no_script_answers(world: World, fake: PlatformFake) -> None:
    async def scenario(client: PlatformClient) -> Any:
        with pytest.raises(PlatformNotFoundError):
            await client.execute_code_block(UNKNOWN)
        fake.then(json_response(200, {"execution_id": UNKNOWN, "status": "completed"}))
        return await client.get_execution_status(UNKNOWN)

    assert world.run(scenario, transport=fake)["status"] == "completed"


@pytest.mark.parametrize("token", ["a-token", "fl_a-key"])
def test_a_token_and_a_key_are_credentials_whatever_they_are(world: World, fake: PlatformFake, token: str) -> None:
    async def scenario(client: PlatformClient) -> Any:
        return await client.request("GET", "/api/v1/tenants/orgs")

    assert world.run(scenario, transport=fake, auth_token=token)


def test_executions_are_the_records_as_they_are_now(world: World, fake: PlatformFake) -> None:
    async def scenario(client: PlatformClient) -> None:
        await client.submit_code_block_execution(SLEEP, {"seconds": 3000})
        await client.execute_code_block(SLEEP, {"seconds": 300})

    world.run(scenario, transport=fake)
    assert [each["status"] for each in fake.executions] == ["running", "completed"]
    assert fake.now >= 300
