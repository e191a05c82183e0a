"""Spans and metrics of OpenTelemetry, by an observer: a span for each call of the client, and below it one for each request.

    PlatformClient(observers=[Telemetry()])

Names and attributes are those of the semantic conventions for HTTP clients
(https://opentelemetry.io/docs/specs/semconv/http/). Each request carries the context of its own span (`traceparent`), so that the
platform's spans hang below it. No token, header, query or body is in any of them. Needs `platform-client[otel]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never
from urllib.parse import urlsplit
from uuid import UUID

from platform_core import routes
from platform_core.actions import Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.exchange import REQUEST_ID
from platform_core.machine import Decision
from platform_core.messages import OutgoingRequest
from platform_core.outcomes import Failed, Outcome, Received
from platform_core.routes import API_PREFIX, Route
from platform_core.strange_texts import one_line
from platform_core.version import VERSION

from .call_names import call_name
from .progress import Progress, advanced, is_plain_call

try:
    from opentelemetry import metrics, propagate, trace
except ModuleNotFoundError as _error:
    _missing = f"flow_sdk.telemetry needs {_error.name}: install platform-client[otel]"
    raise ModuleNotFoundError(_missing, name=_error.name) from None

SCOPE = "platform_client"
DURATION = "http.client.request.duration"
BOUNDARIES_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Those that the semantic conventions advise."""
_ROUTES = tuple(each for each in vars(routes).values() if isinstance(each, Route))
_PORTS = {"http": 80, "https": 443}
_ERROR_STATUS_MIN = 400
_STATUS_LENGTH_MAX = 100


@dataclass(slots=True)
class _Request:
    """A request that is under way."""

    span: trace.Span
    attributes: dict[str, str | int]
    """Those that stand in the metric as well: few values each."""


@dataclass(slots=True)
class _Run:
    """A run that is under way. `sent_at` is when its last request was decided, on its own clock."""

    span: trace.Span
    progress: Progress
    send: Send | None = None
    sent_at: float = 0.0
    resends: int = 0
    request: _Request | None = None


class Telemetry:
    """An observer that makes spans and metrics; one may serve many clients, tasks and threads.

    Providers that are not given are the global ones of OpenTelemetry. Without any, nothing is recorded.
    """

    def __init__(self, tracer_provider: trace.TracerProvider | None = None, meter_provider: metrics.MeterProvider | None = None) -> None:
        self._tracer = trace.get_tracer(SCOPE, VERSION, tracer_provider)
        meter = metrics.get_meter(SCOPE, VERSION, meter_provider)
        self._duration = meter.create_histogram(
            DURATION, "s", "Duration of HTTP client requests.", explicit_bucket_boundaries_advisory=BOUNDARIES_SECONDS
        )
        self._runs: dict[UUID, _Run] = {}

    def __call__(self, decision: Decision) -> None:
        """End what has ended with this decision: a request, the run; remember what is sent next."""
        run = self._runs.get(decision.operation_id)
        if run is None:
            attributes = {"platform_client.operation_id": str(decision.operation_id)}
            span = self._tracer.start_span(call_name(decision.before), attributes=attributes)
            self._runs[decision.operation_id] = run = _Run(span, Progress(decision.operation_id))
        self._end_request(run, decision.outcome)
        if not is_plain_call(decision):
            run.progress = advanced(run.progress, decision)
        action = decision.action
        match action:
            case Send():
                # The same state again sends the same request again; a new poll comes from a pause, which is another state.
                run.resends = run.resends + 1 if run.send is not None and type(decision.before) is type(decision.after) else 0
                run.send, run.sent_at = action, decision.outcome.at
            case Sleep() | Authorize():
                pass
            case Done() | Raise() | Gone():
                del self._runs[decision.operation_id]
                _end_run(run, action)
            case _:
                assert_never(action)

    def headers_for(self, operation_id: UUID, request: OutgoingRequest) -> Mapping[str, str]:
        """Begin the span of a request that goes out now; answers with its context, in the form of the global propagator."""
        run = self._runs[operation_id]
        assert run.send is not None, "what goes out was decided"
        path, url = run.send.request.path, urlsplit(request.url)
        template = next((API_PREFIX + each.template for each in _ROUTES if each.match(request.method, path) is not None), None)
        attributes: dict[str, str | int] = {"http.request.method": request.method, "server.address": url.hostname or ""}
        attributes["server.port"] = url.port or _PORTS[url.scheme]
        if template is not None:
            attributes["url.template"] = template
        own: dict[str, str | int] = {"url.full": url._replace(query="").geturl(), "platform_client.reason": str(run.send.reason)}
        request_id = run.send.request.headers.get(REQUEST_ID)
        if request_id is not None:
            own["platform_client.request_id"] = request_id
        if run.resends:
            own["http.request.resend_count"] = run.resends
        name = request.method if template is None else f"{request.method} {template}"
        context = trace.set_span_in_context(run.span)
        span = self._tracer.start_span(name, context, trace.SpanKind.CLIENT, attributes={**attributes, **own})
        run.request = _Request(span, attributes)
        carried: dict[str, str] = {}
        propagate.inject(carried, trace.set_span_in_context(span))
        return carried

    def _end_request(self, run: _Run, outcome: Outcome) -> None:
        request, run.request = run.request, None
        if request is None:
            return
        status, error = _status_and_error(outcome)
        if status is not None:
            request.attributes["http.response.status_code"] = status
            request.span.set_attribute("http.response.status_code", status)
        if error is not None:
            request.attributes["error.type"] = error
            request.span.set_attribute("error.type", error)
            request.span.set_status(trace.StatusCode.ERROR)
        self._duration.record(outcome.at - run.sent_at, request.attributes, trace.set_span_in_context(request.span))
        request.span.end()


def _status_and_error(outcome: Outcome) -> tuple[int | None, str | None]:
    """The status of the answer, and the type of the error: the status as a text, or why there was no answer."""
    match outcome:
        case Received(_, response):
            return response.status, str(response.status) if response.status >= _ERROR_STATUS_MIN else None
        case Failed(_, cause):
            return None, str(cause)
        case _:
            return None, "abandoned"


def _end_run(run: _Run, action: Done[Any] | Raise | Gone) -> None:
    span, progress = run.span, run.progress
    if progress.execution_id is not None:
        span.set_attribute("platform_client.execution_id", progress.execution_id)
    if progress.status is not None:
        span.set_attribute("platform_client.execution_status", one_line(progress.status, _STATUS_LENGTH_MAX))
    match action:
        case Done():
            pass
        case Raise(failure):
            span.set_attribute("error.type", failure.error.__name__)
            span.set_status(trace.StatusCode.ERROR)
        case Gone(report):
            span.set_attribute("platform_client.fate", str(report.fate))
        case _:
            assert_never(action)
    span.end()
