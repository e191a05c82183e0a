"""The table from type to fields: complete, held against the types themselves, and strict in what it reads."""

from typing import Any, get_args

import pytest

from platform_core import errors
from platform_core.execution import Waiting
from platform_core.messages import External, Request
from platform_core.outcomes import Outcome
from platform_core.snapshots import restore, snapshot
from platform_core.stored_shapes import OUTCOMES, SHAPES, STATES, Shape, one_of, part
from platform_core.stored_values import InvalidSnapshot
from tests.support.frozen import field_names
from tests.support.stored import stored_runs

RUNS = stored_runs()
AGENT = "/api/v1/agents/a/executions"


def changed(name: str, path: str, value: Any) -> Any:
    """The snapshot of this run, with another value at this place."""
    stored: Any = snapshot(RUNS[name])
    *way, last = path.split(".")
    place = stored["operation"]
    for key in way:
        place = place[int(key) if isinstance(place, list) else key]
    place[last] = value
    return stored


MADE_ANEW = {(Waiting, "poll")}
"""Fields that are not stored, since what they hold follows from the others."""


@pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: shape.name)
def test_a_shape_has_every_field_of_its_type_in_order(shape: Shape) -> None:
    assert tuple(shape.fields) == tuple(name for name in field_names(shape.kind) or () if (shape.kind, name) not in MADE_ANEW)


def test_a_request_whose_body_is_not_in_it_is_not_written() -> None:
    request = Request("PUT", "/api/v1/x", body=External(None, replayable=True))
    with pytest.raises(ValueError, match=r"^an operation whose body is external cannot be stored: its bytes are not in it$"):
        part(Request).write(request)


def test_each_type_and_each_name_stands_once() -> None:
    names = [shape.name for shape in SHAPES.values()]
    assert len(names) == len(set(names))
    assert {shape.kind for shape in (*STATES, *OUTCOMES)} <= SHAPES.keys()
    assert {shape.kind for shape in OUTCOMES} > set(get_args(Outcome))


def test_every_error_of_the_core_has_a_name() -> None:
    all_errors = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    codec = SHAPES[errors.Failure].fields["error"]
    assert {codec.write(codec.read(name, "x")) for name in all_errors} == all_errors


def test_a_field_that_is_missing_is_refused_by_name() -> None:
    stored: Any = snapshot(RUNS["polling"])
    del stored["operation"]["exchange"]["plan"]["limits"]["json_depth_max"]
    with pytest.raises(InvalidSnapshot, match=r"^snapshot\.operation\.exchange\.plan\.limits\.json_depth_max is missing$"):
        restore(stored)


def test_a_field_that_is_not_known_is_refused() -> None:
    with pytest.raises(InvalidSnapshot, match=r"^snapshot\.operation\.job has a field that this schema does not know$"):
        restore(changed("polling", "job.secret", 1))


@pytest.mark.parametrize(
    ("name", "path", "value", "text"),
    [
        ("polling", "job.settings.retry.attempts_max", 0, "job.settings.retry: retry.attempts_max must be at least 1, not 0"),
        ("polling", "job.settings.limits.json_depth_max", 0, "job.settings.limits: limits.json_depth_max must be positive and finite"),
        ("polling", "exchange.type", "pausing", "exchange.type must be one of sending, authorizing"),
        ("ready", "request.target", AGENT, " must have the submission of a code_block as its request"),
        ("ready", "request.method", "PUT", " must have the submission of a code_block as its request"),
        ("ready", "job.kind", "execution", " must have the submission of a execution as its request"),
        ("submitting", "request.target", "/api/v1/tenants/orgs", " must have the submission of a code_block as its request"),
        ("submitting", "request.headers.2", ["Idempotency-Key", "k"], " must have a UUID as the Idempotency-Key of its request"),
        ("learning", "submission.body", "{}", " must have the same submission and request"),
        ("learning", "request.target", AGENT, " must have the submission of a code_block as its request"),
        ("learn pausing", "request.headers", [], " must have the same submission and request"),
        ("a submission", "call.request.target", AGENT, "call must have the submission of a workflow as its request"),
        ("a cancel, in a pause", "last", None, " must have a last failure"),
        ("a call", "call.request.headers.0", ["Authorization", "x"], "call.request.headers must not have Authorization"),
    ],
)
def test_what_no_run_of_ours_could_be_is_refused(name: str, path: str, value: Any, text: str) -> None:
    stored = changed(name, path, value) if not path.endswith((".0", ".2")) else _with_item(name, path, value)
    with pytest.raises(InvalidSnapshot) as caught:
        restore(stored)
    assert str(caught.value).startswith(f"snapshot.operation{'' if text.startswith(' ') else '.'}{text}")
    assert caught.value.__cause__ is None


def _with_item(name: str, path: str, value: Any) -> Any:
    way, _, index = path.rpartition(".")
    stored: Any = snapshot(RUNS[name])
    place = stored["operation"]
    for key in way.split("."):
        place = place[key]
    place[int(index)] = value
    return stored


def test_a_clean_up_may_pause_after_a_status_that_is_no_failure() -> None:
    assert restore(changed("cancel pausing", "last", None)) == RUNS["cancel pausing"]


def test_a_submission_without_a_key_is_one_of_ours() -> None:
    assert restore(snapshot(RUNS["ready, without a key"])) == RUNS["ready, without a key"]


def test_one_of_several_types_is_named_and_a_single_one_is_not() -> None:
    ended = RUNS["ended"]
    assert part(type(ended)).write(ended) == {"seed": str(ended.seed)}
    assert one_of(type(ended)).write(ended) == {"type": "ended", "seed": str(ended.seed)}
    assert part(type(ended)).read({"seed": str(ended.seed)}, "x") == ended


@pytest.mark.parametrize("found", [None, 5, [], {}, {"type": 5}, {"type": "nobody"}])
def test_what_is_of_no_type_is_refused_by_the_name_of_its_field(found: object) -> None:
    kind = type(RUNS["ended"])
    for codec in (one_of(kind), part(kind)):
        with pytest.raises(InvalidSnapshot, match=r"^x"):
            codec.read(found, "x")
