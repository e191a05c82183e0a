import json
from typing import Any

import pytest

from platform_core.messages import Headers, Response
from platform_core.strict_json import InvalidJson, strict_json
from platform_emulator.answers import json_answer
from platform_emulator.faults import VARIANTS, Html, MalformedJson, StaleStatus, Status, Trickle, Truncated, Unauthorized
from platform_emulator.spoiling import Wire, answer_of, spoiled

RECORD: dict[str, Any] = {
    "execution_id": "e",
    "status": "completed",
    "result": {"a": 1},
    "error": None,
    "started_at": "s",
    "finished_at": "f",
}
ANSWER = Response(200, Headers((("Content-Type", "text/plain"), ("X-Request-ID", "r"))), b"0123456789")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Request-ID: r\r\n"


@pytest.mark.parametrize(
    ("effect", "answer"),
    [
        (
            Status(503, "2"),
            Response(
                503,
                Headers((("Content-Type", "application/json"), ("Retry-After", "2"))),
                b'{"code":"EMULATED_FAULT","message":"injected status 503","details":[]}',
            ),
        ),
        (Status(502, None, b"<p>", "text/html"), Response(502, Headers((("Content-Type", "text/html"),)), b"<p>")),
        (Html(304), Response(304)),
        (Status(204, "2", b"never"), Response(204, Headers((("Retry-After", "2"),)))),
    ],
)
def test_a_status_is_answered_as_it_says(effect: Status, answer: Response) -> None:
    assert answer_of(effect) == answer


def test_a_revoked_token_is_answered_401() -> None:
    assert answer_of(Unauthorized(1.0)).status == 401


def test_an_error_page_is_html_as_a_proxy_sends_it() -> None:
    answer = answer_of(Html(502))
    assert (answer.status, answer.headers.get("Content-Type")) == (502, "text/html")
    assert b"<title>502 Bad Gateway</title>" in answer.body


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("body", [json.dumps(RECORD).encode(), b"[]", b"[1, 2]", b"{}"])
def test_every_variant_breaks_json_and_leaves_the_rest(variant: str, body: bytes) -> None:
    answer = spoiled(MalformedJson(variant), Response(202, ANSWER.headers, body))
    assert isinstance(answer, Response)
    assert (answer.status, answer.headers) == (202, ANSWER.headers)
    with pytest.raises(InvalidJson):
        strict_json(answer.body, 64)


@pytest.mark.parametrize(
    ("variant", "fault"),
    [("nan", "NaN"), ("duplicate_key", "twice"), ("not_utf8", "UTF-8"), ("lone_surrogate", "surrogate"), ("deep", "deep")],
)
def test_a_variant_breaks_what_its_name_says(variant: str, fault: str) -> None:
    answer = spoiled(MalformedJson(variant), json_answer(200, RECORD))
    assert isinstance(answer, Response)
    with pytest.raises(InvalidJson, match=fault):
        strict_json(answer.body, 64)


@pytest.mark.parametrize(
    ("effect", "sent"),
    [
        (Truncated(), b"Content-Length: 10\r\nConnection: close\r\n\r\n01234"),
        (Truncated(sent_bytes=0), b"Content-Length: 10\r\nConnection: close\r\n\r\n"),
        (Truncated(sent_bytes=99), b"Content-Length: 11\r\nConnection: close\r\n\r\n0123456789"),
        (Truncated("chunked"), b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n01234\r\n"),
        (Truncated("chunked", 0), b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"),
        (Truncated("chunked", 99), b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\na\r\n0123456789\r\n"),
    ],
)
def test_a_truncated_answer_promises_more_than_it_sends(effect: Truncated, sent: bytes) -> None:
    assert spoiled(effect, ANSWER) == Wire((HEAD + sent,))


def test_a_trickle_is_the_whole_answer_byte_by_byte() -> None:
    wire = spoiled(Trickle(0.5), ANSWER)
    assert isinstance(wire, Wire)
    assert b"".join(wire.parts) == HEAD + b"Content-Length: 10\r\nConnection: close\r\n\r\n0123456789"
    assert ({len(each) for each in wire.parts}, wire.interval_seconds) == ({1}, 0.5)


def test_a_status_without_a_known_phrase_has_none() -> None:
    wire = spoiled(Truncated(), Response(599))
    assert isinstance(wire, Wire)
    assert wire.parts[0].startswith(b"HTTP/1.1 599 \r\n")


@pytest.mark.parametrize(("status", "started_at"), [("pending", None), ("running", "s")])
def test_a_status_from_the_past_holds_nothing_of_what_came_later(status: str, started_at: str | None) -> None:
    answer = spoiled(StaleStatus(status), json_answer(200, {**RECORD, "progress": 0.5}, ("X-Request-ID", "r")))
    assert isinstance(answer, Response)
    assert answer.headers.get_all("Content-Type") == ("application/json",)
    assert answer.headers.get("X-Request-ID") == "r"
    past = {"status": status, "result": None, "finished_at": None, "started_at": started_at}
    assert json.loads(answer.body) == {**RECORD, **past}


@pytest.mark.parametrize("answer", [json_answer(404, {"code": "NOT_FOUND"}), json_answer(200, [])])
def test_an_answer_without_a_record_has_no_past(answer: Response) -> None:
    assert spoiled(StaleStatus("pending"), answer) is answer
