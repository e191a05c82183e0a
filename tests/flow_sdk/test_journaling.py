"""Clients with a journal: what they store, what they never do, and who closes it."""

from pathlib import Path
from typing import Any

import pytest

from flow_sdk import Journal, PlatformClient, RetryPolicy
from flow_sdk.platform_client import PlatformAuthenticationError, PlatformClientError, PlatformJournalError, PlatformSubmissionUnknownError
from platform_core.messages import Headers, Response
from platform_transports.fake import Lose, json_response
from platform_transports.journal_lines import entries
from platform_transports.replay import replay
from tests.support.platform import ECHO, SLEEP, modelled, on
from tests.support.worlds import World

TOKEN = "eyJhbGciOi.c2VjcmV0.c2lnbmF0dXJl"
SECRET = "c2VjcmV0"
"""The middle of it, which no text may show."""


async def echo(client: PlatformClient) -> None:
    await client.execute_code_block(ECHO, {"a": 1})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def test_every_decision_of_an_execution_is_stored_and_decided_the_same_again(world: World, path: Path) -> None:
    async def scenario(client: PlatformClient) -> None:
        await client.execute_code_block(SLEEP, {"seconds": 1})
        record = await client.submit_code_block_execution(SLEEP, {"seconds": 1})
        await client.await_execution_result(record["execution_id"])
        await client.cancel_execution(record["execution_id"])
        await client.request("GET", "/api/v1/tenants/orgs")
        await client.get_execution_status(record["execution_id"])

    world.run(scenario, transport=modelled(), journal=path)
    found = replay(path)
    assert (found.runs, found.difference) == (4, None)
    assert [each.action["type"] for each in entries(path) if each.is_end] == ["done"] * 4


def test_no_token_is_in_it_also_where_the_platform_repeats_it(world: World, path: Path) -> None:
    echoing = json_response(503, {"message": f"got Bearer {TOKEN}", "details": [TOKEN]}, {"X-Echo": TOKEN, "Retry-After": "1"})
    elsewhere = Response(302, Headers((("Location", f"https://login.test/?token={TOKEN}"),)))
    refused = json_response(401, {"message": f"expired: {TOKEN}"})

    async def scenario(client: PlatformClient) -> None:
        for error in (PlatformClientError, PlatformAuthenticationError):
            with pytest.raises(error):
                await echo(client)
        await echo(client)

    platform = modelled(on("POST", "/executions", echoing, elsewhere, refused, refused))
    world.run(scenario, transport=platform, journal=path, auth_token=TOKEN, token_provider=lambda: TOKEN)
    assert replay(path).difference is None
    assert [each.is_end for each in entries(path)].count(True) == 3
    assert SECRET not in path.read_text(encoding="utf-8")


def test_nor_in_a_handle(world: World) -> None:
    async def scenario(client: PlatformClient) -> str:
        with pytest.raises(PlatformSubmissionUnknownError) as caught:
            await echo(client)
        assert caught.value.handle is not None
        record = await client.submit_code_block_execution(SLEEP, {"seconds": 1})
        return caught.value.handle.to_json() + client.handle(record).to_json()

    platform = modelled(on("POST", "/executions", Lose(effect=True)))
    texts = world.run(scenario, transport=platform, auth_token=TOKEN, retry=RetryPolicy(attempts_max=1))
    assert SECRET not in texts


def test_one_that_was_handed_in_stays_open_for_other_clients(world: World, path: Path) -> None:
    with Journal(path, "never") as journal:
        for _ in range(2):
            world.run(echo, transport=modelled(), journal=journal)
        with pytest.raises(PlatformJournalError, match="in use"):
            world.run(echo, transport=modelled(), journal=path)
    assert replay(path).runs == 2


def test_one_that_was_named_by_its_path_is_closed_with_the_client(world: World, path: Path) -> None:
    for given in (path, str(path)):
        world.run(echo, transport=modelled(), journal=given)
    assert replay(path).runs == 2


def test_where_nothing_can_be_stored_nothing_is_sent(world: World, tmp_path: Path) -> None:
    platform = modelled()
    with pytest.raises(PlatformJournalError, match=r"Is a directory; nothing was started on the platform") as caught:
        world.run(echo, transport=platform, journal=tmp_path)
    assert (platform.requests, caught.value.handle) == ([], None)


class TestArguments:
    @pytest.mark.parametrize("wrong", [5, b"x", [], print])
    def test_a_journal_is_a_path_or_a_journal(self, world: World, wrong: Any) -> None:
        with pytest.raises(TypeError, match=r"^journal must be a path or a flow_sdk\.Journal, not "):
            world.client(journal=wrong)

    def test_it_is_no_observer_since_it_could_not_stop_a_run_then(self, world: World, path: Path) -> None:
        with pytest.raises(TypeError, match=r"^observers must not have a Journal: give it as journal, so that it can stop a run$"):
            world.client(observers=[Journal(path)])
