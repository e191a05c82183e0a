"""Each run is called by the client's method that it comes from, in all of its states."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from flow_sdk import PlatformClientError, SyncPlatformClient
from flow_sdk.call_names import call_name
from platform_core.machine import Decision
from platform_transports.fake import Lose
from tests.support.platform import ANSWER, DEMO, ECHO, PIPELINE, SLEEP, modelled, on

CALLS: list[tuple[str, Callable[[SyncPlatformClient], object]]] = [
    ("request", lambda client: client.request("GET", "/api/v1/tenants/orgs")),
    ("execute_code_block", lambda client: client.execute_code_block(SLEEP, {"seconds": 3})),
    ("execute_code_block", lambda client: client.execute_code_block(SLEEP, {"seconds": 600}, timeout_seconds=1)),
    ("execute_agent", lambda client: client.execute_agent(ANSWER)),
    ("execute_workflow", lambda client: client.execute_workflow(PIPELINE)),
    ("submit_code_block_execution", lambda client: client.submit_code_block_execution(ECHO)),
    ("submit_agent_execution", lambda client: client.submit_agent_execution(ANSWER)),
    ("submit_workflow_execution", lambda client: client.submit_workflow_execution(PIPELINE)),
    ("get_service_skills", lambda client: client.get_service_skills(DEMO)),
    ("get_execution_status", lambda client: client.get_execution_status("e-1")),
    ("await_execution_result", lambda client: client.await_execution_result("e-1", timeout_seconds=1)),
    ("download", lambda client: list(client.download("/api/v1/tenants/orgs"))),
    ("stream_agent", lambda client: list(client.stream_agent(ANSWER))),
    ("cancel_execution", lambda client: client.cancel_execution("e-1")),
]


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[name for name, _ in CALLS])
def test_a_run_has_one_name_from_its_beginning_to_its_end(name: str, call: Callable[[SyncPlatformClient], object]) -> None:
    decisions: list[Decision] = []
    client = SyncPlatformClient("https://platform.test", "a", transport=modelled(), observers=[decisions.append], env={})
    with client, suppress(PlatformClientError):
        call(client)
    assert {call_name(each.before) for each in decisions} == {name}


def test_an_execution_keeps_its_name_wherever_it_is_left() -> None:
    left_in: set[str] = set()
    for moment in range(12):
        decisions: list[Decision] = []

        def interrupt(decision: Decision, told: list[Decision] = decisions, moment: int = moment) -> None:
            told.append(decision)
            if len(told) == moment:
                raise KeyboardInterrupt

        script = on("POST", "/executions", Lose(effect=True))
        client = SyncPlatformClient("https://platform.test", "a", transport=modelled(script), observers=[interrupt], env={})
        with client, suppress(PlatformClientError, KeyboardInterrupt):
            client.execute_code_block(SLEEP, {"seconds": 2})
        assert {call_name(each.before) for each in decisions} == {"execute_code_block"}
        left_in |= {type(each.before).__name__ for each in decisions}
    assert left_in >= {"Submitting", "Learning", "Waiting", "Polling", "Cancelling"}


def test_what_has_ended_is_called_by_its_state() -> None:
    decisions: list[Decision] = []
    with SyncPlatformClient("https://platform.test", "a", transport=modelled(), observers=[decisions.append], env={}) as client:
        client.execute_code_block(ECHO)
    assert call_name(decisions[-1].after) == "Ended"
