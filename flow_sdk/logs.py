"""Decisions in the standard log, by an observer: quiet unless it is asked for.

    PlatformClient(observers=[log_decisions])          # to the logger "platform_client", as your program has set it up
    PLATFORM_CLIENT_LOG=info  (or debug)               # each client does that by itself; on standard error if nothing is set up

`info` is where a call begins, the id of its execution, each pause because something failed, and its end; `debug` is every decision.
Neither has a token, a header, a query or a body in it, nor a text from one but ids, statuses and codes.
"""

import logging
from collections.abc import Mapping
from typing import Any, assert_never

from platform_core.actions import Action, Authorize, Because, Done, Gone, Raise, Send, Sleep
from platform_core.exchange import REQUEST_ID
from platform_core.execution import Submitting, Waiting
from platform_core.machine import Decision
from platform_core.outcomes import Outcome, Restored, Started
from platform_core.strange_texts import one_line
from platform_transports.replay import told_outcome
from platform_transports.run import Observer

from .call_names import call_name

LOGGER = logging.getLogger("platform_client")
VARIABLE = "PLATFORM_CLIENT_LOG"
_LEVELS = {"info": logging.INFO, "debug": logging.DEBUG}
_PLAIN_PAUSES = frozenset({Because.NOT_TERMINAL, Because.RESTORED})
_WIDTH_MAX = 300


def log_decisions(decision: Decision) -> None:
    """An observer that writes each decision on one line; `operation_id` and `call` are attributes of the log record too."""
    level = _level(decision)
    if not LOGGER.isEnabledFor(level):
        return
    name = call_name(decision.before)
    happened, action = one_line(told_outcome(decision.outcome), _WIDTH_MAX), decision.action
    known = f"execution {decision.after.known.execution_id}, " if isinstance(decision.after, Waiting) else ""
    follows = one_line(f"{known}{_told(action, decision.outcome)} ({action.reason})", _WIDTH_MAX)
    extra = {"operation_id": str(decision.operation_id), "call": name}
    LOGGER.log(level, "%s %s at %.3f s: %s; %s", extra["operation_id"][:8], name, decision.outcome.at, happened, follows, extra=extra)


def observers_of(env: Mapping[str, str]) -> tuple[Observer, ...]:
    """The observer that `PLATFORM_CLIENT_LOG` asks for, with the logger set to its level. Raises `ValueError` for another word."""
    wanted = env.get(VARIABLE, "")
    if not wanted:
        return ()
    level = _LEVELS.get(wanted.lower())
    if level is None:
        raise ValueError(f"{VARIABLE} must be one of {', '.join(_LEVELS)}, or empty")
    LOGGER.setLevel(level)
    if not LOGGER.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        LOGGER.addHandler(handler)
    return (log_decisions,)


def _level(decision: Decision) -> int:
    match decision.action:
        case Done() | Raise() | Gone():
            return logging.INFO
        case Sleep(reason=reason) if reason.because not in _PLAIN_PAUSES:
            return logging.INFO
        case _:
            begins = isinstance(decision.outcome, (Started, Restored))
            learns_id = isinstance(decision.before, Submitting) and isinstance(decision.after, Waiting)
            return logging.INFO if begins or learns_id else logging.DEBUG


def _told(action: Action[Any], outcome: Outcome) -> str:
    match action:
        case Send(request):
            return f"{request.method} {request.path} as request {request.headers.get(REQUEST_ID)}"
        case Sleep(until):
            return f"pause of {until - outcome.at:.3f} s"
        case Authorize():
            return "ask for a token"
        case Done():
            return "done"
        case Raise(failure):
            # Its message may quote the platform's: what the caller is told in an exception is not for a log by itself.
            return " ".join(each for each in ("raise", failure.error.__name__, str(failure.status_code or ""), failure.code or "") if each)
        case Gone(report):
            return f"gone: {report.fate}"
        case _:
            assert_never(action)
