"""One run of each kind that may be stored, in every state, for the tests of snapshots and of what goes on with them."""

from dataclasses import replace
from typing import Any

from platform_core.cleanup import ByDeadline
from platform_core.config import Settings
from platform_core.machine import Operation
from platform_core.operations import (
    await_execution,
    cancel_execution,
    execution_status,
    request,
    request_raw,
    service_skills,
    submit_workflow_execution,
)
from platform_core.outcomes import Authorized
from tests.support.core import EXECUTION_ID, KEYLESS, SEED, answered, asks_for, drive_with, heard, lost
from tests.support.leaving import (
    cancel_pausing,
    cancelling,
    cancelling_late,
    execute,
    last_poll,
    learn_pausing,
    learning,
    learning_late,
    rereading,
)

SETTINGS = Settings(timeout_seconds=20, org_id="o", workspace_id="w w", ring_id="r")


def stored_runs() -> dict[str, Operation[Any]]:
    """Each with a name that tells how it came to be there; with every kind of value that a snapshot may have to hold."""
    submit = submit_workflow_execution("w/1", {"n": 1}, {"c": None}, scope="s", lifecycle_event="test", seed=SEED, settings=SETTINGS)
    cancel = cancel_execution(EXECUTION_ID, seed=SEED, settings=SETTINGS)
    upload = request("PUT", "/api/v1/orgs/o/storage/objects/ä b", content=b"\xff\x00", params={"q": "ä"}, headers={"X-Own": "ÿ"}, seed=SEED)
    details = {"message": "no", "code": "BUSY", "details": [{"field": "a"}]}
    return {
        "ready": execute(),
        "ready, without a key": execute(settings=KEYLESS),
        "ready to watch": await_execution("e 1", 5, 0.25, seed=SEED),
        "submitting": drive_with(execute()).operation,
        "submitting, in a pause": drive_with(execute(), answered(1.0, 503, details)).operation,
        "submitting, for the fourth time": drive_with(execute("detach"), asks_for(0.5, 429, 2)).operation,
        "submitting, while the token is renewed": drive_with(execute(), answered(0.25, 401)).operation,
        "submitting, with a new token": drive_with(execute(), answered(0.25, 401), Authorized(0.5)).operation,
        "submitting, while still being taken in": drive_with(execute(), answered(0.125, 409)).operation,
        "waiting": drive_with(execute(), heard(1.0, "pending")).operation,
        "waiting, after a failure": drive_with(await_execution("e", seed=SEED), answered(2.0, 502, "<html>")).operation,
        "polling": drive_with(await_execution("e", seed=SEED)).operation,
        "polling, without a token": drive_with(await_execution("e", seed=SEED), lost(0.5, "no")).operation,
        "learning": learning().operation,
        "learning, after the deadline": learning_late().operation,
        "learn pausing": learn_pausing().operation,
        "last poll": last_poll().operation,
        "cancelling": cancelling().operation,
        "cancelling, after the deadline": cancelling_late().operation,
        "rereading": rereading().operation,
        "cancel pausing": cancel_pausing().operation,
        "ready to cancel": cancel,
        "a cancel": drive_with(cancel).operation,
        "a cancel, in a pause": drive_with(cancel, answered(1.0, 404), answered(2.0, 404)).operation,
        "ready to submit": submit,
        "a submission": drive_with(submit).operation,
        "ready to call": request("GET", "/api/v1/tenants/orgs", seed=SEED),
        "a call": drive_with(upload).operation,
        "a call for an answer as it came": drive_with(request_raw("GET", "/api/v1/tenants/orgs", seed=SEED)).operation,
        "a call for skills": drive_with(service_skills("s", 2, seed=SEED)).operation,
        "a call for a status": drive_with(execution_status("e", seed=SEED), lost(0.75, "no")).operation,
        "ended": drive_with(execute(), heard(1.0, "completed")).operation,
    }


def with_handle() -> Operation[Any]:
    """A run whose stored failure carries a handle: no machine stores one now, the schema has a place for it."""
    state: Any = cancelling_late().operation
    why = state.cancel.goal.why
    assert isinstance(why, ByDeadline)
    handle = state.cancel.goal.job.handle(EXECUTION_ID, 1.0, 2)
    failure = why.failure._replace(handle=handle, execution_json='{"a":1}', retry_after=2.5, sent="maybe")
    goal = state.cancel.goal._replace(why=ByDeadline(failure))
    changed: Operation[Any] = replace(state, cancel=state.cancel._replace(goal=goal))
    return changed
