"""Requests and short runs that the tests of the emulator share."""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

import platform_emulator
from platform_core.messages import Headers, Inline, Request, Response
from platform_emulator.components import COMPONENTS
from platform_emulator.model import State, apply, initial
from tests.support.patience import HANG_SECONDS

SEED = UUID("5eed0000-0000-4000-8000-000000000001")
IDS = {each.name: each.component_id for each in COMPONENTS}
KINDS = {"code_block": ("code-blocks", "input_parameters"), "agent": ("agents", "input_data"), "workflow": ("workflows", "input_data")}


def submission(name: str, body: Any = None, **headers: str) -> Request:
    """A submission of the component of this name; underscores in header names stand for hyphens."""
    component = next(each for each in COMPONENTS if each.name == name)
    path = f"/api/v1/{KINDS[component.kind][0]}/{component.component_id}/executions"
    fields = {"Content-Type": "application/json", **{each.replace("_", "-"): value for each, value in headers.items()}}
    content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    return Request("POST", path, Headers(tuple(fields.items())), Inline(content))


def attempts(seconds_max: float = HANG_SECONDS) -> Iterator[None]:
    """Turns of a loop that waits for something: an error instead of a hang where it never comes."""
    ends_at = time.monotonic() + seconds_max
    while time.monotonic() < ends_at:
        yield
    raise TimeoutError


def forget_modules(monkeypatch: pytest.MonkeyPatch, library: str, keep: str = "") -> None:
    """Until the end of a test, this library and the emulator's modules are as if they had never been imported."""
    for name, module in list(sys.modules.items()):
        package, _, own = name.partition(".")
        if package == library or (package == "platform_emulator" and own not in ("", keep)):
            monkeypatch.delitem(sys.modules, name)
            if package == "platform_emulator":  # importing it anew sets this; here it is set so that it is set back
                monkeypatch.setattr(platform_emulator, own, module)


def status_of(execution_id: str) -> Request:
    return Request("GET", f"/api/v1/executions/{execution_id}")


def cancel_of(execution_id: str) -> Request:
    return Request("POST", f"/api/v1/executions/{execution_id}/cancel")


def parsed(response: Response) -> Any:
    return json.loads(response.body)


def submitted(name: str, body: Any = None, at: float = 0.0) -> tuple[State, str]:
    """A platform on which this was submitted, and the id of the execution."""
    state, response = apply(initial(SEED), submission(name, body), at)
    assert response.status == 202, response.body
    return state, parsed(response)["execution_id"]
