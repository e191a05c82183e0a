"""What callers may ask for, and what may happen to it, as strategies for Hypothesis: every builder, every outcome, answers of any shape."""

import json
from typing import Any

from hypothesis import strategies as st

from platform_core.config import Settings
from platform_core.downloads import download
from platform_core.lifecycle import ExecutionStatus
from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.machine import Operation
from platform_core.messages import External, Headers, Response
from platform_core.operations import (
    await_execution,
    cancel_execution,
    execute_agent,
    execute_code_block,
    execute_workflow,
    execution_status,
    request,
    service_skills,
    stream_agent,
    submit_agent_execution,
    submit_code_block_execution,
    submit_workflow_execution,
)
from platform_core.outcomes import (
    Abandoned,
    Authorized,
    Failed,
    FailureCause,
    NotAuthorized,
    Outcome,
    Received,
    Refused,
    Restored,
    Sent,
    Started,
    Woke,
)
from platform_core.requests import METHODS
from platform_core.retry import DEFAULT_RETRY, RetryPolicy
from tests.support.core import EXECUTION_ID, record, response

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.just("a\r\nb\u2028\u202e<c>")
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(texts, json_values, max_size=3)


# Without `filter`, which makes chance try again and again in a long walk.
_lines = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
ids = st.sampled_from((EXECUTION_ID, "e", "ä/b", "%2e%2e")) | _lines.map(lambda text: "..." if text in (".", "..") else text)
seconds = st.sampled_from((60.0, 3, 0.001)) | st.floats(0.001, 1e6)
policies = st.builds(RetryPolicy, st.integers(1, 5), seconds, seconds)
limits = st.builds(Limits, response_body_bytes_max=st.sampled_from((40, 10**6)), json_depth_max=st.integers(1, 8))
settings = st.builds(
    Settings,
    timeout_seconds=seconds,
    retry=st.just(DEFAULT_RETRY) | policies,
    limits=st.just(DEFAULT_LIMITS) | limits,
    idempotent_submissions=st.booleans(),
    org_id=st.none() | ids,
    workspace_id=st.none() | ids,
    ring_id=st.none() | ids,
)
_contexts = st.none() | json_objects
_runs: dict[str, Any] = {
    "context": _contexts,
    "ring_id": st.none() | ids | st.uuids(),
    "timeout_seconds": st.none() | seconds,
    "scope": st.none() | _lines,
    "lifecycle_event": st.none() | st.sampled_from(("test", "workflow", "agent_run")),
    "seed": st.uuids(),
    "settings": settings,
}
_on_abandon = st.sampled_from(("cancel", "detach"))
_polled: dict[str, Any] = {"poll_interval_seconds": seconds, "on_abandon": _on_abandon}
_own: dict[str, Any] = {"seed": st.uuids(), "settings": settings}
_inputs = st.none() | json_objects
_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
params = st.dictionaries(texts, _scalars | st.lists(_scalars, max_size=2), max_size=3)
_bodies = st.binary(max_size=8) | st.builds(External, st.none() | st.integers(0, 9), st.booleans())
_headers = st.none() | st.just({"X-Own": "ÿ", "X-Request-ID": "mine", "Idempotency-Key": "k"})
_methods = st.sampled_from((*sorted(METHODS), "put"))

BUILDERS: dict[str, st.SearchStrategy[Operation[Any]]] = {
    "execute_code_block": st.builds(execute_code_block, ids | st.uuids(), _inputs, **_runs, **_polled),
    "execute_agent": st.builds(execute_agent, ids, _inputs, **_runs, **_polled),
    "execute_workflow": st.builds(execute_workflow, ids, _inputs, **_runs, **_polled),
    "submit_code_block_execution": st.builds(submit_code_block_execution, ids, _inputs, **_runs),
    "submit_agent_execution": st.builds(submit_agent_execution, ids, _inputs, **_runs),
    "submit_workflow_execution": st.builds(submit_workflow_execution, ids, _inputs, **_runs),
    "await_execution": st.builds(await_execution, ids, st.none() | seconds, seconds, **_own),
    "execution_status": st.builds(execution_status, ids, **_own),
    "cancel_execution": st.builds(cancel_execution, ids, **_own),
    "service_skills": st.builds(service_skills, ids, st.none() | st.integers(1, 2**70), **_own),
    "request": st.builds(request, _methods, st.just("/api/v1/x y"), params=params, json=_inputs, headers=_headers, **_own),
    "request with a body": st.builds(request, _methods, st.just("/api/v1/x"), content=_bodies, headers=_headers, **_own),
    "download": st.builds(
        download, st.just("/api/v1/x"), params=params, timeout_seconds=st.none() | seconds, restartable=st.booleans(), **_own
    ),
    "stream_agent": st.builds(stream_agent, ids, _inputs, **_runs, on_abandon=_on_abandon),
}
"""Of the last two, what comes of an answer is not in its outcome: see `flows.py`."""

_statuses = st.sampled_from((200, 201, 202, 204, 302, 400, 401, 403, 404, 408, 409, 416, 422, 429, 500, 502, 503)) | st.integers(0, 999)
_execution_statuses = st.sampled_from([*map(str, ExecutionStatus), "hibernating"]) | texts
execution_records = st.fixed_dictionaries(
    {"execution_id": st.just(EXECUTION_ID) | ids, "status": _execution_statuses},
    optional={
        "error": st.none() | st.fixed_dictionaries({"message": texts, "code": texts, "details": st.lists(json_values, max_size=2)}),
        "progress": st.none() | st.floats(0, 1) | st.booleans(),
        "created_at": texts | st.none(),
        "result": json_values,
    },
)
_errors = st.fixed_dictionaries({}, optional={"message": json_values, "code": json_values, "details": json_values, "title": texts})
_bodies_of_answers = (execution_records | _errors | json_values).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20)
fields_of_answers = st.one_of(
    st.tuples(
        st.just("Content-Type"), st.sampled_from(("application/json; charset=utf-8", "application/problem+json", "text/html")) | texts
    ),
    st.tuples(st.just("Retry-After"), st.sampled_from(("0", "2", "9999999999", "Sun, 06 Nov 1994 08:49:37 GMT")) | texts),
    st.tuples(st.just("Date"), st.just("Sun, 06 Nov 1994 08:49:30 GMT") | texts),
    st.tuples(st.just("Location"), st.just("https://evil.test/x") | texts),
    st.tuples(st.just("Content-Encoding"), st.sampled_from(("gzip", "identity")) | texts),
    st.tuples(st.just("X-Request-ID"), texts),
    st.tuples(st.just("Content-Range"), st.integers(0, 12).map("bytes */{}".format) | texts),
)
_json_fields = st.lists(fields_of_answers, max_size=2).map(lambda fields: (("Content-Type", "application/json"), *fields))
_any_fields = st.lists(fields_of_answers, max_size=3).map(tuple)
_any_responses = st.builds(Response, _statuses, st.builds(Headers, _json_fields | _any_fields), _bodies_of_answers)
_goes_on = st.sampled_from(("pending", "running")).map(lambda status: response(200, record(status)))
_not_yet = st.sampled_from((401, 404, 409, 429, 503)).map(response)
responses = st.one_of(_goes_on, _not_yet, _any_responses)
"""So that a walk goes on for a while before an answer ends it."""
sents: st.SearchStrategy[Sent] = st.sampled_from(("no", "maybe"))


def outcomes(at: float) -> dict[type, st.SearchStrategy[Outcome]]:
    """Each kind of outcome, at this time."""
    return {
        Started: st.just(Started(at)),
        Restored: st.just(Restored(at)),
        Received: st.builds(Received, st.just(at), responses, st.integers(1, 3)),
        Failed: st.builds(Failed, st.just(at), st.sampled_from(FailureCause), sents, st.booleans(), texts),
        Woke: st.just(Woke(at)),
        Refused: st.just(Refused(at)),
        Authorized: st.just(Authorized(at)),
        NotAuthorized: st.builds(NotAuthorized, st.just(at), st.sampled_from(("KeyError", "OSError")), st.booleans()),
        Abandoned: st.builds(Abandoned, st.just(at), sents, st.booleans()),
    }
