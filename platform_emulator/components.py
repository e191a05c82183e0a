"""The fixed catalogue of components to call, and what each of them does, described and not done: nothing here waits.

Ids are fixed, so that a script may be written against them; `python -m platform_emulator --list` prints them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from platform_core.lifecycle import ExecutionStatus
from platform_core.records import ComponentKind

ORG_ID = "0a6a0000-0000-4000-8000-000000000001"
OTHER_ORG_ID = "0a6a0000-0000-4000-8000-000000000002"
"""One that exists, and that the ordinary token may not see."""
ORGANIZATIONS: Mapping[str, str] = {ORG_ID: "Emulated organization", OTHER_ORG_ID: "Another organization"}
WORKSPACE_ID = "3a5e0000-0000-4000-8000-000000000001"
SERVICES: Mapping[str, str] = {"demo": "5e7c0000-0000-4000-8000-000000000001"}
DATASETS: Mapping[str, str] = {"people": "da7a0000-0000-4000-8000-000000000001"}

SECONDS_MAX = 1_000_000_000
"""Thirty years: no run is longer, and a time with it added is still one that a record can show."""


@dataclass(frozen=True, slots=True)
class Component:
    """Something that can be executed."""

    kind: ComponentKind
    name: str
    component_id: str
    external: bool = False
    """Runs outside of the model: whoever runs it calls `start` and `finish`."""


COMPONENTS = (
    Component("code_block", "echo", "c0de0000-0000-4000-8000-000000000001"),
    Component("code_block", "sleep", "c0de0000-0000-4000-8000-000000000002"),
    Component("code_block", "fail", "c0de0000-0000-4000-8000-000000000003"),
    Component("agent", "answer", "a6e70000-0000-4000-8000-000000000001"),
    Component("workflow", "pipeline", "f1040000-0000-4000-8000-000000000001"),
)


@dataclass(frozen=True, slots=True)
class Work:
    """What running a component comes to: after `seconds` it ends in `status` with this outcome.

    `outcome_json` is the result of a `completed` one and the error body of a `failed` one, as JSON text: text hashes by value.
    """

    seconds: float
    status: ExecutionStatus
    outcome_json: str


def component_of(kind: ComponentKind, component_id: str, others: Iterable[Component] = ()) -> Component | None:
    """The component of this kind and id (UUIDs compare case-insensitively, RFC 9562, section 4), built in or of `others`, else None."""
    wanted = component_id.lower()
    return next((each for each in (*COMPONENTS, *others) if each.kind == kind and each.component_id == wanted), None)


def work_of(component: Component, inputs: Mapping[str, Any]) -> Work:
    """What this component does with these inputs. Inputs that it cannot use end it `failed`, as they would on the platform.

    What runs outside of the model never ends here by itself; its deadline still does.
    """
    if component.external:
        return Work(inf, ExecutionStatus.COMPLETED, "null")
    match component.name:
        case "sleep":
            return _sleep(inputs)
        case "fail":
            return _failed("COMPONENT_FAILED", str(inputs.get("message", "fail was asked to fail")))
        case _:
            return Work(0.0, ExecutionStatus.COMPLETED, json.dumps(inputs))


def catalogue(others: Iterable[Component] = ()) -> dict[str, Any]:
    """Names to ids, as `--list` prints them, those of `others` after the built-in ones."""
    components = (*COMPONENTS, *others)
    kinds: Mapping[ComponentKind, str] = {"code_block": "code_blocks", "agent": "agents", "workflow": "workflows"}
    by_kind = {plural: {each.name: each.component_id for each in components if each.kind == kind} for kind, plural in kinds.items()}
    return {"org_id": ORG_ID, "workspace_id": WORKSPACE_ID, **by_kind, "hosted_services": dict(SERVICES), "datasets": dict(DATASETS)}


def _sleep(inputs: Mapping[str, Any]) -> Work:
    seconds = inputs.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= SECONDS_MAX:
        return _failed("INVALID_INPUT", f"sleep takes seconds, a number from 0 to {SECONDS_MAX}")
    return Work(float(seconds), ExecutionStatus.COMPLETED, json.dumps({"seconds": seconds}))


def _failed(code: str, message: str) -> Work:
    return Work(0.0, ExecutionStatus.FAILED, json.dumps({"code": code, "message": message, "details": []}))
