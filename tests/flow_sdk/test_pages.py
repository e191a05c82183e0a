"""Lists page by page through both clients, in all three worlds, also against the emulated platform."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from flow_sdk import ByCursor, ByNumber, ByOffset, Page, PlatformClient, PlatformNotFoundError, PlatformResponseError
from platform_core.messages import Request, Response
from platform_transports.fake import FakePlatform, json_response
from tests.support.iterating import all_of, first_of
from tests.support.platform import heading, modelled, paths
from tests.support.worlds import World

MODELS = "/api/v1/gateway/v1/models"
ROWS = "/api/v1/rows"


def pages(world: World, platform: FakePlatform, *args: Any, **arguments: Any) -> list[Page]:
    async def scenario(client: PlatformClient) -> list[Page]:
        return await all_of(client.pages(*args, **arguments))

    return world.run(scenario, transport=platform)


def test_the_list_of_models_comes_whole_page_by_page(world: World) -> None:
    platform = modelled()
    found = pages(world, platform, MODELS, params={"scope": "organization", "limit": 3}, headers={"X-Tenant": "a"})
    assert [[each["id"].removeprefix("emulated-") for each in page.items] for page in found] == [
        ["small", "medium", "large"],
        ["embedding"],
    ]
    assert found[1].next is None
    assert paths(platform)[0] == f"GET {MODELS}?scope=organization&limit=3"
    assert paths(platform)[1].startswith(f"GET {MODELS}?scope=organization&limit=3&cursor=")
    assert heading(platform, "X-Tenant") == ["a", "a"]


def test_a_walk_goes_on_where_another_one_was_left(world: World) -> None:
    platform = modelled()

    async def scenario(client: PlatformClient) -> list[Page]:
        first = await first_of(client.pages(MODELS, params={"limit": 1}))
        return await all_of(client.pages(MODELS, params={"limit": 2}, next=ByCursor(first=first.next)))

    assert [len(page.items) for page in world.run(scenario, transport=platform)] == [2, 1]
    assert len(platform.requests) == 3, "a page is fetched when it is asked for"


def test_a_plain_list_has_a_second_page_that_is_empty(world: World) -> None:
    platform = FakePlatform([json_response(200, [1, 2]), json_response(200, [])])
    found = pages(world, platform, ROWS, items=None, next=ByOffset())
    assert [page.items for page in found] == [[1, 2], []]
    assert paths(platform) == [f"GET {ROWS}?offset=0", f"GET {ROWS}?offset=2"]


def test_a_platform_that_does_not_know_the_parameter_is_found_out(world: World) -> None:
    platform = FakePlatform([json_response(200, {"data": [1]})] * 3)
    with pytest.raises(
        PlatformResponseError, match="page 2 was there before: the platform seems to pass over the parameter 'page'"
    ) as caught:
        pages(world, platform, ROWS, items="data", next=ByNumber())
    assert (caught.value.path, caught.value.status_code, caught.value.attempts) == (ROWS, 200, 1)
    assert caught.value.request_id == heading(platform, "X-Request-ID")[1]


def test_after_an_error_the_same_page_may_be_asked_for_again(world: World) -> None:
    platform = FakePlatform([Response(404), Response(503), json_response(200, {"items": [1], "next_cursor": None})])

    async def scenario(client: PlatformClient) -> list[Page]:
        found = client.pages(ROWS)
        with pytest.raises(PlatformNotFoundError):
            await first_of(found)
        return [*await all_of(found), *await all_of(found)]

    assert [page.items for page in world.run(scenario, transport=platform)] == [[1]]
    assert paths(platform) == [f"GET {ROWS}"] * 3


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"path": "rows"}, "path must begin with one /"),
        ({"params": {"a": object()}}, r"params\['a'\] must be a str"),
        ({"headers": {"Host": "a"}}, "headers must not have Host"),
        ({"next": "next_cursor"}, "next must be ByCursor, ByOffset or ByNumber, not str"),
    ],
)
def test_a_bad_argument_is_refused_where_it_is_given(world: World, arguments: Any, error: str) -> None:
    make: Callable[..., AsyncIterator[Page]] = world.client().pages
    with pytest.raises((TypeError, ValueError), match=f"^{error}"):
        make(**({"path": ROWS} | arguments))


def test_the_pages_of_a_closed_client_say_so(world: World) -> None:
    async def scenario(client: PlatformClient) -> None:
        found = client.pages(MODELS, params={"limit": 1})
        await first_of(found)
        await client.close()
        await first_of(found)

    with pytest.raises(Exception, match=r"^the client is closed$"):
        world.run(scenario, transport=modelled())


def test_a_script_sees_ordinary_requests(world: World) -> None:
    seen: list[Request] = []

    def script(request: Request) -> Response:
        seen.append(request)
        return json_response(200, {"items": [], "next_cursor": None})

    pages(world, FakePlatform(script), ROWS)
    assert [(each.method, each.headers.get("Accept")) for each in seen] == [("GET", "application/json")]
