import json
from typing import Any

import pytest

from platform_core.messages import Headers, Request, Response
from platform_emulator.faults import Delay, Drop, Fault, FaultPlan, Status, Unauthorized, answer_of, as_fault, parsed_faults

GET = Request("GET", "/api/v1/executions/1?path=/agents/")
POST = Request("POST", "/api/v1/agents/1/executions")


@pytest.mark.parametrize(
    ("described", "fault"),
    [
        ({"kind": "status", "status": 503}, Fault(Status(503))),
        ({"kind": "status", "status": 429, "retry_after": 2, "times": 3}, Fault(Status(429, "2"), times=3)),
        ({"kind": "status", "status": 400, "body": {"code": "X"}}, Fault(Status(400, None, b'{"code": "X"}'))),
        ({"kind": "status", "status": 502, "body": "<p>"}, Fault(Status(502, None, b"<p>", "text/html; charset=utf-8"))),
        ({"kind": "delay", "seconds": 0.5, "method": "get"}, Fault(Delay(0.5), method="GET")),
        ({"kind": "drop_before", "path": "/agents/"}, Fault(Drop(after_effect=False), path="/agents/")),
        ({"kind": "drop_after"}, Fault(Drop(after_effect=True))),
        ({"kind": "unauthorized"}, Fault(Unauthorized())),
        (Fault(Delay(1)), Fault(Delay(1))),
    ],
)
def test_a_fault_can_be_described(described: Any, fault: Fault) -> None:
    assert as_fault(described) == fault


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (7, "a fault must be a Fault or an object with a kind, not int"),
        ({}, "kind must be one of status, delay"),
        ({"kind": []}, "kind must be one of"),
        ({"kind": "flood"}, "kind must be one of .* not 'flood'"),
        ({"kind": "status"}, "needs a status"),
        ({"kind": "status", "status": "503"}, "status has the wrong type, str"),
        ({"kind": "status", "status": True}, "status has the wrong type, bool"),
        ({"kind": "status", "status": 100}, "status must be from 200 to 599, not 100"),
        ({"kind": "status", "status": 600}, "status must be from 200 to 599"),
        ({"kind": "status", "status": 503, "retry_after": 1.5}, "retry_after has the wrong type, float"),
        ({"kind": "status", "status": 503, "retry_after": "a\r\nb"}, "retry_after must be printable ASCII"),
        ({"kind": "status", "status": 503, "seconds": 1}, "kind status has no field seconds"),
        ({"kind": "delay"}, "needs seconds"),
        ({"kind": "delay", "seconds": -1}, "seconds must be finite and not negative"),
        ({"kind": "delay", "seconds": float("inf")}, "seconds must be finite"),
        ({"kind": "delay", "seconds": "1"}, "seconds has the wrong type"),
        ({"kind": "drop_after", "times": 0}, "times must be at least 1, not 0"),
        ({"kind": "drop_after", "times": 1.0}, "times has the wrong type, float"),
        ({"kind": "drop_after", "method": 1}, "method has the wrong type"),
        ({"kind": "drop_after", "path": 1}, "path has the wrong type"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_its_field(described: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        as_fault(described)


def test_a_json_list_of_faults_is_read_in_order() -> None:
    text = json.dumps([{"kind": "drop_after"}, {"kind": "delay", "seconds": 1}])
    assert parsed_faults(text) == (Fault(Drop(after_effect=True)), Fault(Delay(1)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "^faults must be JSON: "),
        ("{}", "^faults must be a JSON list, not dict$"),
        ('[{"kind": "drop_after"}, {"kind": "delay"}]', "^fault 1: a fault of kind delay needs seconds$"),
        ("[3]", "^fault 0: a fault must be"),
    ],
)
def test_text_that_is_no_list_of_faults_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parsed_faults(text)


@pytest.mark.parametrize(
    ("fault", "meets_get", "meets_post"),
    [
        (Fault(Delay(1)), True, True),
        (Fault(Delay(1), method="post"), False, True),
        (Fault(Delay(1), path="/agents/"), False, True),
        (Fault(Delay(1), path="/executions"), True, True),
        (Fault(Delay(1), method="POST", path="/executions/"), False, False),
    ],
)
def test_a_fault_strikes_the_requests_that_it_names(fault: Fault, meets_get: bool, meets_post: bool) -> None:
    assert (fault.matches(GET, None), fault.matches(POST, None)) == (meets_get, meets_post)


def test_a_fault_strikes_as_often_as_it_says_and_the_plan_before_stays_as_it_was() -> None:
    plan = before = FaultPlan().with_fault(Fault(Status(503), times=2), 0.0)
    taken = list[Fault | None]()
    for _ in range(3):
        plan, fault = plan.take(GET)
        taken.append(fault)
    assert [each is not None for each in taken] == [True, True, False]
    assert plan == FaultPlan()
    assert before == FaultPlan((Fault(Status(503), times=2),))


def test_faults_strike_in_their_order_and_one_that_does_not_match_waits() -> None:
    plan = FaultPlan((Fault(Delay(1), method="POST"), Fault(Delay(2)), Fault(Delay(3))))
    plan, first = plan.take(GET)
    plan, second = plan.take(POST)
    plan, third = plan.take(POST)
    assert [each.effect for each in (first, second, third) if each is not None] == [Delay(2), Delay(1), Delay(3)]


def test_every_token_up_to_the_injection_is_refused_for_good_and_a_later_one_never() -> None:
    plan = FaultPlan().with_fault(Fault(Unauthorized()), 10.0)
    for issued_at, struck in [(9.0, True), (10.0, True), (10.1, False), (9.0, True), (None, False)]:
        plan, fault = plan.take(GET, issued_at)
        assert (fault is not None) is struck


def test_a_fault_of_tokens_lets_later_faults_strike_requests_with_new_tokens() -> None:
    plan = FaultPlan().with_fault(Fault(Unauthorized()), 10.0).with_fault(Fault(Delay(1)), 11.0)
    assert plan.take(GET, 12.0)[1] == Fault(Delay(1))


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
        (Status(204, "2", b"never"), Response(204, Headers((("Retry-After", "2"),)))),
    ],
)
def test_a_status_is_answered_as_it_says(effect: Status, answer: Response) -> None:
    assert answer_of(effect) == answer


def test_a_revoked_token_is_answered_401() -> None:
    assert answer_of(Unauthorized(1.0)).status == 401
