"""What the platform knows as rows of SQLite: the tables of schema 1, and how a value becomes a row and a row a value.

Rule 1: a file of a released schema is opened or refused, never misread: whoever changes a table raises `SCHEMA`.
Rule 2: what follows from the executions is not stored: which are due, which wait, which keys are taken.
Rule 3: no credential is stored that opens anything: of an API key there is a digest alone, and of tokens nothing.
"""

import json
from math import inf
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from platform_core.lifecycle import ExecutionStatus

from .callers import Caller
from .components import Component, Work
from .state import Execution, StoredObject
from .tokens import Identity

SCHEMA = 1
"""In the file as `PRAGMA user_version`."""
APPLICATION_ID = 0x666C6F77
"""In the file as `PRAGMA application_id`, so that no other program's database is taken for one of ours."""

Row: TypeAlias = tuple[Any, ...]

CREATE_TABLES = (
    "CREATE TABLE platform (seed TEXT NOT NULL)",
    """
    CREATE TABLE executions (
        number INTEGER PRIMARY KEY, -- the order of submission
        execution_id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL, name TEXT NOT NULL, component_id TEXT NOT NULL, external INTEGER NOT NULL,
        target TEXT NOT NULL, body BLOB NOT NULL,
        idempotency_key TEXT UNIQUE, -- whatever happens, one key starts one execution
        parent_billing_txn_id TEXT, lifecycle_event TEXT,
        work_seconds REAL, -- NULL: it never ends by itself
        work_status TEXT NOT NULL, work_outcome_json TEXT NOT NULL,
        timeout_seconds REAL,
        created_at REAL NOT NULL,
        status TEXT NOT NULL, started_at REAL, finished_at REAL, result_json TEXT, error_json TEXT
    )
    """,
    """
    CREATE TABLE objects (
        org_id TEXT NOT NULL, name TEXT NOT NULL, content_type TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (org_id, name)
    )
    """,
    "CREATE TABLE api_keys (digest BLOB NOT NULL PRIMARY KEY, name TEXT NOT NULL, issued_at REAL NOT NULL, org_ids_json TEXT NOT NULL)",
)

_COLUMNS = (
    "execution_id, kind, name, component_id, external, target, body, idempotency_key, parent_billing_txn_id, lifecycle_event, "
    "work_seconds, work_status, work_outcome_json, timeout_seconds, created_at, status, started_at, finished_at, result_json, error_json"
)
_MARKS = ", ".join("?" * len(_COLUMNS.split(",")))

PUT_PLATFORM = "INSERT INTO platform (seed) VALUES (?)"
PUT_EXECUTION = f"""
    INSERT INTO executions ({_COLUMNS}) VALUES ({_MARKS}) ON CONFLICT (execution_id) DO UPDATE SET
        status = excluded.status, started_at = excluded.started_at, finished_at = excluded.finished_at,
        result_json = excluded.result_json, error_json = excluded.error_json
"""  # noqa: S608 -- both are constants of this module
PUT_OBJECT = "INSERT OR REPLACE INTO objects (org_id, name, content_type, content) VALUES (?, ?, ?, ?)"
PUT_API_KEY = "INSERT INTO api_keys (digest, name, issued_at, org_ids_json) VALUES (?, ?, ?, ?)"

PLATFORM = "SELECT seed FROM platform"
EXECUTIONS = f"SELECT {_COLUMNS} FROM executions ORDER BY number"  # noqa: S608 -- a constant of this module
OBJECTS = "SELECT org_id, name, content_type, content FROM objects"
API_KEYS = "SELECT digest, name, issued_at, org_ids_json FROM api_keys"


class Kept(NamedTuple):
    """What a file holds of a platform's state. `objects` are by organization and name."""

    seed: UUID
    executions: tuple[Execution, ...]
    objects: dict[tuple[str, str], StoredObject]


def row_of_execution(execution: Execution) -> Row:
    """For `PUT_EXECUTION`."""
    component, work = execution.component, execution.work
    return (
        execution.execution_id,
        component.kind,
        component.name,
        component.component_id,
        component.external,
        execution.target,
        execution.body,
        execution.idempotency_key,
        execution.parent_billing_txn_id,
        execution.lifecycle_event,
        None if work.seconds == inf else work.seconds,
        work.status.value,
        work.outcome_json,
        execution.timeout_seconds,
        execution.created_at,
        execution.status.value,
        execution.started_at,
        execution.finished_at,
        execution.result_json,
        execution.error_json,
    )


def execution_of(row: Row) -> Execution:
    """From a row of `EXECUTIONS`. Raises `ValueError` for a status that is none."""
    execution_id, kind, name, component_id, external, target, body, key, parent, event, *rest = row
    work_seconds, work_status, work_outcome_json, timeout_seconds, created_at, status, started_at, finished_at, result, error = rest
    return Execution(
        execution_id=execution_id,
        component=Component(kind, name, component_id, external=bool(external)),
        target=target,
        body=body,
        idempotency_key=key,
        parent_billing_txn_id=parent,
        lifecycle_event=event,
        work=Work(inf if work_seconds is None else work_seconds, ExecutionStatus(work_status), work_outcome_json),
        timeout_seconds=timeout_seconds,
        created_at=created_at,
        status=ExecutionStatus(status),
        started_at=started_at,
        finished_at=finished_at,
        result_json=result,
        error_json=error,
    )


def row_of_object(key: tuple[str, str], stored: StoredObject) -> Row:
    """For `PUT_OBJECT`."""
    return (*key, stored.content_type, stored.content)


def object_of(row: Row) -> tuple[tuple[str, str], StoredObject]:
    """From a row of `OBJECTS`."""
    org_id, name, content_type, content = row
    return (org_id, name), StoredObject(content_type, content)


def row_of_api_key(digest: bytes, identity: Identity) -> Row:
    """For `PUT_API_KEY`."""
    return digest, identity.name, identity.issued_at, json.dumps(sorted(identity.caller.org_ids))


def api_key_of(row: Row) -> tuple[bytes, Identity]:
    """From a row of `API_KEYS`. Raises `ValueError` for organizations that are none."""
    digest, name, issued_at, org_ids_json = row
    return digest, Identity(name, issued_at, Caller.seeing(json.loads(org_ids_json)))


def latest_at(executions: tuple[Execution, ...]) -> float:
    """The latest time that any of these tells; minus infinity where there are none."""
    times = (at for each in executions for at in (each.created_at, each.started_at, each.finished_at) if at is not None)
    return max(times, default=-inf)
