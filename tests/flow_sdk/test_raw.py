"""Answers as they came, through both clients, in all three worlds."""

import pytest

from flow_sdk import PlatformClient, PlatformClientError, RawResponse
from platform_core.messages import Headers, Response
from platform_transports.fake import FakePlatform, json_response
from tests.support.platform import heading, modelled
from tests.support.worlds import World

PAGE = Response(200, Headers((("Content-Type", "text/csv"), ("Link", "a"), ("link", "b"), ("Content-Encoding", "gzip"))), b"\x1f\x8b")


def test_it_gives_status_headers_bytes_and_what_the_call_took(world: World) -> None:
    platform = FakePlatform([Response(503), PAGE])

    async def scenario(client: PlatformClient) -> RawResponse:
        return await client.request_raw("get", "/api/v1/x", params={"a": 1}, headers={"Accept-Encoding": "gzip"})

    found = world.run(scenario, transport=platform)
    assert (found.status, found.headers, found.body, found.attempts) == (200, PAGE.headers, PAGE.body, 2)
    assert found.headers.get_all("LINK") == ("a", "b")
    assert found.elapsed == platform.now > 0
    assert found.request_id == heading(platform, "X-Request-ID")[1]
    assert platform.requests[1].url.endswith("/api/v1/x?a=1")


def test_json_is_sent_and_not_parsed(world: World) -> None:
    async def scenario(client: PlatformClient) -> bytes:
        return (await client.request_raw("POST", "/api/v1/x", json={"a": 1})).body

    platform = FakePlatform([json_response(201, {"b": 2})])
    assert world.run(scenario, transport=platform) == b'{"b": 2}'
    assert platform.requests[0].body.content == b'{"a":1}'


@pytest.mark.parametrize("status", [304, 404, 500])
def test_any_other_status_is_an_error_as_ever(world: World, status: int) -> None:
    async def scenario(client: PlatformClient) -> PlatformClientError:
        errors: list[PlatformClientError] = []
        for call in (client.request_raw, client.request):
            with pytest.raises(PlatformClientError) as caught:
                await call("GET", "/api/v1/x")
            errors.append(caught.value)
        assert type(errors[0]) is type(errors[1])
        return errors[0]

    error = world.run(scenario, transport=FakePlatform([Response(status)] * 2))
    assert (error.status_code, error.attempts) == (status, 1)
    assert error.request_id


def test_it_reaches_the_emulated_platform_with_the_options_of_its_client(world: World) -> None:
    platform = modelled()

    async def scenario(client: PlatformClient) -> RawResponse:
        return await client.with_options(headers={"X-Tenant": "a"}).request_raw("GET", "/api/v1/tenants/orgs")

    assert world.run(scenario, transport=platform).status == 200
    assert heading(platform, "X-Tenant") == ["a"]
