"""Streamed runs of an agent in each world: their events, their end, how they break off and how they are left."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import anyio
import pytest

from flow_sdk import Event, Limits, PlatformClient, RetryPolicy, SyncPlatformClient
from flow_sdk.agent_streams import Reading
from flow_sdk.call_names import call_name
from flow_sdk.platform_client import (
    PlatformClientError,
    PlatformConnectionError,
    PlatformExecutionCancelledError,
    PlatformNotFoundError,
    PlatformResponseError,
    PlatformSubmissionUnknownError,
    PlatformTimeoutError,
)
from flow_sdk.progress import Progress, on_progress
from platform_core.actions import Gone
from platform_core.limits import DEFAULT_LIMITS
from platform_core.machine import Decision
from platform_core.messages import Headers, Response
from platform_core.outcomes import FailureCause
from platform_emulator import Emulator
from platform_emulator.state import Behaviour
from platform_transports.fake import Act, FakePlatform, Lose, Trickle, json_response
from tests.platform_emulator.support import attempts
from tests.support.core import EXECUTION_ID, record
from tests.support.flowing import all_of, left, next_of
from tests.support.platform import ANSWER, modelled
from tests.support.worlds import World

INPUTS = {"question": "What are the trends in this year's figures?"}
HEAD = Response(200, Headers((("Content-Type", "text/event-stream"),)))
STATUS = b"event: status\ndata: " + json.dumps(record("running")).encode() + b"\n\n"


def end_of(status: str) -> bytes:
    return b"id: 9\nretry: 500\nevent: end\ndata: " + json.dumps(record(status)).encode() + b"\n\n"


def streamed(
    world: World, *acts: Act | Response, timeout_seconds: float | None = None, **arguments: Any
) -> tuple[list[Event], PlatformClientError | None, FakePlatform]:
    """The events of a run whose requests are answered so, and the error after them."""
    fake = FakePlatform(acts)
    events: list[Event] = []

    async def scenario(client: PlatformClient) -> PlatformClientError | None:
        stream = client.stream_agent(ANSWER, INPUTS, timeout_seconds=timeout_seconds)
        try:
            await all_of(stream, events)
        except PlatformClientError as error:
            return error
        return None

    return events, world.run(scenario, transport=fake, **arguments), fake


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def sleepy() -> Iterator[Emulator]:
    """One on which every run stays pending."""
    with Emulator(behaviour=Behaviour(pending_seconds=1_000_000.0)) as emulator:
        yield emulator


def client_of(world: World, platform: Emulator, **arguments: Any) -> Any:
    return world.client(base_url=platform.url, auth_token=platform.token, **arguments)


def test_a_run_is_told_to_its_end(world: World, shared: Emulator) -> None:
    async def scenario(client: PlatformClient) -> list[Event]:
        return await all_of(client.stream_agent(ANSWER, INPUTS, {"trace": "t"}))

    events = world.run(scenario, client=client_of(world, shared, org_id="o"))
    assert [each.event for each in events if each.event != "output"] == ["status", "status", "end"]
    assert json.loads("".join(each.data["text"] for each in events if each.event == "output")) == INPUTS
    assert [each.id for each in events] == [str(number) for number in range(1, len(events) + 1)]
    assert (events[-1].data["status"], events[-1].data["result"]) == ("completed", INPUTS)
    sent = shared.requests[-1]
    assert (sent.headers.get("Accept"), json.loads(sent.body.content)["context"]) == ("text/event-stream", {"trace": "t", "org_id": "o"})


def told_in_short(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(each.id, each.event, each.data.get("status", each.data.get("text"))) for each in events]


def test_the_fake_plays_what_the_emulator_sends(world: World, shared: Emulator) -> None:
    async def scenario(client: PlatformClient) -> list[Event]:
        return await all_of(client.stream_agent(ANSWER, INPUTS))

    sent = world.run(scenario, client=client_of(world, shared))
    fake = modelled(behaviour=Behaviour(pending_seconds=25.0))
    assert told_in_short(world.run(scenario, transport=fake)) == told_in_short(sent)
    assert fake.now >= 25.0


async def test_what_somebody_does_meanwhile_is_told(sleepy: Emulator) -> None:
    async def told(client: PlatformClient) -> list[tuple[str, str, str]]:
        events: list[Event] = []
        with suppress(PlatformExecutionCancelledError):
            async for event in client.stream_agent(ANSWER, INPUTS):
                if not events:
                    await client.cancel_execution(event.data["execution_id"])
                events.append(event)
        return told_in_short(events)

    async with PlatformClient(sleepy.url, sleepy.token, env={}) as client:
        sent = await told(client)
    fake = modelled(behaviour=Behaviour(pending_seconds=1_000_000.0))
    async with PlatformClient("https://platform.test", "a", transport=fake, env={}) as client:
        assert await told(client) == sent
    assert sent == [("1", "status", "pending"), ("2", "end", "cancelled")]


def test_an_event_is_its_fields_with_the_data_parsed_where_it_is_json(world: World) -> None:
    pieces = (STATUS, b"data: plain\n", b"data: text\n\nda", b"ta: [1]\n\n", end_of("completed"))
    events, error, _ = streamed(world, Trickle(HEAD, pieces))
    assert error is None
    assert events[1:3] == [Event("message", "plain\ntext"), Event("message", [1])]
    assert events[3] == Event("end", record("completed"), "9", 500)


def test_another_end_is_its_error_after_its_event(world: World) -> None:
    events, error, _ = streamed(world, Trickle(HEAD, (STATUS, end_of("cancelled"))))
    assert [each.event for each in events] == ["status", "end"]
    assert isinstance(error, PlatformExecutionCancelledError)
    assert error.execution == record("cancelled")


def test_a_stream_that_breaks_off_is_not_begun_again_and_its_handle_goes_on(world: World) -> None:
    status = json_response(200, record("completed", result=5))
    fake = FakePlatform([Trickle(HEAD, (STATUS,), breaks=FailureCause.READ), status])

    async def scenario(client: PlatformClient) -> Any:
        stream = client.stream_agent(ANSWER)
        assert (await next_of(stream)).event == "status"
        with pytest.raises(PlatformConnectionError, match="the stream broke off") as caught:
            await next_of(stream)
        assert caught.value.handle is not None
        return await client.resume(caught.value.handle)

    assert world.run(scenario, transport=fake)["result"] == 5
    assert [request.method for request in fake.requests] == ["POST", "GET"]


def test_before_it_begins_it_is_repeated_with_the_same_key(world: World) -> None:
    events, error, fake = streamed(world, Lose(), Trickle(HEAD, (STATUS, end_of("completed"))))
    assert (len(events), error) == (2, None)
    assert len({request.headers.get("Idempotency-Key") for request in fake.requests}) == 1


@pytest.mark.parametrize(
    ("pieces", "error", "text"),
    [
        ((STATUS,), PlatformResponseError, "the stream ended before its event 'end'"),
        ((STATUS, b"event: end\ndata: {}\n\n", end_of("completed")), PlatformResponseError, "no usable execution_id"),
        ((STATUS, b"data: " + b"x" * 2000), PlatformResponseError, "an event of more than 1000 bytes"),
    ],
)
def test_a_stream_that_makes_no_sense_is_an_error_with_the_handle(
    world: World, pieces: tuple[bytes, ...], error: type[PlatformClientError], text: str
) -> None:
    _, found, _ = streamed(world, Trickle(HEAD, pieces), limits=Limits(response_body_bytes_max=1000))
    assert isinstance(found, error)
    assert text in found.message
    assert found.handle is not None
    assert found.handle.execution_id == EXECUTION_ID


def test_garbage_between_the_events_is_passed_over(world: World) -> None:
    garbage = (b"\xff\xfe\x00 no event\n\n", b'{"status": "completed"}\r\n\r\n')
    cut = b'event: status\ndata: {"execution_id": \xff\n\n'
    events, error, _ = streamed(world, Trickle(HEAD, (*garbage, STATUS, cut, *garbage, end_of("completed"))))
    assert error is None
    assert [(each.event, each.data) for each in events] == [
        ("status", record("running")),
        ("status", '{"execution_id": \ufffd'),
        ("end", record("completed")),
    ]


def test_one_whose_first_answer_was_lost_is_told_from_its_start_and_has_run_once(world: World, shared: Emulator) -> None:
    before = len(shared.executions)
    shared.inject({"kind": "drop_after", "path": "/execute/stream"})

    async def scenario(client: PlatformClient) -> list[Event]:
        return await all_of(client.stream_agent(ANSWER, INPUTS))

    events = world.run(scenario, client=client_of(world, shared, retry=RetryPolicy(pause_first_seconds=0.001)))
    assert (events[0].data["status"], events[-1].data["status"]) == ("pending", "completed")
    assert len(shared.executions) == before + 1


def test_an_answer_that_is_no_stream_is_an_error(world: World) -> None:
    _, error, _ = streamed(world, json_response(200, record("completed")))
    assert isinstance(error, PlatformResponseError)
    assert "should be a stream of events" in error.message


def test_a_refusal_is_its_error(world: World) -> None:
    fake = modelled()

    async def scenario(client: PlatformClient) -> None:
        await all_of(client.stream_agent("missing"))

    with pytest.raises(PlatformNotFoundError):
        world.run(scenario, transport=fake)


def test_one_that_was_lost_before_its_id_was_told_is_not_known(world: World) -> None:
    _, error, _ = streamed(world, Trickle(HEAD, (b"data: 1\n\n",), breaks=FailureCause.READ))
    assert isinstance(error, PlatformSubmissionUnknownError)
    assert error.handle is None


def test_our_deadline_cancels_the_execution(world: World) -> None:
    cancelled = json_response(200, record("cancelled"))
    _, error, fake = streamed(world, Trickle(HEAD, (STATUS, b":\n", b":\n", b":\n"), every_seconds=20.0), cancelled, timeout_seconds=10)
    assert isinstance(error, PlatformTimeoutError)
    assert fake.requests[-1].url.endswith(f"/executions/{EXECUTION_ID}/cancel")
    assert 40.0 <= fake.now < 46.0


def test_bad_arguments_are_refused_before_anything_is_sent(world: World) -> None:
    fake = FakePlatform()

    async def scenario(client: PlatformClient) -> None:
        client.stream_agent("", INPUTS)

    with pytest.raises(ValueError, match="agent_id"):
        world.run(scenario, transport=fake)
    assert fake.requests == []


@pytest.mark.parametrize(("on_abandon", "status"), [("cancel", "cancelled"), ("detach", "pending")])
def test_who_leaves_cancels_the_execution_unless_it_is_to_go_on(world: World, sleepy: Emulator, on_abandon: Any, status: str) -> None:
    fates: list[str] = []

    def note(decision: Decision) -> None:
        if isinstance(decision.action, Gone):
            fates.append(str(decision.action.report.fate))

    async def scenario(client: PlatformClient) -> str:
        stream = client.stream_agent(ANSWER, on_abandon=on_abandon)
        execution_id: str = (await next_of(stream)).data["execution_id"]
        await left(stream)
        assert await all_of(stream) == []
        return (await client.get_execution_status(execution_id))["status"]

    assert world.run(scenario, client=client_of(world, sleepy, observers=[note])) == status
    if world.is_async:
        assert fates == ["cancelled" if on_abandon == "cancel" else "left"]


def test_a_thread_hears_that_it_was_left_with_the_next_bytes() -> None:
    cancelled = json_response(200, record("cancelled"))
    fake = FakePlatform([Trickle(HEAD, (STATUS, STATUS, STATUS, STATUS)), cancelled])
    fates: list[str] = []

    def note(decision: Decision) -> None:
        if isinstance(decision.action, Gone):
            fates.append(str(decision.action.report.fate))

    with SyncPlatformClient("https://platform.test", "a", transport=fake, observers=[note], env={}) as client:
        with client.stream_agent(ANSWER) as events:
            next(events)
        assert fake.requests[-1].url.endswith("/cancel")
    assert fates == ["cancelled"]


async def test_a_cancelled_loop_cancels_the_execution(sleepy: Emulator) -> None:
    async with PlatformClient(sleepy.url, sleepy.token, env={}) as client:
        with anyio.CancelScope() as scope:
            async for _ in client.stream_agent(ANSWER):
                scope.cancel()
        assert scope.cancelled_caught
    assert sleepy.executions[-1].status == "cancelled"


async def test_a_loop_that_is_broken_cancels_the_execution(sleepy: Emulator) -> None:
    async with PlatformClient(sleepy.url, sleepy.token, env={}) as client:
        async for _ in client.stream_agent(ANSWER):
            break
        await anyio.to_thread.run_sync(assert_cancelled, sleepy)


def assert_cancelled(platform: Emulator) -> None:
    for _ in attempts():
        if platform.executions[-1].status == "cancelled":
            break


def test_observers_know_its_name_and_its_end(world: World) -> None:
    decisions: list[Decision] = []
    told: list[Progress] = []

    async def scenario(client: PlatformClient) -> None:
        await all_of(client.stream_agent(ANSWER, INPUTS))

    pieces = (STATUS, end_of("completed"))
    world.run(scenario, transport=FakePlatform([Trickle(HEAD, pieces)]), observers=[decisions.append, on_progress(told.append)])
    assert {call_name(each.before) for each in decisions} == {"stream_agent"}
    assert call_name(decisions[-1].after) == "Ended"
    assert (told[-1].execution_id, told[-1].status, told[-1].is_ended) == (EXECUTION_ID, "completed", True)


def test_its_clean_up_has_its_name_too() -> None:
    decisions: list[Decision] = []
    acts: list[Act | Response] = [Trickle(HEAD, (STATUS, STATUS, STATUS, STATUS)), json_response(200, record("cancelled"))]
    client = SyncPlatformClient("https://platform.test", "a", transport=FakePlatform(acts), observers=[decisions.append], env={})
    with client, client.stream_agent(ANSWER) as events:
        next(events)
    assert {call_name(each.before) for each in decisions} == {"stream_agent"}


def test_events_before_what_makes_no_sense_are_handed_on() -> None:
    reading = Reading(DEFAULT_LIMITS)
    reading.begin(HEAD)
    found = reading.events(STATUS + b"event: end\ndata: 1\n\n" + STATUS)
    assert [each.event for each in found] == ["status", "end"]
    assert reading.heard.broken is not None
