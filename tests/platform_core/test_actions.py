"""What a driver is asked to do, and the words in which it is told to people."""

import pytest

from platform_core.actions import Because, Fate, Reason, Report
from platform_core.errors import Failure, PlatformClientError
from platform_core.handles import ExecutionHandle, Submission
from tests.support.core import CODE_BLOCK_ID, EXECUTION_ID, SEED, record

KNOWN = ExecutionHandle("code_block", EXECUTION_ID, None, 1.0, 1, "cancel")
NOT_KNOWN = ExecutionHandle(
    "code_block", None, Submission(SEED, f"/api/v1/code-blocks/{CODE_BLOCK_ID}/executions", b"{}"), 1.0, 1, "cancel"
)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason(Because.FIRST), "first"),
        (Reason(Because.STATUS, "503"), "status: 503"),
        (Reason(Because.TOKEN_REFUSED, "OSError"), "token refused: OSError"),
    ],
)
def test_a_reason_is_told_in_a_word_and_its_particular(reason: Reason, text: str) -> None:
    assert str(reason) == text


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (Report(Fate.NEVER_STARTED), "nothing was started on the platform"),
        (Report(Fate.CANCELLED, KNOWN), f"execution {EXECUTION_ID} was cancelled on the platform"),
        (
            Report(Fate.FINISHED, KNOWN, record("failed")),
            f"execution {EXECUTION_ID} had ended on the platform: failed",
        ),
        (Report(Fate.FINISHED, KNOWN), f"execution {EXECUTION_ID} had ended on the platform: finished"),
        (Report(Fate.LEFT, KNOWN), f"execution {EXECUTION_ID} was left running on the platform"),
        (Report(Fate.UNKNOWN, KNOWN), f"what became of execution {EXECUTION_ID} on the platform is not known"),
        (Report(Fate.UNKNOWN, NOT_KNOWN), "what became of execution on the platform is not known"),
        (Report(Fate.UNKNOWN), "what became of execution on the platform is not known"),
    ],
)
def test_a_report_says_what_became_of_which_execution(report: Report, text: str) -> None:
    assert str(report) == text


def test_every_fate_has_its_words() -> None:
    assert len({str(Report(fate, KNOWN)) for fate in Fate}) == len(Fate)


def test_a_report_shows_no_body_of_a_submission() -> None:
    assert record()["execution_id"] not in repr(Report(Fate.UNKNOWN, NOT_KNOWN))
    assert "body=2 bytes" in repr(Report(Fate.UNKNOWN, NOT_KNOWN))


def test_the_reason_of_a_failure_is_its_status_or_why_there_was_no_answer() -> None:
    assert Reason.of(Failure(PlatformClientError, "busy", status_code=503)) == Reason(Because.STATUS, "503")
    assert Reason.of(Failure(PlatformClientError, "no answer")) == Reason(Because.FAILURE, "no answer")
