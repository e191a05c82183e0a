"""What answers say: the shapes that are taken, and the ones that are nonsense."""

import json
from typing import Any

import pytest

from platform_core.errors import (
    BODY_BYTES_KEPT,
    CallFacts,
    Failure,
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformExecutionError,
    PlatformNotFoundError,
    PlatformPermissionError,
    PlatformResponseError,
)
from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import Headers, Response
from platform_core.responses import (
    CODE_LENGTH_MAX,
    MESSAGE_LENGTH_MAX,
    Nonsense,
    content,
    execution_record,
    failure_from_nonsense,
    failure_from_status,
    skills_artifact,
)

ID = "2b1f7a9e-0000-4000-8000-00000000abcd"
FACTS = CallFacts("GET", "/api/v1/a", "ours", 2, 1.5)
JSON = ("Content-Type", "application/json")
PROBLEM = ("Content-Type", "application/problem+json")
HTML = b"<html><body>502 Bad Gateway</body></html>"
JWT = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
MEDIA_TYPES_OF_JSON = ["application/json", "APPLICATION/Json", "application/json; charset=utf-8", "application/json;a=b"]


def answer(body: bytes | Any = b"", *fields: tuple[str, str], status: int = 200) -> Response:
    return Response(status, Headers(fields or (JSON,)), body if isinstance(body, bytes) else json.dumps(body).encode())


def record(**fields: Any) -> dict[str, Any]:
    return {"execution_id": ID, "status": "pending"} | fields


class TestContent:
    @pytest.mark.parametrize("media_type", MEDIA_TYPES_OF_JSON)
    def test_json_is_parsed_whatever_the_case_and_the_parameters(self, media_type: str) -> None:
        assert content(answer(b'{"a": 1}', ("content-type", media_type)), DEFAULT_LIMITS) == {"a": 1}

    @pytest.mark.parametrize("media_type", ["", "text/json", "application/problem+json", "application/json, application/json"])
    def test_any_other_media_type_gives_bytes(self, media_type: str) -> None:
        assert content(answer(b'{"a": 1}', ("Content-Type", media_type)), DEFAULT_LIMITS) == b'{"a": 1}'

    def test_no_media_type_gives_bytes(self) -> None:
        assert content(Response(200, Headers(), b"{}"), DEFAULT_LIMITS) == b"{}"
        assert content(answer(b"{}", JSON, JSON), DEFAULT_LIMITS) == b"{}"

    @pytest.mark.parametrize(
        ("status", "body", "media_type", "expected"),
        [
            (200, b"", "application/json", None),
            (202, b"", "application/json; charset=utf-8", None),
            (204, b"", "text/plain", None),
            (205, b"", "text/plain", None),
            (204, b"junk", "application/json", None),
            (205, b"junk", "text/plain", None),
            (200, b"", "text/plain", b""),
            (299, b"a", "text/plain", b"a"),
            (200, b"null", "application/json", None),
        ],
    )
    def test_an_empty_body_is_none_for_json_and_for_204_and_205(self, status: int, body: bytes, media_type: str, expected: object) -> None:
        assert content(answer(body, ("Content-Type", media_type), status=status), DEFAULT_LIMITS) == expected

    @pytest.mark.parametrize("charset", ["latin-1", "UTF-16", '"us-ascii"', '""', "utf-8; charset=latin-1"])
    def test_json_in_another_encoding_is_nonsense(self, charset: str) -> None:
        found = content(answer(b"{}", ("Content-Type", f"application/json; charset={charset}")), DEFAULT_LIMITS)
        assert found == Nonsense("the JSON is said to be in another encoding than UTF-8")

    @pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "identity, gzip", "gzip, gzip", "x"])
    @pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
    def test_a_compressed_answer_is_nonsense(self, coding: str, media_type: str) -> None:
        found = content(answer(b"{}", ("Content-Type", media_type), ("content-encoding", coding)), DEFAULT_LIMITS)
        assert found == Nonsense("the body has a content encoding, which was not asked for")

    @pytest.mark.parametrize("coding", ["identity", "IDENTITY", "", "identity, identity"])
    def test_identity_is_no_compression(self, coding: str) -> None:
        assert content(answer(b"[]", JSON, ("Content-Encoding", coding)), DEFAULT_LIMITS) == []

    def test_nothing_was_compressed_where_there_is_no_body(self) -> None:
        assert content(answer(b"", ("Content-Encoding", "gzip")), DEFAULT_LIMITS) == b""

    def test_a_body_over_the_limit_is_nonsense(self) -> None:
        limits = Limits(response_body_bytes_max=3)
        assert content(answer(b"123", JSON), limits) == 123
        assert content(answer(b"1234", JSON), limits) == Nonsense("the body is larger than the client's limits allow")

    @pytest.mark.parametrize(
        ("body", "fault"),
        [
            (b"{", "not JSON"),
            (HTML, "not JSON"),
            (b"\xef\xbb\xbf{}", "not JSON"),
            (b"\xff", "not UTF-8"),
            (b"NaN", "NaN or Infinity, which JSON does not have"),
            (b"1e400", "a number is too large"),
            (b'{"a":1,"a":2}', "a key stands twice in one object"),
            (b'"\\ud800"', "a lone surrogate"),
            (b"[" * 65 + b"]" * 65, "arrays and objects are nested too deeply"),
        ],
    )
    def test_what_is_not_strict_json_is_nonsense(self, body: bytes, fault: str) -> None:
        assert content(answer(body), DEFAULT_LIMITS) == Nonsense(f"the body is not strict JSON: {fault}")


class TestExecutionRecord:
    @pytest.mark.parametrize(
        "found",
        [
            record(),
            record(status="a status of tomorrow", more={"a": [1]}, result=[None]),
            record(component_type="agent", component_id="c", error=None, created_at="t", started_at=None, finished_at=None, progress=0.5),
            record(error={"code": "E", "message": "m", "details": []}, started_at="t", finished_at="t", progress=None),
            record(execution_id="a/b", progress=1),
        ],
    )
    def test_a_record_is_handed_on_with_all_its_fields(self, found: dict[str, Any]) -> None:
        execution_id = str(found["execution_id"])
        assert execution_record(answer(found, status=202), DEFAULT_LIMITS, None) == found
        assert execution_record(answer(found), DEFAULT_LIMITS, execution_id) == found

    @pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"pending"', b"5", b"true"])
    def test_what_is_no_object_is_nonsense(self, body: bytes) -> None:
        found = execution_record(answer(body), DEFAULT_LIMITS, None)
        assert found == Nonsense("the answer should be an execution record, a JSON object, and is not")

    @pytest.mark.parametrize(
        "response", [answer(HTML, ("Content-Type", "text/html")), answer(record(), PROBLEM), answer(record(), status=204)]
    )
    def test_what_is_not_said_to_be_json_is_nonsense(self, response: Response) -> None:
        assert isinstance(execution_record(response, DEFAULT_LIMITS, None), Nonsense)

    def test_what_is_not_strict_json_is_nonsense(self) -> None:
        found = execution_record(answer(b'{"status": "a", "status": "b"}'), DEFAULT_LIMITS, None)
        assert found == Nonsense("the body is not strict JSON: a key stands twice in one object")

    @pytest.mark.parametrize("execution_id", [None, 5, True, "", ".", "..", "a\r\nb", ["a"], {"a": 1}])
    def test_an_id_that_cannot_go_back_into_a_url_is_nonsense(self, execution_id: object) -> None:
        found = execution_record(answer(record(execution_id=execution_id)), DEFAULT_LIMITS, None)
        assert found == Nonsense("the execution record has no usable execution_id")

    def test_a_record_without_an_id_is_nonsense(self) -> None:
        assert execution_record(answer({"status": "pending"}), DEFAULT_LIMITS, None) == Nonsense(
            "the execution record has no usable execution_id"
        )

    @pytest.mark.parametrize("expected", ["other", "", "2b1f7a9e-0000-4000-8000-00000000abce"])
    def test_the_record_of_another_execution_is_nonsense(self, expected: str) -> None:
        assert execution_record(answer(record()), DEFAULT_LIMITS, expected) == Nonsense("the execution record is of another execution")

    def test_ids_that_are_no_uuids_differ_by_case(self) -> None:
        assert isinstance(execution_record(answer(record(execution_id="abc")), DEFAULT_LIMITS, "ABC"), Nonsense)

    def test_a_uuid_may_be_spelled_in_either_case(self) -> None:
        assert execution_record(answer(record()), DEFAULT_LIMITS, ID.upper()) == record()

    @pytest.mark.parametrize("status", [None, "", 5, True, ["pending"]])
    def test_a_status_that_is_no_text_is_nonsense(self, status: object) -> None:
        found = execution_record(answer(record(status=status)), DEFAULT_LIMITS, ID)
        assert found == Nonsense("the execution record has no usable status")

    @pytest.mark.parametrize(
        ("field", "value", "allowed"),
        [
            ("error", "boom", "an object or null"),
            ("error", [], "an object or null"),
            ("error", False, "an object or null"),
            ("component_type", None, "a string"),
            ("component_id", 5, "a string"),
            ("created_at", 5, "a string"),
            ("started_at", 5, "a string or null"),
            ("finished_at", False, "a string or null"),
            ("progress", "0.5", "a number or null"),
            ("progress", True, "a number or null"),
        ],
    )
    def test_a_known_field_of_another_type_is_nonsense(self, field: str, value: object, allowed: str) -> None:
        found = execution_record(answer(record(**{field: value})), DEFAULT_LIMITS, ID)
        assert found == Nonsense(f"{field} of the execution record must be {allowed}")


class TestSkillsArtifact:
    def test_an_artifact_is_handed_on_with_all_its_fields(self) -> None:
        artifact = {"endpoints": [{"name": "a"}], "version": 2}
        assert skills_artifact(answer(artifact), DEFAULT_LIMITS) == artifact

    @pytest.mark.parametrize("artifact", [{}, {"endpoints": None}, {"endpoints": {}}, {"endpoints": "a"}])
    def test_an_artifact_without_a_list_of_endpoints_is_nonsense(self, artifact: object) -> None:
        assert skills_artifact(answer(artifact), DEFAULT_LIMITS) == Nonsense("the skills artifact has no list of endpoints")

    @pytest.mark.parametrize("body", [b"[]", b"", b"{"])
    def test_what_is_no_object_is_nonsense(self, body: bytes) -> None:
        assert isinstance(skills_artifact(answer(body), DEFAULT_LIMITS), Nonsense)

    def test_another_value_is_told_from_an_artifact(self) -> None:
        assert skills_artifact(answer([]), DEFAULT_LIMITS) == Nonsense("the answer should be a skills artifact, a JSON object, and is not")


class TestFailureFromStatus:
    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (101, PlatformClientError),
            (300, PlatformClientError),
            (304, PlatformClientError),
            (400, PlatformClientError),
            (401, PlatformAuthenticationError),
            (402, PlatformClientError),
            (403, PlatformPermissionError),
            (404, PlatformNotFoundError),
            (409, PlatformClientError),
            (418, PlatformClientError),
            (422, PlatformClientError),
            (429, PlatformClientError),
            (499, PlatformClientError),
            (500, PlatformExecutionError),
            (502, PlatformClientError),
            (503, PlatformClientError),
            (599, PlatformClientError),
        ],
    )
    @pytest.mark.parametrize("body", [b"", HTML, b'{"message": ', b"[]", b'"text"', b'{"message": 5, "code": [], "details": {}}'])
    def test_the_status_rules_whatever_the_body(self, status: int, error: type[PlatformClientError], body: bytes) -> None:
        failure = failure_from_status(answer(body, status=status), FACTS, DEFAULT_LIMITS)
        assert failure == Failure(
            error,
            "the platform gave no message",
            status_code=status,
            request_id="ours",
            method="GET",
            path="/api/v1/a",
            attempts=2,
            elapsed=1.5,
            body=body,
        )

    @pytest.mark.parametrize("status", [-1, 0, 20, 99, 600, 999])
    def test_a_status_that_http_does_not_have_is_nonsense(self, status: int) -> None:
        failure = failure_from_status(answer({"message": "m"}, status=status), FACTS, DEFAULT_LIMITS)
        assert (failure.error, failure.message, failure.status_code) == (PlatformResponseError, "the answer has an invalid status", status)

    @pytest.mark.parametrize("status", [100, 599])
    def test_a_status_that_http_has_is_taken_as_it_is(self, status: int) -> None:
        assert failure_from_status(answer({"message": "m"}, status=status), FACTS, DEFAULT_LIMITS).message == "m"

    def test_the_error_body_says_message_code_and_details(self) -> None:
        body = {"code": "VALIDATION_ERROR", "message": "name is missing", "details": [{"field": "name"}]}
        error = failure_from_status(answer(body, status=422), FACTS, DEFAULT_LIMITS).exception()
        assert (error.message, error.code, error.details) == ("name is missing", "VALIDATION_ERROR", [{"field": "name"}])

    @pytest.mark.parametrize("media_type", [*MEDIA_TYPES_OF_JSON, "application/problem+json", "Application/vnd.x+JSON; a=b"])
    def test_an_error_body_is_read_in_any_kind_of_json(self, media_type: str) -> None:
        assert failure_from_status(answer({"message": "m"}, ("Content-Type", media_type), status=400), FACTS, DEFAULT_LIMITS).message == "m"

    @pytest.mark.parametrize(
        "fields",
        [
            [("Content-Type", "text/html")],
            [("Content-Type", "text/x+json")],
            [("Content-Type", "application/xjson")],
            [("Content-Type", "application/json; charset=latin-1")],
            [JSON, ("Content-Encoding", "gzip")],
            [("X-Other", "no media type")],
        ],
    )
    def test_an_error_body_is_not_guessed_at(self, fields: list[tuple[str, str]]) -> None:
        failure = failure_from_status(answer({"message": "m"}, *fields, status=400), FACTS, DEFAULT_LIMITS)
        assert failure.message == "the platform gave no message"

    @pytest.mark.parametrize(("bytes_more", "message"), [(0, "m"), (-1, "the platform gave no message")])
    def test_an_error_body_over_the_limit_is_not_read(self, bytes_more: int, message: str) -> None:
        response = answer({"message": "m"}, status=400)
        limits = Limits(response_body_bytes_max=len(response.body) + bytes_more)
        assert failure_from_status(response, FACTS, limits).message == message

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"title": "Out of credit", "detail": "Your balance is 30."}, "Out of credit: Your balance is 30."),
            ({"title": "Out of credit"}, "Out of credit"),
            ({"detail": "Not Found"}, "Not Found"),
            ({"message": "m", "title": "t", "detail": "d"}, "m"),
            ({"message": "", "title": "t", "detail": 5}, "t"),
            ({"message": " \n ", "title": None, "detail": "d"}, "d"),
            ({"title": "t" * 400, "detail": "d" * 400}, "t" * 400 + ": " + "d" * 98),
            ({"title": "t" * 2000}, "t" * 500),
        ],
    )
    def test_title_and_detail_of_rfc_9457_stand_in_for_a_message(self, body: object, message: str) -> None:
        assert failure_from_status(answer(body, PROBLEM, status=400), FACTS, DEFAULT_LIMITS).message == message

    def test_a_message_cannot_steer_a_terminal_or_a_log(self) -> None:
        failure = failure_from_status(
            answer({"message": "\x1b[31m a\r\n" + "x" * 999, "code": "C\u202e" + "x" * 999}, status=400), FACTS, DEFAULT_LIMITS
        )
        assert failure.message == "[31m a " + "x" * (MESSAGE_LENGTH_MAX - 7)
        assert failure.code == "C" + "x" * (CODE_LENGTH_MAX - 1)

    def test_what_looks_like_a_token_is_cut_out_everywhere(self) -> None:
        body = b'{"message": "%s", "code": "%s", "details": ["%s"]}'
        failure = failure_from_status(answer(body % (JWT, JWT, JWT), status=401), FACTS, DEFAULT_LIMITS)
        assert (failure.message, failure.code, failure.details_json) == ("<cut>", "<cut>", '["<cut>"]')
        assert failure.body == body % (b"<cut>", b"<cut>", b"<cut>")

    def test_the_first_bytes_of_the_body_are_kept(self) -> None:
        body = b"x" * (BODY_BYTES_KEPT + 1)
        assert failure_from_status(answer(body, status=502), FACTS, DEFAULT_LIMITS).body == body[:BODY_BYTES_KEPT]

    @pytest.mark.parametrize(
        ("request_id", "expected"),
        [("theirs-1.a:b/c", "theirs-1.a:b/c"), ("a b", "ours"), ("", "ours"), ("x" * 129, "ours"), ("a\u00e9", "ours")],
    )
    def test_the_servers_request_id_counts_where_it_is_sane(self, request_id: str, expected: str) -> None:
        assert failure_from_status(answer(b"", ("x-request-id", request_id), status=500), FACTS, DEFAULT_LIMITS).request_id == expected

    def test_the_pause_that_was_asked_for_is_carried(self) -> None:
        assert failure_from_status(answer(b"", ("Retry-After", "7"), status=429), FACTS, DEFAULT_LIMITS).retry_after == 7.0


class TestRedirects:
    @pytest.mark.parametrize(
        ("location", "message"),
        [
            ("https://login.example.com/a?token=s3cret#b", "a redirect to login.example.com was not followed"),
            ("https://user:s3cret@Login.example.com:8443/a", "a redirect to Login.example.com was not followed"),
            ("//login.example.com", "a redirect to login.example.com was not followed"),
            ("https://[2001:db8::1]:443/s3cret", "a redirect to [2001:db8::1] was not followed"),
            ("/s3cret", "a redirect was not followed"),
            ("", "a redirect was not followed"),
            ("https://\u00e9s3cret/", "a redirect was not followed"),
            ("https:///s3cret", "a redirect was not followed"),
            ("mailto:s3cret", "a redirect was not followed"),
        ],
    )
    @pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
    def test_a_redirect_names_the_host_alone(self, status: int, location: str, message: str) -> None:
        response = answer({"message": "moved"}, JSON, ("location", location), status=status)
        failure = failure_from_status(response, FACTS, DEFAULT_LIMITS)
        assert (failure.error, failure.message) == (PlatformClientError, message)
        assert "s3cret" not in str(failure.exception())

    @pytest.mark.parametrize("status", [299, 400, 401])
    def test_a_location_elsewhere_is_no_redirect(self, status: int) -> None:
        response = answer({"message": "m"}, JSON, ("Location", "https://login.example.com"), status=status)
        assert failure_from_status(response, FACTS, DEFAULT_LIMITS).message == "m"


class TestFailureFromNonsense:
    def test_it_names_status_and_request_id_and_keeps_the_first_bytes(self) -> None:
        response = answer(b"{" + b"x" * 9999, ("X-Request-ID", "theirs"), ("Retry-After", "3"))
        assert failure_from_nonsense(Nonsense("not JSON"), response, FACTS) == Failure(
            PlatformResponseError,
            "not JSON",
            status_code=200,
            request_id="theirs",
            method="GET",
            path="/api/v1/a",
            attempts=2,
            elapsed=1.5,
            body=b"{" + b"x" * (BODY_BYTES_KEPT - 1),
            retry_after=3.0,
        )
