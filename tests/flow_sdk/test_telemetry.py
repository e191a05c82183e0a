"""Spans and metrics of OpenTelemetry, as a collector gets them."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from flow_sdk import PlatformClient, PlatformClientError, SyncPlatformClient
from flow_sdk.telemetry import BOUNDARIES_SECONDS, DURATION, Telemetry
from platform_core.machine import Decision
from platform_core.messages import Response
from platform_transports.fake import FakePlatform, Lose
from platform_transports.run import Observer
from tests.support.platform import ECHO, FAIL, SLEEP, heading, modelled, on
from tests.support.worlds import World

TOKEN, SECRET = "fl_secret_token_of_mine", "s3cret-inp7t"
SUBMIT, POLL = "POST /api/v1/code-blocks/{component_id}/executions", "GET /api/v1/executions/{execution_id}"


class Collector:
    """What a collector has got."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracing = TracerProvider()
        self.tracing.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.telemetry = Telemetry(self.tracing, MeterProvider([self._reader]))

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return sorted(self._exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    @property
    def durations(self) -> list[HistogramDataPoint]:
        found = self._reader.get_metrics_data()
        metrics = (
            [] if found is None else [each for group in found.resource_metrics for scope in group.scope_metrics for each in scope.metrics]
        )
        assert [(each.name, each.unit) for each in metrics] == [(DURATION, "s")]
        return [point for point in metrics[0].data.data_points if isinstance(point, HistogramDataPoint)]


def client_of(collector: Collector, platform: FakePlatform) -> SyncPlatformClient:
    return SyncPlatformClient("https://platform.test", TOKEN, transport=platform, observers=[collector.telemetry], env={})


def attributes(told: ReadableSpan | HistogramDataPoint) -> Mapping[str, Any]:
    assert told.attributes is not None
    return told.attributes


def context(span: ReadableSpan) -> trace.SpanContext:
    found: trace.SpanContext | None = span.context
    assert found is not None
    return found


def test_a_run_is_one_trace_with_submission_polls_and_retries_as_spans(world: World) -> None:
    collector, platform = Collector(), modelled(on("POST", "/executions", Response(503)))

    async def scenario(client: PlatformClient) -> object:
        with collector.tracing.get_tracer("mine").start_as_current_span("my work"):
            return await client.execute_code_block(SLEEP, {"seconds": 1})

    world.run(scenario, transport=platform, observers=[collector.telemetry])
    mine, run, *requests = collector.spans
    assert (mine.name, run.name, run.kind) == ("my work", "execute_code_block", SpanKind.INTERNAL)
    assert [each.name for each in requests[:3]] == [SUBMIT, SUBMIT, POLL]
    assert {each.name for each in requests[3:]} == {POLL}
    assert len(requests) == len(platform.requests) > 4
    assert {context(each).trace_id for each in collector.spans} == {context(mine).trace_id}
    assert run.parent == mine.context
    assert all((each.parent, each.kind) == (run.context, SpanKind.CLIENT) for each in requests)
    assert [attributes(each).get("http.request.resend_count") for each in requests[:4]] == [None, 1, None, None]


def test_each_request_carries_the_context_of_its_own_span() -> None:
    collector, platform = Collector(), modelled(on("POST", "/executions", Response(503)))
    with client_of(collector, platform) as client:
        client.execute_code_block(ECHO, {})
    _, *requests = collector.spans
    ids = [f"00-{each.trace_id:032x}-{each.span_id:016x}-{each.trace_flags:02x}" for each in map(context, requests)]
    assert heading(platform, "traceparent") == ids


def test_a_request_has_the_attributes_of_the_conventions() -> None:
    collector, platform = Collector(), modelled(on("POST", "/executions", Response(503)))
    with client_of(collector, platform) as client:
        record = client.execute_code_block(ECHO, {})
    run, first, second, poll = collector.spans
    path = f"/api/v1/code-blocks/{ECHO}/executions"
    common = {
        "http.request.method": "POST",
        "server.address": "platform.test",
        "server.port": 443,
        "url.full": f"https://platform.test{path}",
        "url.template": "/api/v1/code-blocks/{component_id}/executions",
    }
    ids = heading(platform, "X-Request-ID")
    assert dict(attributes(first)) == common | {
        "platform_client.reason": "first",
        "platform_client.request_id": ids[0],
        "http.response.status_code": 503,
        "error.type": "503",
    }
    assert dict(attributes(second)) == common | {
        "platform_client.reason": "pause over",
        "platform_client.request_id": ids[1],
        "http.request.resend_count": 1,
        "http.response.status_code": 202,
    }
    assert [each.status.status_code for each in (first, second, poll)] == [StatusCode.ERROR, StatusCode.UNSET, StatusCode.UNSET]
    assert attributes(run)["platform_client.execution_id"] == record["execution_id"]
    assert attributes(run)["platform_client.execution_status"] == "completed"


def test_durations_are_those_of_the_clock_that_the_run_is_on() -> None:
    collector, platform = Collector(), modelled(on("POST", "/executions", Lose(effect=False)))
    with client_of(collector, platform) as client:
        client.execute_code_block(ECHO, {})
    by_end = {
        str(attributes(point).get("error.type") or attributes(point)["http.response.status_code"]): point for point in collector.durations
    }
    assert set(by_end) == {"disconnected", "202", "200"}
    for point in by_end.values():
        assert tuple(point.explicit_bounds) == BOUNDARIES_SECONDS
        assert attributes(point)["server.address"] == "platform.test"
        assert 0 <= point.sum < 60


@pytest.mark.parametrize(("act", "error"), [(Response(404), "404"), (Lose(effect=True), "disconnected")], ids=["a status", "no answer"])
def test_a_call_that_fails_says_by_what(act: Any, error: str) -> None:
    collector = Collector()
    with client_of(collector, modelled([act] * 4)) as client, suppress(PlatformClientError):
        client.request("GET", "/api/v1/of/mine")
    run, *requests = collector.spans
    assert {each.name for each in requests} == {"GET"}, "the path of a stranger would be a name for each of its values"
    assert {attributes(each)["error.type"] for each in requests} == {error}
    assert run.name == "request"
    assert run.status.status_code is StatusCode.ERROR
    assert str(attributes(run)["error.type"]).startswith("Platform")


def test_a_run_that_is_left_ends_with_its_cancel_and_its_fate() -> None:
    collector = Collector()

    def interrupt(decision: Decision) -> None:
        if type(decision.after).__name__ == "Polling":
            raise KeyboardInterrupt

    observers: list[Observer] = [collector.telemetry, interrupt]
    client = SyncPlatformClient("https://platform.test", TOKEN, transport=modelled(), observers=observers, env={})
    with client, pytest.raises(KeyboardInterrupt):
        client.execute_code_block(SLEEP, {"seconds": 600})
    run, *requests = collector.spans
    assert requests[-1].name == "POST /api/v1/executions/{execution_id}/cancel"
    assert attributes(run)["platform_client.fate"] == "cancelled"
    assert attributes(run)["platform_client.execution_status"] == "cancelled"
    assert all(each.end_time is not None for each in collector.spans)


def test_a_request_that_is_left_in_the_middle_is_abandoned() -> None:
    collector = Collector()

    def script(_request: object) -> None:
        if len(platform.requests) == 1:
            raise KeyboardInterrupt

    platform = modelled(script)
    with client_of(collector, platform) as client, pytest.raises(KeyboardInterrupt):
        client.execute_code_block(ECHO, {})
    assert attributes(collector.spans[1])["error.type"] == "abandoned"


def test_no_token_no_body_no_query_and_no_message_of_the_platform_is_in_any_of_them() -> None:
    collector = Collector()
    with client_of(collector, modelled()) as client:
        for call in (
            lambda: client.execute_code_block(ECHO, {"text": SECRET}),
            lambda: client.execute_code_block(FAIL, {"message": SECRET}),
            lambda: client.request("GET", "/api/v1/none", params={"q": SECRET}, headers={"X-Mine": SECRET}),
        ):
            with suppress(PlatformClientError):
                call()
    told = " ".join(span.to_json() for span in collector.spans) + str([dict(each.attributes or {}) for each in collector.durations])
    assert "platform.test/api/v1/none" in told
    assert TOKEN not in told
    assert SECRET not in told


def test_a_trace_that_nobody_records_is_handed_on_all_the_same() -> None:
    platform = modelled()
    known = trace.SpanContext(trace_id=7, span_id=9, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED))
    telemetry = Telemetry()
    with SyncPlatformClient("https://platform.test", TOKEN, transport=platform, observers=[telemetry], env={}) as client:
        client.request("GET", "/api/v1/tenants/orgs")
        with trace.use_span(trace.NonRecordingSpan(known)):
            client.request("GET", "/api/v1/tenants/orgs")
    assert heading(platform, "traceparent") == [None, f"00-{7:032x}-{9:016x}-01"]


def test_a_missing_library_is_told_with_the_extra() -> None:
    code = "import sys; sys.modules['opentelemetry'] = None; import flow_sdk.telemetry"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stderr.splitlines()[-1] == ("ModuleNotFoundError: flow_sdk.telemetry needs opentelemetry: install platform-client[otel]")
