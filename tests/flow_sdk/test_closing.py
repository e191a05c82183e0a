"""A closed client, and one that is closed while calls are under way: in all three worlds."""

from typing import Any

import pytest

from flow_sdk import PlatformClient, PlatformClientError
from platform_core import operations
from platform_core.actions import Sleep
from platform_core.execution import Waiting
from platform_core.machine import Decision
from platform_core.messages import Request
from platform_transports.fake import Answer, FakePlatform, json_response
from tests.support.closing import Closing
from tests.support.platform import ECHO, SEED, SLEEP, executions, modelled
from tests.support.worlds import World

CALLS: dict[str, tuple[object, ...]] = {
    "_request": ("GET", "/api/v1/x"),
    "request": ("GET", "/api/v1/x"),
    "request_raw": ("GET", "/api/v1/x"),
    "execute_code_block": (ECHO,),
    "execute_agent": (ECHO,),
    "execute_workflow": (ECHO,),
    "submit_code_block_execution": (ECHO,),
    "submit_agent_execution": (ECHO,),
    "submit_workflow_execution": (ECHO,),
    "get_execution_status": (ECHO,),
    "await_execution_result": (ECHO,),
    "cancel_execution": (ECHO,),
    "get_service_skills": (ECHO,),
    "run": (operations.execution_status(ECHO, seed=SEED),),
}


class TestClosed:
    @pytest.mark.parametrize("method", CALLS)
    def test_every_method_says_so_and_sends_nothing(self, world: World, method: str) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            await client.close()
            with pytest.raises(PlatformClientError, match=r"^the client is closed$"):
                await getattr(client, method)(*CALLS[method])

        world.run(scenario, transport=platform)
        assert platform.requests == []

    @pytest.mark.parametrize("name", ["close", "aclose"])
    def test_closing_twice_is_fine(self, world: World, name: str) -> None:
        async def scenario(client: PlatformClient) -> None:
            await client.request("GET", "/api/v1/tenants/orgs")
            for _ in range(2):
                await getattr(client, name)()

        world.run(scenario, transport=modelled())

    def test_a_closed_client_is_not_opened_again(self, world: World) -> None:
        async def scenario(client: PlatformClient) -> None:
            await client.close()

        client = world.client(transport=modelled())
        world.run(scenario, client=client)
        with pytest.raises(PlatformClientError, match="the client is closed"):
            world.run(scenario, client=client)


class TestClosedUnderWay:
    def test_an_execution_goes_on_and_the_error_carries_its_handle(self, world: World) -> None:
        platform = modelled()
        closing = Closing(world, platform)

        def observer(decision: Decision) -> None:
            if isinstance(decision.after, Waiting):
                closing.now()

        async def scenario(client: PlatformClient) -> Any:
            return await closing.during(client, lambda: client.execute_code_block(SLEEP, {"seconds": 1000}))

        error = world.run(scenario, transport=platform, observers=[observer])
        assert type(error) is PlatformClientError
        assert str(error).startswith("the client was closed while the call was under way: ")
        assert error.handle is not None
        (execution,) = executions(platform)
        assert error.handle.execution_id == execution.execution_id
        assert len(platform.requests) == 1, "no cancel, and nothing else"

    def test_a_submission_in_flight_leaves_the_handle_that_resumes_it(self, world: World) -> None:
        def script(_: Request) -> Answer:
            closing.now()
            return Answer(json_response(202, {}), after_seconds=100)

        platform = FakePlatform(script)
        closing = Closing(world, platform)

        async def scenario(client: PlatformClient) -> Any:
            return await closing.during(client, lambda: client.submit_code_block_execution(ECHO, {"a": 1}))

        error = world.run(scenario, transport=platform)
        assert isinstance(error, PlatformClientError)
        assert "closed" in str(error)
        assert error.handle is not None
        assert error.handle.submission is not None
        assert error.handle.submission.body == platform.requests[0].body.content
        assert len(platform.requests) == 1

    def test_a_wait_for_a_token_ends(self, world: World) -> None:
        def provider() -> str:
            raise OSError

        def observer(decision: Decision) -> None:
            if isinstance(decision.action, Sleep):
                closing.now()

        platform = modelled()
        closing = Closing(world, platform)

        async def scenario(client: PlatformClient) -> Any:
            return await closing.during(client, lambda: client.execute_code_block(ECHO))

        error = world.run(scenario, transport=platform, auth_token=None, token_provider=provider, observers=[observer])
        assert type(error) is PlatformClientError
        assert platform.requests == []

    def test_closing_goes_through_where_nothing_waits(self, world: World) -> None:
        async def scenario(client: PlatformClient) -> list[Any]:
            return await world.together(client.close, client.close, client.aclose)

        assert world.run(scenario, transport=modelled()) == [None, None, None]
