"""Every documented method from end to end, in all three worlds, against the emulator's model in virtual time."""

import json
from typing import Any
from uuid import UUID

import pytest

from flow_sdk import PlatformClient, RetryPolicy
from platform_core import operations
from platform_core.machine import Decision
from platform_core.messages import Headers, Response
from platform_core.records import ExecutionRecord, SkillsArtifact
from platform_core.version import VERSION
from platform_emulator.components import ORG_ID
from platform_emulator.state import Behaviour
from platform_transports.fake import FakePlatform, Lose, json_response
from tests.support.platform import ANSWER, DEMO, ECHO, FAIL, PIPELINE, SLEEP, executions, heading, modelled, on, paths
from tests.support.worlds import World

RING = "r1"
EXECUTE = {
    "execute_code_block": (ECHO, "input_parameters"),
    "execute_agent": (ANSWER, "input_data"),
    "execute_workflow": (PIPELINE, "input_data"),
}
SUBMIT = {
    "submit_code_block_execution": (ECHO, "input_parameters"),
    "submit_agent_execution": (ANSWER, "input_data"),
    "submit_workflow_execution": (PIPELINE, "input_data"),
}


def submitted_body(platform: FakePlatform) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(platform.requests[0].body.content)
    return body


class TestExecute:
    @pytest.mark.parametrize("method", EXECUTE)
    def test_a_component_ends_with_its_input(self, world: World, method: str) -> None:
        component_id, _ = EXECUTE[method]

        async def scenario(client: PlatformClient) -> ExecutionRecord:
            record: ExecutionRecord = await getattr(client, method)(UUID(component_id), {"text": "hello"})
            return record

        record = world.run(scenario, transport=modelled())
        assert (record["status"], record.get("result"), record.get("component_id")) == ("completed", {"text": "hello"}, component_id)

    @pytest.mark.parametrize("method", EXECUTE | SUBMIT)
    def test_every_argument_goes_where_it_belongs(self, world: World, method: str) -> None:
        component_id, inputs = (EXECUTE | SUBMIT)[method]
        mode = {"execution_mode": "shared"} if "agent" in method else {}
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            arguments = {inputs: {"a": 1}, "context": {"k": "v"}, "ring_id": RING, "timeout_seconds": 9, "scope": "team"}
            await getattr(client, method)(component_id, **arguments, **mode, lifecycle_event="workflow")

        world.run(scenario, transport=platform, env={"RING_ID": "another", "LIFECYCLE_EVENT": "test"})
        assert submitted_body(platform) == {
            inputs: {"a": 1},
            "context": {"k": "v"},
            "ring_id": RING,
            "timeout_seconds": 9,
            "scope": "team",
            **mode,
        }
        assert heading(platform, "X-Lifecycle-Event")[0] == "workflow"

    def test_the_documented_order_of_arguments_holds(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            await client.execute_code_block(ECHO, {"a": 1}, {"k": 1}, RING, 9)
            await client.execute_agent(ANSWER, {"a": 1}, {"k": 1}, "shared", RING, 9)
            await client.execute_workflow(PIPELINE, {"a": 1}, {"k": 1}, RING, 9)

        world.run(scenario, transport=platform)
        bodies = [json.loads(request.body.content) for request in platform.requests if request.method == "POST"]
        common = {"context": {"k": 1}, "ring_id": RING, "timeout_seconds": 9}
        assert bodies == [
            {"input_parameters": {"a": 1}, **common},
            {"input_data": {"a": 1}, "execution_mode": "shared", **common},
            {"input_data": {"a": 1}, **common},
        ]

    def test_what_is_left_out_is_left_out_of_the_body(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            await client.execute_agent(ANSWER)

        world.run(scenario, transport=platform)
        assert submitted_body(platform) == {"execution_mode": "isolated"}

    def test_context_and_ring_come_from_the_client_where_the_call_has_none(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            await client.execute_code_block(ECHO, context={"org_id": "mine", "more": 1})

        world.run(scenario, transport=platform, env={"ORG_ID": "theirs", "WORKSPACE_ID": "w1", "RING_ID": RING})
        assert submitted_body(platform) == {"context": {"org_id": "mine", "more": 1, "workspace_id": "w1"}, "ring_id": RING}

    def test_a_long_run_is_polled_at_most_so_far_apart(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            await client.execute_code_block(SLEEP, {"seconds": 600}, poll_interval_seconds=60)

        world.run(scenario, transport=platform)
        assert 600 <= platform.now <= 660
        assert len(platform.requests) < 100, "a pause is a tenth of the time waited so far, at most a minute"

    def test_the_observers_hear_each_decision(self, world: World) -> None:
        heard: list[Decision] = []

        async def scenario(client: PlatformClient) -> None:
            await client.execute_code_block(SLEEP, {"seconds": 1})

        world.run(scenario, transport=modelled(), observers=[heard.append])
        states = [type(decision.after).__name__ for decision in heard]
        assert states[:3] == ["Submitting", "Waiting", "Polling"]
        assert states[-1] == "Ended"

    def test_a_lost_submission_is_sent_again_with_the_same_key(self, world: World) -> None:
        platform = modelled(on("POST", "/executions", Lose(effect=True)))

        async def scenario(client: PlatformClient) -> ExecutionRecord:
            return await client.execute_code_block(ECHO, {"a": 1})

        assert world.run(scenario, transport=platform)["status"] == "completed"
        first, second = heading(platform, "Idempotency-Key")[:2]
        assert first == second is not None
        assert len(executions(platform)) == 1

    def test_no_two_calls_share_a_key(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            for _ in range(3):
                await client.submit_code_block_execution(ECHO)

        world.run(scenario, transport=platform)
        assert len(set(heading(platform, "Idempotency-Key"))) == 3
        assert len(set(heading(platform, "X-Request-ID"))) == 3

    def test_no_key_is_sent_where_submissions_are_not_idempotent(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            await client.execute_code_block(ECHO)

        world.run(scenario, transport=platform, idempotent_submissions=False)
        assert set(heading(platform, "Idempotency-Key")) == {None}


class TestDurable:
    @pytest.mark.parametrize("method", SUBMIT)
    def test_submitted_watched_and_awaited(self, world: World, method: str) -> None:
        component_id, _ = SUBMIT[method]

        async def scenario(client: PlatformClient) -> list[str]:
            record: ExecutionRecord = await getattr(client, method)(component_id, {"a": 1})
            status = await client.get_execution_status(record["execution_id"])
            result = await client.await_execution_result(UUID(record["execution_id"]), 300, 1.0)
            assert result.get("result") == {"a": 1}
            return [record["status"], status["status"], result["status"]]

        assert world.run(scenario, transport=modelled()) == ["pending", "pending", "completed"]

    def test_a_replica_that_lags_behind_is_borne(self, world: World) -> None:
        async def scenario(client: PlatformClient) -> ExecutionRecord:
            record = await client.submit_code_block_execution(ECHO)
            return await client.await_execution_result(record["execution_id"])

        assert world.run(scenario, transport=modelled(behaviour=Behaviour(replica_lag_seconds=3)))["status"] == "completed"

    def test_cancelled(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> list[str]:
            record = await client.submit_code_block_execution(SLEEP, {"seconds": 1000})
            execution_id = record["execution_id"]
            return [(await client.cancel_execution(execution_id))["status"], (await client.get_execution_status(execution_id))["status"]]

        assert world.run(scenario, transport=platform) == ["cancelled", "cancelled"]
        assert platform.now < 1

    def test_a_cancel_after_the_end_changes_nothing(self, world: World) -> None:
        async def scenario(client: PlatformClient) -> ExecutionRecord:
            record = await client.execute_code_block(ECHO)
            return await client.cancel_execution(record["execution_id"])

        assert world.run(scenario, transport=modelled())["status"] == "completed"

    @pytest.mark.parametrize(("version", "endpoints"), [(None, 2), (1, 1), (2, 2)])
    def test_skills(self, world: World, version: int | None, endpoints: int) -> None:
        async def scenario(client: PlatformClient) -> SkillsArtifact:
            return await client.get_service_skills(DEMO, version)

        assert len(world.run(scenario, transport=modelled())["endpoints"]) == endpoints

    def test_an_operation_of_the_core_is_run_as_it_is(self, world: World) -> None:
        seed = UUID(int=7)
        operation = operations.execute_code_block(ECHO, {"a": 1}, seed=seed)
        heard: list[Decision] = []

        async def scenario(client: PlatformClient) -> ExecutionRecord:
            return await client.run(operation)

        assert world.run(scenario, transport=modelled(), observers=[heard.append]).get("result") == {"a": 1}
        assert {decision.operation_id for decision in heard} == {seed}


class TestRequest:
    @pytest.mark.parametrize("method", ["_request", "request"])
    def test_a_json_answer_is_parsed(self, world: World, method: str) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> Any:
            return await getattr(client, method)("get", "/api/v1/tenants/orgs", params={"limit": 5, "deep": True, "no": None})

        assert world.run(scenario, transport=platform) == [{"id": ORG_ID, "name": "Emulated organization"}]
        assert platform.requests[0].url == "https://platform.test/api/v1/tenants/orgs?limit=5&deep=true"

    def test_bytes_come_and_go_as_they_are(self, world: World) -> None:
        platform = FakePlatform([Response(200, Headers((("Content-Type", "application/pdf"),)), b"%PDF-2")])

        async def scenario(client: PlatformClient) -> Any:
            headers = {"Content-Type": "application/pdf"}
            return await client.request("PUT", "/api/v1/orgs/o/storage/objects/my file.pdf", content=b"%PDF", headers=headers)

        assert world.run(scenario, transport=platform) == b"%PDF-2"
        sent = platform.requests[0]
        assert (sent.body.content, sent.headers.get("Content-Type")) == (b"%PDF", "application/pdf")
        assert sent.url.endswith("/my%20file.pdf")

    def test_a_json_body_has_its_type(self, world: World) -> None:
        platform = FakePlatform([json_response(200, {})])

        async def scenario(client: PlatformClient) -> Any:
            return await client.request("POST", "/api/v1/things", json={"fields": ["name"], "limit": 50})

        assert world.run(scenario, transport=platform) == {}
        sent = platform.requests[0]
        assert json.loads(sent.body.content) == {"fields": ["name"], "limit": 50}
        assert sent.headers.get("Content-Type") == "application/json"


class TestHeaders:
    async def orgs(self, client: PlatformClient) -> None:
        await client.request("GET", "/api/v1/tenants/orgs")

    def test_without_an_environment_there_are_only_those_of_every_request(self, world: World) -> None:
        platform = modelled()
        world.run(self.orgs, transport=platform)
        names = {name for name, _ in platform.requests[0].headers}
        assert names == {"Accept", "X-Request-ID", "Accept-Encoding", "User-Agent"}

    def test_the_user_agent_names_client_python_and_transport(self, world: World) -> None:
        platform = modelled()
        world.run(self.orgs, transport=platform)
        (user_agent,) = heading(platform, "User-Agent")
        assert user_agent is not None
        assert user_agent.startswith(f"platform-client/{VERSION} (python/3.")
        assert user_agent.endswith("; fake)")

    def test_billing_and_workspace_stand_in_every_request(self, world: World) -> None:
        platform = modelled()
        env = {"PARENT_BILLING_TXN_ID": "txn-1", "LIFECYCLE_EVENT": "agent_run", "WORKSPACE_ID": "w1"}

        async def scenario(client: PlatformClient) -> None:
            await client.execute_code_block(ECHO, lifecycle_event="test")
            await self.orgs(client)

        world.run(scenario, transport=platform, env=env)
        assert set(heading(platform, "X-Parent-Billing-Txn-Id")) == {"txn-1"}
        assert set(heading(platform, "X-Workspace-ID")) == {"w1"}
        events = heading(platform, "X-Lifecycle-Event")
        assert events[0] == "test", "the call's own"
        assert set(events[1:]) == {"agent_run"}
        assert executions(platform)[0].parent_billing_txn_id == "txn-1"

    def test_a_caller_may_override_ours(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            await client.request("GET", "/api/v1/tenants/orgs", headers={"accept": "text/csv", "x-workspace-id": "other"})

        world.run(scenario, transport=platform, workspace_id="w1")
        assert platform.requests[0].headers.get_all("Accept") == ("text/csv",)
        assert platform.requests[0].headers.get_all("X-Workspace-ID") == ("other",)

    @pytest.mark.parametrize(("token", "header"), [("eyJ.a.b", "Authorization"), ("fl_abc", "X-API-Key")])
    def test_the_token_chooses_its_header(self, world: World, token: str, header: str) -> None:
        platform = modelled()
        world.run(self.orgs, transport=platform, auth_token=token)
        assert platform.credentials == [header]
        assert platform.requests[0].headers.get(header) is None, "credentials never stand in a value"

    def test_the_path_prefix_of_the_base_url_stays(self, world: World) -> None:
        platform = FakePlatform([json_response(200, [])])
        world.run(self.orgs, transport=platform, base_url="https://[2001:db8::1]:8443/proxy/")
        assert paths(platform) == ["GET /proxy/api/v1/tenants/orgs"]
        assert platform.requests[0].url.startswith("https://[2001:db8::1]:8443/proxy/api/")


class TestTokens:
    def test_the_first_token_comes_from_the_provider_where_none_was_given(self, world: World) -> None:
        platform, told = modelled(), list[str]()

        async def scenario(client: PlatformClient) -> None:
            await client.execute_code_block(ECHO)

        world.run(scenario, transport=platform, auth_token=None, token_provider=lambda: "fresh", on_auth_token_refresh=told.append)
        assert told == ["fresh"]

    def test_a_refused_token_is_renewed_once_and_the_call_repeated(self, world: World) -> None:
        platform, told = modelled(on("GET", "/orgs", json_response(401, {}))), list[str]()

        async def scenario(client: PlatformClient) -> Any:
            return await client.request("GET", "/api/v1/tenants/orgs")

        assert world.run(scenario, transport=platform, token_provider=lambda: "fresh", on_auth_token_refresh=told.append)
        assert told == ["fresh"]
        assert len(platform.requests) == 2

    def test_a_provider_is_asked_once_for_all_who_wait(self, world: World) -> None:
        asked: list[int] = []
        platform = modelled()

        def provider() -> str:
            asked.append(1)
            return "fresh"

        async def scenario(client: PlatformClient) -> None:
            ends = await world.together(*[lambda: client.execute_code_block(ECHO, {"a": 1})] * 8, platform=platform)
            assert [end["result"] for end in ends] == [{"a": 1}] * 8

        world.run(scenario, transport=platform, auth_token=None, token_provider=provider)
        assert len(asked) == 1


class TestManyAtOnce:
    def test_each_call_ends_with_its_own_result(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> list[Any]:
            return await world.together(
                *[lambda n=n: client.execute_code_block(SLEEP, {"seconds": n}) for n in range(20)], platform=platform
            )

        ends = world.run(scenario, transport=platform)
        assert [end["result"] for end in ends] == [{"seconds": n} for n in range(20)]
        assert len(executions(platform)) == 20

    def test_they_share_one_retry_budget(self, world: World) -> None:
        platform = FakePlatform(lambda _: Lose())
        retry = RetryPolicy(attempts_max=200, pause_seconds_max=0.5)

        async def scenario(client: PlatformClient) -> list[Any]:
            return await world.together(*[lambda: client.request("GET", "/api/v1/tenants/orgs")] * 2, platform=platform)

        ends = world.run(scenario, transport=platform, retry=retry)
        assert [type(end).__name__ for end in ends] == ["PlatformConnectionError"] * 2
        assert len(platform.requests) == 500 // 5 + 2


def test_a_component_that_fails_does_not_hurt_the_next_call(world: World) -> None:
    async def scenario(client: PlatformClient) -> ExecutionRecord:
        ends = await world.together(lambda: client.execute_code_block(FAIL, {"message": "no"}))
        assert str(ends[0]).startswith("COMPONENT_FAILED: no")
        return await client.execute_code_block(ECHO)

    assert world.run(scenario, transport=modelled())["status"] == "completed"
