"""What is told of an execution while it runs, against the fake platform in virtual time."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from flow_sdk import PlatformClient, SyncPlatformClient
from flow_sdk.platform_client import PlatformClientError
from flow_sdk.progress import Progress, on_progress
from platform_core.messages import Headers, Response
from platform_emulator.state import Behaviour
from platform_transports.fake import FakePlatform, Lose
from tests.support.platform import ECHO, FAIL, SLEEP, modelled, on
from tests.support.worlds import World

BUSY = Behaviour(pending_seconds=1000)
UNAVAILABLE = Response(503, Headers((("Retry-After", "2"),)))


def watched(platform: FakePlatform, call: Callable[[SyncPlatformClient], object]) -> list[Progress]:
    """What the callback is told during a call of the blocking client."""
    told: list[Progress] = []
    client = SyncPlatformClient("https://platform.test", "a", transport=platform, observers=[on_progress(told.append)], env={})
    with client, suppress(PlatformClientError):
        call(client)
    return told


def test_states_fractions_and_the_end_are_told(world: World) -> None:
    told: list[Progress] = []

    async def scenario(client: PlatformClient) -> object:
        return await client.execute_code_block(SLEEP, {"seconds": 4})

    world.run(scenario, transport=modelled(), observers=[on_progress(told.append)])
    statuses = [each.status for each in told]
    assert list(dict.fromkeys(statuses)) == ["pending", "running", "completed"]
    fractions = [each.fraction for each in told if each.fraction is not None]
    assert fractions == sorted(set(fractions))
    assert all(0 <= each <= 1 for each in fractions)
    assert [each.is_ended for each in told] == [False] * (len(told) - 1) + [True]
    assert len({(each.operation_id, each.execution_id) for each in told}) == 1
    assert 4 <= told[-1].seconds < 6


def test_what_did_not_change_is_not_told_again() -> None:
    told = watched(modelled(), lambda client: client.execute_code_block(SLEEP, {"seconds": 600}))
    bare = [replace(each, seconds=0.0) for each in told]
    assert all(one != other for one, other in pairwise(bare))


def test_a_failed_execution_ends_with_its_status() -> None:
    told = watched(modelled(), lambda client: client.execute_code_block(FAIL, {"message": "no"}))
    assert (told[-1].status, told[-1].is_ended) == ("failed", True)


@pytest.mark.parametrize(
    ("act", "trouble"),
    [(UNAVAILABLE, "status: 503"), (Lose(effect=True), "failure: disconnected")],
    ids=["a status", "no answer"],
)
def test_a_pause_out_of_plan_says_why_until_there_is_an_answer(act: Any, trouble: str) -> None:
    told = watched(modelled(on("POST", "/executions", act)), lambda client: client.execute_code_block(ECHO, {}))
    assert [each.trouble for each in told if each.status is None] == [trouble, ""]
    assert all(not each.trouble for each in told[2:])


def test_a_run_that_is_cancelled_at_its_deadline_is_leaving_until_it_has_ended() -> None:
    told = watched(modelled(behaviour=BUSY), lambda client: client.execute_code_block(SLEEP, {"seconds": 600}, timeout_seconds=3))
    assert [each.is_leaving for each in told][-2:] == [True, False]
    assert (told[-1].status, told[-1].is_ended) == ("cancelled", True)


def test_one_that_is_only_watched_is_never_leaving() -> None:
    platform = modelled()
    told = watched(platform, lambda client: client.await_execution_result(submitted(platform), timeout_seconds=3))
    assert not any(each.is_leaving for each in told)
    assert (told[-1].status, told[-1].is_ended) == ("running", True)


def submitted(platform: FakePlatform) -> str:
    with SyncPlatformClient("https://platform.test", "a", transport=platform, env={}) as client:
        return client.submit_code_block_execution(SLEEP, {"seconds": 600})["execution_id"]


def test_a_submission_alone_is_told_and_a_plain_call_is_not() -> None:
    (told,) = watched(modelled(), lambda client: client.submit_code_block_execution(SLEEP, {"seconds": 600}))
    assert (told.status, told.is_ended) == ("pending", True)
    assert watched(modelled(), lambda client: client.request("GET", "/api/v1/tenants/orgs")) == []


def test_an_answer_that_makes_no_sense_tells_no_status() -> None:
    nonsense = Response(200, Headers((("Content-Type", "application/json"),)), b"[]")
    told = watched(modelled(on("POST", "/executions", nonsense)), lambda client: client.execute_code_block(ECHO, {}))
    assert [(each.status, each.is_ended) for each in told] == [(None, True)]
