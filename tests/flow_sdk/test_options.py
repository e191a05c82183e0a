"""A client with other options: what it shares with the one that it comes from, what it does not, who closes what. In all three worlds."""

from typing import Any

import pytest

from flow_sdk import PlatformClient, PlatformClientError, PlatformTimeoutError, RetryPolicy
from platform_core.actions import Send
from platform_core.machine import Decision
from platform_core.messages import Response
from platform_transports.fake import Answer, FakePlatform, json_response
from tests.support.closing import Closing
from tests.support.iterating import all_of, first_of
from tests.support.platform import SLEEP, executions, heading, modelled
from tests.support.worlds import World

ORGS = "/api/v1/tenants/orgs"
BUSY = Response(503)


async def orgs(client: PlatformClient, **arguments: Any) -> Any:
    return await client.request("GET", ORGS, **arguments)


class TestWhatIsOther:
    def test_the_timeout_holds_for_its_calls_alone(self, world: World) -> None:
        platform = FakePlatform(lambda _: Answer(json_response(200, []), after_seconds=20))

        async def scenario(client: PlatformClient) -> None:
            with pytest.raises(PlatformTimeoutError):
                await orgs(client.with_options(timeout=5, retry=RetryPolicy(attempts_max=1)))
            assert platform.now == 5
            assert await orgs(client) == []

        world.run(scenario, transport=platform)

    def test_the_retry_policy_holds_for_its_calls_alone(self, world: World) -> None:
        platform = FakePlatform([BUSY, *[BUSY] * 4])

        async def scenario(client: PlatformClient) -> list[int | None]:
            attempts: list[int | None] = []
            for each in (client.with_options(retry=RetryPolicy(attempts_max=1)), client):
                with pytest.raises(PlatformClientError) as caught:
                    await orgs(each)
                attempts.append(caught.value.attempts)
            return attempts

        assert world.run(scenario, transport=platform) == [1, 4]

    def test_headers_are_added_override_those_of_the_client_and_are_overridden_by_a_call(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            other = client.with_options(headers={"x-tenant": "a", "x-workspace-id": "theirs", "User-Agent": "mine"})
            await orgs(other)
            await orgs(other, headers={"X-Tenant": "b"})
            await orgs(client)

        world.run(scenario, transport=platform, workspace_id="ours")
        assert heading(platform, "X-Tenant") == ["a", "b", None]
        assert heading(platform, "X-Workspace-ID") == ["theirs", "theirs", "ours"]
        assert heading(platform, "User-Agent")[:2] == ["mine", "mine"]
        assert all(len(request.headers.get_all("User-Agent")) == 1 for request in platform.requests)

    def test_every_request_of_an_execution_has_them(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            await client.with_options(headers={"X-Tenant": "a"}).execute_code_block(SLEEP, {"seconds": 5})

        world.run(scenario, transport=platform)
        assert len(platform.requests) > 2
        assert set(heading(platform, "X-Tenant")) == {"a"}

    def test_options_of_options_add_up(self, world: World) -> None:
        platform = modelled()
        deadlines: list[float] = []

        def observe(decision: Decision) -> None:
            if isinstance(decision.action, Send):
                deadlines.append(decision.action.deadline)

        async def scenario(client: PlatformClient) -> None:
            await orgs(client.with_options(timeout=7, headers={"X-A": "1", "X-B": "1"}).with_options(headers={"x-b": "2"}).with_options())

        world.run(scenario, transport=platform, observers=[observe])
        assert deadlines == [7]
        assert (heading(platform, "X-A"), heading(platform, "X-B")) == (["1"], ["2"])

    @pytest.mark.parametrize("name", ["accept", "Content-Type", "Idempotency-Key", "X-Request-ID"])
    def test_what_each_request_has_for_itself_is_refused(self, world: World, name: str) -> None:
        with pytest.raises(ValueError, match=f"^headers must not have {name} for all requests: give it to the one request that it is for$"):
            world.client().with_options(headers={name: "a"})

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"timeout": "5"}, "timeout must be a number of seconds, not str"),
            ({"timeout": 0}, "timeout must be a positive and finite number of seconds"),
            ({"retry": 3}, "retry must be a RetryPolicy, not int"),
            ({"headers": [("a", "b")]}, "headers must be a mapping, not list"),
            ({"headers": {"Authorization": "s3cret"}}, "headers must not have Authorization: the client sets it"),
        ],
    )
    def test_bad_options_are_refused_before_anything_is_sent(self, world: World, options: dict[str, Any], error: str) -> None:
        with pytest.raises((TypeError, ValueError), match=f"^{error}$"):
            world.client().with_options(**options)


class TestWhatIsShared:
    def test_transport_tokens_budget_observers_and_journal_are_those_of_the_client(self, world: World) -> None:
        client = world.client(observers=[print])
        other = client.with_options(timeout=5)
        assert type(other) is type(client)
        assert repr(other) == repr(client)
        assert other._binding is client._binding
        assert other._tokens is client._tokens
        for name in ("budget", "observers", "journal", "token"):
            assert getattr(other._wiring, name) is getattr(client._wiring, name)

    def test_a_token_that_one_has_renewed_is_the_token_of_both(self, world: World) -> None:
        platform = FakePlatform([Response(401), json_response(200, []), json_response(200, [])])
        asked: list[str] = []

        def provide() -> str:
            asked.append("asked")
            return "a-new-token"

        async def scenario(client: PlatformClient) -> None:
            await orgs(client.with_options(timeout=5))
            await orgs(client)

        world.run(scenario, transport=platform, token_provider=provide)
        assert asked == ["asked"]


class TestClosing:
    def test_one_that_is_closed_takes_no_more_calls_and_leaves_the_client_open(self, world: World) -> None:
        async def scenario(client: PlatformClient) -> None:
            other, sibling = client.with_options(timeout=5), client.with_options(timeout=6)
            for _ in range(2):
                await other.close()
            for closed in (other, other.with_options(timeout=7)):
                with pytest.raises(PlatformClientError, match=r"^the client is closed$"):
                    await orgs(closed)
            await orgs(sibling)
            await orgs(client)

        world.run(scenario, transport=modelled())

    def test_the_end_of_its_block_is_the_end_of_it_alone(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            await orgs(client)

        client = world.client(transport=platform)
        if world.is_async:

            async def opened(outer: PlatformClient) -> None:
                async with outer.with_options(timeout=5) as inner:
                    await orgs(inner)
                with pytest.raises(PlatformClientError, match=r"^the client is closed$"):
                    await orgs(inner)
                await scenario(outer)

            world.run(opened, client=client)
        else:
            with client.with_options(timeout=5) as inner:
                inner.request("GET", ORGS)
            with pytest.raises(PlatformClientError, match=r"^the client is closed$"):
                inner.request("GET", ORGS)
            world.run(scenario, client=client)
        assert len(platform.requests) == 2

    def test_closing_the_client_closes_it_too(self, world: World) -> None:
        async def scenario(client: PlatformClient) -> None:
            others = [client.with_options(timeout=5), client.with_options(timeout=5).with_options(timeout=6)]
            await client.close()
            for closed in (*others, client.with_options(timeout=7)):
                with pytest.raises(PlatformClientError, match=r"^the client is closed$"):
                    await orgs(closed)

        world.run(scenario, transport=modelled())

    def test_closing_the_client_ends_its_calls_that_are_under_way(self, world: World) -> None:
        platform = modelled()
        closing = Closing(world, platform)

        def observe(decision: Decision) -> None:
            if len(platform.requests) == 3:
                closing.now()

        async def scenario(client: PlatformClient) -> Any:
            # Nobody holds the client in between: it is held by the calls that are under way.
            other = client.with_options(timeout=5).with_options(timeout=6)
            return await closing.during(client, lambda: other.execute_code_block(SLEEP, {"seconds": 1000}))

        error = world.run(scenario, transport=platform, observers=[observe])
        assert type(error) is PlatformClientError
        assert error.handle is not None
        assert len(executions(platform)) == 1

    def test_closing_the_client_ends_a_row_that_was_begun_with_one_that_nobody_holds(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> list[Any]:
            ids = [(await client.submit_code_block_execution(SLEEP, {"seconds": each}))["execution_id"] for each in (1, 1000)]
            ends = client.with_options(timeout=5).await_all(ids)
            first = await first_of(ends)
            await client.close()
            return [first, *await all_of(ends)]

        (_, done), (_, left) = world.run(scenario, transport=platform)
        assert done["status"] == "completed"
        assert str(left).startswith("the client was closed while the call was under way")
