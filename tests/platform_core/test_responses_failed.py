"""What the record of an execution that ended badly becomes as an error."""

import json
from typing import Any, cast

import pytest

from platform_core.errors import (
    CallFacts,
    Failure,
    PlatformClientError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformExecutionTimeoutError,
)
from platform_core.records import ExecutionRecord
from platform_core.responses import failure_from_record

ID = "2b1f7a9e-0000-4000-8000-00000000abcd"
FACTS = CallFacts("GET", "/api/v1/a", "ours", 2, 1.5)


def record(**fields: Any) -> dict[str, Any]:
    return {"execution_id": ID, "status": "pending"} | fields


class TestFailureFromRecord:
    @pytest.mark.parametrize(
        ("status", "error"),
        [("failed", PlatformExecutionError), ("timeout", PlatformExecutionTimeoutError), ("cancelled", PlatformExecutionCancelledError)],
    )
    @pytest.mark.parametrize("fields", [{}, {"error": None}, {"error": {}}, {"error": {"message": 5, "code": None, "details": "d"}}])
    def test_the_end_of_an_execution_has_its_own_error(self, status: str, error: type[PlatformClientError], fields: dict[str, Any]) -> None:
        ended = cast(ExecutionRecord, record(status=status, **fields))
        failure = failure_from_record(ended, FACTS)
        assert failure == Failure(
            error,
            f"the execution ended {status}",
            request_id="ours",
            method="GET",
            path="/api/v1/a",
            attempts=2,
            elapsed=1.5,
            execution_json=json.dumps(ended),
        )
        assert failure.exception().execution == ended

    def test_it_says_what_the_record_says(self) -> None:
        said = {"code": "BOOM", "message": "it\nbroke", "details": [{"line": 3}]}
        error = failure_from_record(cast(ExecutionRecord, record(status="failed", error=said)), FACTS).exception()
        assert (error.message, error.code, error.details) == ("it broke", "BOOM", [{"line": 3}])
