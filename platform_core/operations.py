"""The operations that this package offers: each builder checks its arguments and answers with a frozen value to be run.

Arguments are those of the clients' methods; besides, each takes `seed`, from which all that is random in the run is made, and
`settings`, which no operation reads from anywhere else. Bad input is `ValueError` or `TypeError` that names the parameter.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args
from uuid import UUID

from .agent_stream import ReadyToStream
from .call import ANY_CONTENT, CALL_SECONDS_MORE, AnyAnswer, Call, ReadyToCall, Skills, Status, Submitted
from .cancelling import Cancel, CancelCall, ReadyToCancel
from .checks import checked_seconds
from .config import DEFAULT_SETTINGS, Settings
from .derive import idempotency_key
from .execution import Ready, ReadyToWatch
from .handles import OnAbandon
from .job import Job
from .machine import Operation
from .messages import External, Request, checked_id
from .raw import RawResponse
from .records import ComponentKind, ExecutionRecord, SkillsArtifact
from .requests import custom_request, skills_request, status_request, streamed, submission

EXECUTION_SECONDS = 3600.0
"""Our own deadline where none was given."""
VERDICT_SECONDS = 30.0
"""How much later than the platform's deadline ours is, so that its verdict arrives."""
POLL_SECONDS_MAX = 1.0


class Component(NamedTuple):
    """What is to be run, with its inputs."""

    kind: ComponentKind
    component_id: UUID | str
    inputs: Mapping[str, Any] | None
    execution_mode: str | None


class SubmissionOptions(NamedTuple):
    """How it is to be run."""

    context: Mapping[str, Any] | None
    ring_id: UUID | str | None
    timeout_seconds: float | None
    scope: str | None
    lifecycle_event: str | None


def execute_code_block(
    code_block_id: UUID | str,
    input_parameters: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    ring_id: UUID | str | None = None,
    timeout_seconds: float | None = None,
    *,
    scope: str | None = None,
    lifecycle_event: str | None = None,
    poll_interval_seconds: float = POLL_SECONDS_MAX,
    on_abandon: OnAbandon = "cancel",
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> Operation[ExecutionRecord]:
    """Submit a code block and poll it to its end; ends in the record, `completed`."""
    component = Component("code_block", code_block_id, input_parameters, None)
    options = SubmissionOptions(context, ring_id, timeout_seconds, scope, lifecycle_event)
    return _execute(component, options, poll_interval_seconds, on_abandon, seed, settings)


def execute_agent(
    agent_id: UUID | str,
    input_data: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    execution_mode: str = "isolated",
    ring_id: UUID | str | None = None,
    timeout_seconds: float | None = None,
    *,
    scope: str | None = None,
    lifecycle_event: str | None = None,
    poll_interval_seconds: float = POLL_SECONDS_MAX,
    on_abandon: OnAbandon = "cancel",
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> Operation[ExecutionRecord]:
    """Submit an agent and poll it to its end; ends in the record, `completed`."""
    component = Component("agent", agent_id, input_data, execution_mode)
    options = SubmissionOptions(context, ring_id, timeout_seconds, scope, lifecycle_event)
    return _execute(component, options, poll_interval_seconds, on_abandon, seed, settings)


def execute_workflow(
    workflow_id: UUID | str,
    input_data: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    ring_id: UUID | str | None = None,
    timeout_seconds: float | None = None,
    *,
    scope: str | None = None,
    lifecycle_event: str | None = None,
    poll_interval_seconds: float = POLL_SECONDS_MAX,
    on_abandon: OnAbandon = "cancel",
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> Operation[ExecutionRecord]:
    """Submit a workflow and poll it to its end; ends in the record, `completed`."""
    component = Component("workflow", workflow_id, input_data, None)
    options = SubmissionOptions(context, ring_id, timeout_seconds, scope, lifecycle_event)
    return _execute(component, options, poll_interval_seconds, on_abandon, seed, settings)


def stream_agent(
    agent_id: UUID | str,
    input_data: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    execution_mode: str = "isolated",
    ring_id: UUID | str | None = None,
    timeout_seconds: float | None = None,
    *,
    scope: str | None = None,
    lifecycle_event: str | None = None,
    on_abandon: OnAbandon = "cancel",
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> ReadyToStream:
    """Submit an agent and let its events flow past; ends in the record of the last one, `completed`. See `agent_stream.py`."""
    component = Component("agent", agent_id, input_data, execution_mode)
    options = SubmissionOptions(context, ring_id, timeout_seconds, scope, lifecycle_event)
    built = streamed(_request(component, options, seed, settings), agent_id)
    return ReadyToStream(_job(component, options, POLL_SECONDS_MAX, on_abandon, seed, settings), built)


def submit_code_block_execution(
    code_block_id: UUID | str,
    input_parameters: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    ring_id: UUID | str | None = None,
    timeout_seconds: float | None = None,
    *,
    scope: str | None = None,
    lifecycle_event: str | None = None,
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> Operation[ExecutionRecord]:
    """Submit a code block; ends in the record as submitted, `pending` or already further."""
    component = Component("code_block", code_block_id, input_parameters, None)
    options = SubmissionOptions(context, ring_id, timeout_seconds, scope, lifecycle_event)
    return _submit(component, options, seed, settings)


def submit_agent_execution(
    agent_id: UUID | str,
    input_data: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    execution_mode: str = "isolated",
    ring_id: UUID | str | None = None,
    timeout_seconds: float | None = None,
    *,
    scope: str | None = None,
    lifecycle_event: str | None = None,
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> Operation[ExecutionRecord]:
    """Submit an agent; ends in the record as submitted, `pending` or already further."""
    component = Component("agent", agent_id, input_data, execution_mode)
    options = SubmissionOptions(context, ring_id, timeout_seconds, scope, lifecycle_event)
    return _submit(component, options, seed, settings)


def submit_workflow_execution(
    workflow_id: UUID | str,
    input_data: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    ring_id: UUID | str | None = None,
    timeout_seconds: float | None = None,
    *,
    scope: str | None = None,
    lifecycle_event: str | None = None,
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> Operation[ExecutionRecord]:
    """Submit a workflow; ends in the record as submitted, `pending` or already further."""
    component = Component("workflow", workflow_id, input_data, None)
    options = SubmissionOptions(context, ring_id, timeout_seconds, scope, lifecycle_event)
    return _submit(component, options, seed, settings)


def await_execution(
    execution_id: UUID | str,
    timeout_seconds: float | None = None,
    poll_interval_seconds: float = POLL_SECONDS_MAX,
    *,
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> Operation[ExecutionRecord]:
    """Poll an execution to its end; ends in the record, `completed`. Only watches: it never cancels."""
    seconds = checked_seconds(EXECUTION_SECONDS if timeout_seconds is None else timeout_seconds, "timeout_seconds")
    poll_seconds_max = checked_seconds(poll_interval_seconds, "poll_interval_seconds")
    job = Job(seed, "execution", settings, seconds, poll_seconds_max, "detach")
    return ReadyToWatch(job, checked_id(execution_id, "execution_id"))


def execution_status(execution_id: UUID | str, *, seed: UUID, settings: Settings = DEFAULT_SETTINGS) -> Operation[ExecutionRecord]:
    """Ask once for an execution; ends in its record."""
    checked = checked_id(execution_id, "execution_id")
    return ReadyToCall(Call(seed, settings, status_request(checked), Status(checked)))


def cancel_execution(execution_id: UUID | str, *, seed: UUID, settings: Settings = DEFAULT_SETTINGS) -> Operation[ExecutionRecord]:
    """Cancel an execution; ends in its record after that, whatever its status: it may have ended before."""
    goal = CancelCall(seed, settings, settings.timeout_seconds + CALL_SECONDS_MORE)
    return ReadyToCancel(Cancel(goal, checked_id(execution_id, "execution_id"), sends=0))


def service_skills(
    service_id: UUID | str, version: int | None = None, *, seed: UUID, settings: Settings = DEFAULT_SETTINGS
) -> Operation[SkillsArtifact]:
    """Fetch the skills artifact of a hosted service, the latest where no version is given."""
    return ReadyToCall(Call(seed, settings, skills_request(service_id, version), Skills()))


def request(
    method: str,
    path: str,
    *,
    params: Mapping[str, Any] | None = None,
    json: Any = None,  # noqa: ANN401 -- any JSON value
    content: bytes | External | None = None,
    headers: Mapping[str, str] | None = None,
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> Operation[Any]:
    """Any call; ends in parsed JSON for `application/json`, else in bytes. An `External` content is handed to the driver besides."""
    built = custom_request(method, path, params=params, json=json, content=content, headers=headers, settings=settings)
    return ReadyToCall(Call(seed, settings, built, ANY_CONTENT))


def request_raw(
    method: str,
    path: str,
    *,
    params: Mapping[str, Any] | None = None,
    json: Any = None,  # noqa: ANN401 -- any JSON value
    content: bytes | External | None = None,
    headers: Mapping[str, str] | None = None,
    seed: UUID,
    settings: Settings = DEFAULT_SETTINGS,
) -> Operation[RawResponse]:
    """Any call, as `request`; ends in its 2xx answer as it came."""
    built = custom_request(method, path, params=params, json=json, content=content, headers=headers, settings=settings)
    return ReadyToCall(Call(seed, settings, built, AnyAnswer()))


def _execute(
    component: Component, options: SubmissionOptions, poll_interval_seconds: float, on_abandon: OnAbandon, seed: UUID, settings: Settings
) -> Operation[ExecutionRecord]:
    built = _request(component, options, seed, settings)
    return Ready(_job(component, options, poll_interval_seconds, on_abandon, seed, settings), built)


def _job(
    component: Component, options: SubmissionOptions, poll_interval_seconds: float, on_abandon: OnAbandon, seed: UUID, settings: Settings
) -> Job:
    """Of a run to its end; the options have been checked."""
    seconds = EXECUTION_SECONDS if options.timeout_seconds is None else options.timeout_seconds + VERDICT_SECONDS
    poll_seconds_max = checked_seconds(poll_interval_seconds, "poll_interval_seconds")
    return Job(seed, component.kind, settings, seconds, poll_seconds_max, _checked_on_abandon(on_abandon))


def _submit(component: Component, options: SubmissionOptions, seed: UUID, settings: Settings) -> Operation[ExecutionRecord]:
    built = _request(component, options, seed, settings)
    # Who only submits wants it to run: whoever resumes the handle awaits the execution, and leaves it running.
    seconds = EXECUTION_SECONDS if options.timeout_seconds is None else options.timeout_seconds + VERDICT_SECONDS
    job = Job(seed, component.kind, settings, seconds, POLL_SECONDS_MAX, "detach")
    return ReadyToCall(Call(seed, settings, built, Submitted(job)))


def _request(component: Component, options: SubmissionOptions, seed: UUID, settings: Settings) -> Request:
    key = idempotency_key(seed) if settings.idempotent_submissions else None
    return submission(
        component.kind,
        component.component_id,
        component.inputs,
        options.context,
        options.ring_id,
        options.timeout_seconds,
        execution_mode=component.execution_mode,
        scope=options.scope,
        lifecycle_event=options.lifecycle_event,
        key=key,
        settings=settings,
    )


def _checked_on_abandon(value: OnAbandon) -> OnAbandon:
    if value not in get_args(OnAbandon):
        message = f"on_abandon must be one of {', '.join(get_args(OnAbandon))}, not {value!r}"
        raise ValueError(message)
    return value
