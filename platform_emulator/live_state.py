"""What the emulator's page shows, as plain JSON values: the latest executions and requests, and the faults to come; no secret."""

import json
import re
from typing import Any

from platform_core.messages import Inline

from .fault_json import as_json, kinds
from .faults import Fault
from .request_log import Logged
from .service import Watched
from .state import Execution

LATEST_MAX = 100
"""Executions, and requests, that are shown; what a page is still quick with."""
TEXT_CHARACTERS_MAX = 2_000
_LOOKED_AT_MAX = 4 * TEXT_CHARACTERS_MAX
"""What is cut off here cannot be part of a secret that begins in what is shown: tokens are shorter than three times that."""

MASK = "•••"
_SECRET = re.compile(r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?|\bfl_[\w-]{8,}|(?<=Bearer )[^\s\"\\]+", re.IGNORECASE)
"""Tokens and API keys, wherever somebody has put them: the headers that are meant for them are not kept in the first place."""
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


def state_of(watched: Watched) -> dict[str, Any]:
    """The whole of it. Times are POSIX seconds on the emulator's clock, `now` included."""
    return {
        "now": watched.at,
        "executions": [_execution(each, progress) for each, progress in watched.executions],
        "executions_count": watched.executions_count,
        "requests": [_request(each) for each in watched.requests],
        "requests_count": watched.requests_count,
        "faults": [fault_text(each) for each in watched.faults],
        "kinds": kinds(),
    }


def masked(text: str) -> str:
    """The beginning of a text, with no token or API key in it."""
    shown = _SECRET.sub(MASK, text[:_LOOKED_AT_MAX])
    return shown if len(shown) <= TEXT_CHARACTERS_MAX else f"{shown[:TEXT_CHARACTERS_MAX]} …"


def fault_text(fault: Fault) -> str:
    """A fault in one line: `status, status 503, times 2`."""
    fields = as_json(fault)
    return masked(", ".join([fields.pop("kind"), *(f"{name} {value}" for name, value in fields.items())]))


def _execution(execution: Execution, progress: float | None) -> dict[str, Any]:
    ended = execution.error_json if execution.result_json is None else execution.result_json
    lines = [f"POST {execution.target}", execution.body[:_LOOKED_AT_MAX].decode("utf-8", "replace")]
    if execution.idempotency_key is not None:
        lines.insert(1, f"Idempotency-Key: {execution.idempotency_key}")
    if ended is not None:
        lines += ["", json.dumps(json.loads(ended), ensure_ascii=False)]
    return {
        "id": execution.execution_id,
        "component": f"{execution.component.kind} {execution.component.name}",
        "status": execution.status.value,
        "progress": progress,
        "created_at": execution.created_at,
        "started_at": execution.started_at,
        "finished_at": execution.finished_at,
        "told": "\n".join(masked(line) for line in lines),
    }


def _request(logged: Logged) -> dict[str, Any]:
    request = logged.request
    lines = [f"{request.method} {request.target}"]
    lines += [f"{name}: {MASK if name.lower() in _SECRET_HEADERS else value}" for name, value in request.headers]
    if isinstance(request.body, Inline) and request.body.content:
        lines += ["", request.body.content[:_LOOKED_AT_MAX].decode("utf-8", "replace")]
    return {
        "number": logged.number,
        "at": logged.at,
        "method": request.method,
        "target": masked(request.target),
        "text": "\n".join(masked(line) for line in lines),
        "fault": None if logged.fault is None else fault_text(logged.fault),
    }
