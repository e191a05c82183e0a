"""What stands in the standard log, when, and what does not."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from flow_sdk import PlatformClient, PlatformClientError, SyncPlatformClient
from flow_sdk.logs import LOGGER, log_decisions
from platform_core.execution import Polling
from platform_core.machine import Decision
from platform_core.messages import Response
from platform_transports.run import Observer
from tests.support.platform import FAIL, SLEEP, modelled, on
from tests.support.worlds import World

TOKEN, SECRET = "fl_secret_token_of_mine", "s3cret-inp7t"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    LOGGER.setLevel(logging.NOTSET)


def run(client: SyncPlatformClient) -> None:
    with client, suppress(PlatformClientError):
        client.execute_code_block(SLEEP, {"seconds": 2, "text": SECRET})


def sync_client(env: dict[str, str], *observers: Observer) -> SyncPlatformClient:
    transport = modelled(on("POST", "/executions", Response(503)))
    return SyncPlatformClient("https://platform.test", TOKEN, transport=transport, env=env, observers=observers)


def test_nothing_is_logged_unless_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    run(sync_client({}))
    assert caplog.records == []


def test_an_observer_logs_as_the_program_has_set_it_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "platform_client")
    run(sync_client({}, log_decisions))
    messages = [record.getMessage().partition(" s: ")[2] for record in caplog.records]
    assert messages[0].startswith("started; POST /api/v1/code-blocks/")
    assert messages[1].startswith("received 503; pause of ")
    assert messages[2].startswith("received 202; execution ")
    assert messages[3:] == ["received 200; done (terminal: completed)"]
    assert len({record.__dict__["operation_id"] for record in caplog.records}) == 1
    assert {record.__dict__["call"] for record in caplog.records} == {"execute_code_block"}


@pytest.mark.parametrize("level", ["info", "DEBUG"])
def test_a_variable_has_each_client_log(level: str, caplog: pytest.LogCaptureFixture) -> None:
    run(sync_client({"PLATFORM_CLIENT_LOG": level}))
    assert sum(record.levelno == logging.INFO for record in caplog.records) == 4
    assert any(record.levelno == logging.DEBUG for record in caplog.records) == (level == "DEBUG")


def test_a_token_that_is_renewed_and_a_run_that_is_left_are_told(caplog: pytest.LogCaptureFixture) -> None:
    def interrupt(decision: Decision) -> None:
        if isinstance(decision.after, Polling):
            raise KeyboardInterrupt

    env = {"PLATFORM_CLIENT_LOG": "debug"}
    platform = modelled(on("POST", "/executions", Response(401)))
    client = SyncPlatformClient(
        "https://platform.test", TOKEN, transport=platform, token_provider=lambda: TOKEN, env=env, observers=[interrupt]
    )
    with client, pytest.raises(KeyboardInterrupt):
        client.execute_code_block(SLEEP, {"seconds": 600})
    messages = [record.getMessage().partition(" s: ")[2] for record in caplog.records]
    assert "received 401; ask for a token (token rejected)" in messages
    assert messages[-1] == "received 200; gone: cancelled (terminal)"
    assert caplog.records[-1].levelno == logging.INFO
    assert TOKEN not in caplog.text


def test_the_variable_is_read_by_both_clients(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(client: PlatformClient) -> object:
        return await client.request("GET", "/api/v1/tenants/orgs")

    world.run(scenario, transport=modelled(), env={"PLATFORM_CLIENT_LOG": "info"})
    assert [record.getMessage().partition(" s: ")[2] for record in caplog.records][1:] == ["received 200; done (answered)"]


def test_another_word_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="PLATFORM_CLIENT_LOG must be one of info, debug, or empty"):
        world.client(env={"PLATFORM_CLIENT_LOG": "loud"})


def test_no_token_no_body_no_query_and_no_message_of_the_platform_is_in_it(caplog: pytest.LogCaptureFixture) -> None:
    client = sync_client({"PLATFORM_CLIENT_LOG": "debug"})
    with client:
        for call in (
            lambda: client.execute_code_block(SLEEP, {"seconds": 0, "text": SECRET}),
            lambda: client.execute_code_block(FAIL, {"message": SECRET}),
            lambda: client.request("GET", "/api/v1/none", params={"q": SECRET}, headers={"X-Mine": SECRET}),
            lambda: client.submit_code_block_execution(SLEEP, {"seconds": 600}, timeout_seconds=0.1),
        ):
            with suppress(PlatformClientError):
                call()
    assert len(caplog.records) > 10
    assert TOKEN not in caplog.text
    assert SECRET not in caplog.text
    assert "raise PlatformExecutionError COMPONENT_FAILED (terminal: failed)" in caplog.text


def test_a_program_without_a_log_gets_one_on_standard_error() -> None:
    code = """
from flow_sdk import SyncPlatformClient
from platform_emulator.model import Model
from platform_transports.fake import FakePlatform
from uuid import UUID

for _ in range(2):
    with SyncPlatformClient("https://platform.test", "a", transport=FakePlatform(model=Model.new(UUID(int=1)))) as client:
        client.request("GET", "/api/v1/tenants/orgs")
"""
    for env, lines in (({"PLATFORM_CLIENT_LOG": "info"}, 4), ({}, 0)):
        ended = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True, check=True)
        assert len(ended.stderr.splitlines()) == lines
        assert all(" platform_client INFO " in line for line in ended.stderr.splitlines())
