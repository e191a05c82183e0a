import json
from typing import Any

import pytest

from platform_emulator.fault_json import as_fault, as_json, kinds, parsed_faults
from platform_emulator.faults import Delay, Drop, Fault, Html, MalformedJson, StaleStatus, Status, Trickle, Truncated, Unauthorized


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
        ({"kind": "html"}, Fault(Html(502))),
        ({"kind": "html", "status": 504}, Fault(Html(504))),
        ({"kind": "truncated"}, Fault(Truncated("length", None))),
        ({"kind": "truncated", "framing": "chunked", "sent_bytes": 0}, Fault(Truncated("chunked", 0))),
        ({"kind": "trickle", "interval_seconds": 1}, Fault(Trickle(1))),
        ({"kind": "malformed_json", "variant": "nan"}, Fault(MalformedJson("nan"))),
        ({"kind": "stale_status", "status": "running", "times": 2}, Fault(StaleStatus("running"), times=2)),
        (Fault(Delay(1)), Fault(Delay(1))),
    ],
)
def test_a_fault_can_be_described(described: Any, fault: Fault) -> None:
    assert as_fault(described) == fault
    assert as_fault(as_json(fault)) == fault


def test_every_kind_tells_its_fields() -> None:
    assert len(kinds()) == 10
    assert kinds()["truncated"] == {
        "framing": {"needed": False, "number": False, "choices": ["length", "chunked"]},
        "sent_bytes": {"needed": False, "number": True},
    }
    assert kinds()["status"]["status"] == {"needed": True, "number": True}
    assert kinds()["stale_status"]["status"]["choices"] == ["pending", "running"]


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (7, "a fault must be a Fault or an object with a kind, not int"),
        ({}, "kind must be one of status, html, delay"),
        ({"kind": []}, "kind must be one of"),
        ({"kind": "flood"}, "kind must be one of .* not 'flood'"),
        ({"kind": "status"}, "kind status needs status"),
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
        ({"kind": "html", "status": 99}, "status must be from 200 to 599"),
        ({"kind": "html", "status": None}, "status has the wrong type"),
        ({"kind": "truncated", "framing": "none"}, "framing must be one of length, chunked, not 'none'"),
        ({"kind": "truncated", "sent_bytes": -1}, "sent_bytes must not be negative"),
        ({"kind": "truncated", "sent_bytes": 1.5}, "sent_bytes has the wrong type"),
        ({"kind": "trickle", "interval_seconds": -1}, "interval_seconds must be finite and not negative"),
        ({"kind": "malformed_json", "variant": "sour"}, "variant must be one of cut, .* not 'sour'"),
        ({"kind": "malformed_json", "variant": 1}, "variant has the wrong type"),
        ({"kind": "stale_status", "status": "completed"}, "status must be one of pending, running, not 'completed'"),
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
