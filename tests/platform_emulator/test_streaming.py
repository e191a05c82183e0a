import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import httpx
import pytest

from platform_core import EventParser
from platform_core.events import ServerSentEvent
from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Headers, Inline, Request, Response
from platform_core.records import ExecutionRecord
from platform_emulator import Emulator, component_id_of
from platform_emulator.model import Model
from platform_emulator.state import Behaviour
from platform_emulator.streaming import KEEP_ALIVE, KEEP_ALIVE_SECONDS, Told, streamed, told_by
from tests.platform_emulator.own_components import helper
from tests.platform_emulator.support import IDS, SEED, attempts, cancel_of, parsed, status_of
from tests.support.patience import HANG_SECONDS

STREAM = f"/api/v1/agents/{IDS['answer']}/execute/stream"
INPUTS = {"question": "What are the trends in this year's figures?"}


def record(status: str, **more: object) -> ExecutionRecord:
    known: dict[str, Any] = {
        "execution_id": "e",
        "status": status,
        "result": None,
        "error": None,
        "started_at": None if status == "pending" else "then",
        "finished_at": None if status in ("pending", "running") else "later",
    }
    return cast("ExecutionRecord", {**known, **more})


def parsed_events(body: bytes) -> list[ServerSentEvent]:
    return EventParser(1_000_000).take(body)


def told(before: Told, now: ExecutionRecord) -> list[tuple[str, Any]]:
    events = parsed_events(b"".join(told_by(before, now)[1]))
    return [(each.kind, json.loads(each.data)) for each in events]


def test_each_status_is_told_once() -> None:
    first, _ = told_by(Told(), record("pending"))
    assert [(kind, data["status"]) for kind, data in told(Told(), record("pending"))] == [("status", "pending")]
    assert [(kind, data["status"]) for kind, data in told(first, record("running"))] == [("status", "running")]
    assert told(first, record("pending")) == []


def test_a_status_that_nobody_saw_is_told_all_the_same_as_it_was() -> None:
    events = told(Told(), record("completed", result={"a": 1}))
    assert [(kind, data.get("status")) for kind, data in events] == [
        ("status", "pending"),
        ("status", "running"),
        ("output", None),
        ("end", "completed"),
    ]
    assert events[0][1] == record("pending")
    assert events[1][1] == record("running")
    assert events[3][1] == record("completed", result={"a": 1})


def test_the_outputs_joined_are_the_result() -> None:
    events = told(Told(5, ExecutionStatus.RUNNING), record("completed", result=INPUTS))
    assert len(events) > 2
    assert json.loads("".join(data["text"] for kind, data in events if kind == "output")) == INPUTS


@pytest.mark.parametrize("status", ["failed", "timeout", "cancelled"])
def test_another_end_has_no_output(status: str) -> None:
    assert [kind for kind, _ in told(Told(2, ExecutionStatus.RUNNING), record(status, error={"code": "X"}))] == ["end"]


def test_one_that_never_ran_was_never_running() -> None:
    events = told(Told(1, ExecutionStatus.PENDING), record("cancelled", started_at=None))
    assert [(kind, data["status"]) for kind, data in events] == [("end", "cancelled")]


def test_the_ids_are_numbers_without_a_gap() -> None:
    first, one = told_by(Told(), record("running"))
    second, two = told_by(first, record("completed", result=INPUTS))
    ids = [each.last_id for each in parsed_events(b"".join(one + two))]
    assert ids == [str(number) for number in range(1, second.events + 1)]


def stream_request(body: object = None, key: str = "k") -> Request:
    headers = Headers((("Content-Type", "application/json"), ("Idempotency-Key", key)))
    return Request("POST", STREAM, headers, Inline(json.dumps(body or {"input_data": INPUTS}).encode()))


def test_the_model_answers_with_what_can_be_told_at_once() -> None:
    model, first = Model.new(SEED).apply(stream_request(), 0.0)
    assert (first.status, first.headers.get("Content-Type")) == (200, "text/event-stream")
    execution_id = json.loads(parsed_events(first.body)[0].data)["execution_id"]
    assert streamed(stream_request(), first) == (execution_id, Told(1, ExecutionStatus.PENDING))
    _, again = model.apply(stream_request(), 10.0)
    assert [each.kind for each in parsed_events(again.body)][-1] == "end"
    assert again.headers.get("Idempotency-Replayed") == "true"
    assert streamed(stream_request(), again) is None


def test_the_model_goes_on_with_its_stream_for_whoever_brings_the_time() -> None:
    model, first = Model.new(SEED, Behaviour(pending_seconds=14.0)).apply(stream_request(), 0.0)
    tale = model.begun(stream_request(), first, 0.0)
    told: list[tuple[float, list[str]]] = []
    while tale is not None:
        at = model.look_at(tale)
        assert model.told(tale, at - 1.0)[1:] == (tale, ()), "nothing comes before"
        model, tale, pieces = model.told(tale, at)
        told.append((at, ["keep-alive" if each == KEEP_ALIVE else parsed_events(each)[0].kind for each in pieces]))
    assert told == [(KEEP_ALIVE_SECONDS, ["keep-alive"]), (14.0, ["status", "output", "output", "end"])]


def test_what_has_ended_or_was_refused_does_not_go_on() -> None:
    model, first = Model.new(SEED).apply(stream_request(), 0.0)
    model, again = model.apply(stream_request(), 10.0)
    assert model.begun(stream_request(), again, 10.0) is None
    assert model.begun(stream_request(), Response(404), 10.0) is None
    assert model.begun(stream_request(), first, 0.0) is not None


def test_a_run_that_was_begun_before_is_told_from_its_start() -> None:
    model, first = Model.new(SEED, Behaviour(pending_seconds=5.0)).apply(stream_request(), 0.0)
    execution_id = json.loads(parsed_events(first.body)[0].data)["execution_id"]
    model, _ = model.apply(cancel_of(execution_id), 1.0)
    assert parsed(model.apply(status_of(execution_id), 1.0)[1])["status"] == "cancelled"
    assert [each.kind for each in parsed_events(model.apply(stream_request(), 2.0)[1].body)] == ["status", "end"]


def test_a_refused_submission_is_answered_in_json() -> None:
    _, refused = Model.new(SEED).apply(stream_request({"input_data": 1}), 0.0)
    assert (refused.status, refused.headers.get("Content-Type")) == (422, "application/json")
    assert streamed(stream_request(), refused) is None


@pytest.fixture(scope="module")
def platform() -> Iterator[Emulator]:
    with Emulator(components=[helper]) as emulator:
        yield emulator


@pytest.fixture
def client(platform: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {platform.token}"}
    with httpx.Client(base_url=platform.url, headers=headers, timeout=HANG_SECONDS, trust_env=False) as made:
        yield made


def test_a_stream_tells_a_run_to_its_end(client: httpx.Client) -> None:
    response = client.post(STREAM, json={"input_data": INPUTS}, headers={"X-Request-ID": "r-1"})
    assert (response.status_code, response.headers["Content-Type"], response.headers["X-Request-ID"]) == (200, "text/event-stream", "r-1")
    events = parsed_events(response.content)
    assert [each.kind for each in events[:2]] == ["status", "status"]
    assert json.loads(events[-1].data)["result"] == INPUTS


def test_an_agent_of_ones_own_is_told_of_too(client: httpx.Client) -> None:
    response = client.post(f"/api/v1/agents/{component_id_of(helper)}/execute/stream", json={"input_data": {"q": 1}})
    assert json.loads(parsed_events(response.content)[-1].data)["result"] == {"answer": {"q": 1}}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of an agent that stays pending."""
    monkeypatch.setattr("platform_emulator.runner.PROCESSES_MAX", 0)
    return f"/api/v1/agents/{component_id_of(helper)}/execute/stream"


def test_a_silent_stream_is_kept_alive_until_the_run_is_cancelled(
    client: httpx.Client, platform: Emulator, slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_emulator.application.KEEP_ALIVE_SECONDS", 0.01)
    with ThreadPoolExecutor(1) as pool, client.stream("POST", slow, json={"input_data": {}}) as response:
        pieces = response.iter_raw()
        content = next(pieces)
        while KEEP_ALIVE not in content:
            content += next(pieces)
        execution_id = json.loads(parsed_events(content)[0].data)["execution_id"]
        other = httpx.Client(base_url=platform.url, headers={"X-API-Key": platform.api_key}, trust_env=False)
        pool.submit(other.post, f"/api/v1/executions/{execution_id}/cancel").result(HANG_SECONDS)
        other.close()
        content += b"".join(pieces)
    events = parsed_events(content)
    assert [each.kind for each in events] == ["status", "end"]
    assert json.loads(events[-1].data)["status"] == "cancelled"


def test_a_client_that_leaves_ends_the_stream_and_not_the_run(client: httpx.Client, platform: Emulator, slow: str) -> None:
    with client.stream("POST", slow, json={"input_data": {}}) as response:
        next(response.iter_raw())
    server = platform._server.server_state  # pyright: ignore[reportPrivateUsage]
    for _ in attempts():
        if not server.tasks:
            break
    assert platform.executions[-1].status == "pending"
    client.post(f"/api/v1/executions/{platform.executions[-1].execution_id}/cancel")


@pytest.mark.parametrize("sent_bytes", [None, 100])
def test_a_stream_is_cut_before_its_end(client: httpx.Client, platform: Emulator, sent_bytes: int | None) -> None:
    platform.inject({"kind": "truncated", **({} if sent_bytes is None else {"sent_bytes": sent_bytes})})
    pieces: list[bytes] = []
    with client.stream("POST", STREAM, json={"input_data": INPUTS}) as response, pytest.raises(httpx.RemoteProtocolError):
        pieces.extend(response.iter_raw())
    content = b"".join(pieces)
    assert [each.kind for each in parsed_events(content)][-1:] == (["output"] if sent_bytes is None else [])
    assert sent_bytes in (None, len(content))


def test_a_stream_that_trickles_is_whole(client: httpx.Client, platform: Emulator) -> None:
    platform.inject({"kind": "trickle", "interval_seconds": 0.00001})
    assert parsed_events(client.post(STREAM, json={"input_data": {}}).content)[-1].kind == "end"
