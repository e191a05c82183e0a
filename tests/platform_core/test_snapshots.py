"""Snapshots: what goes out is what comes back, and steps as before; the golden files of every schema; a stranger's is checked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_core.downloads import download
from platform_core.machine import Misuse, Operation
from platform_core.messages import External, Headers, Response
from platform_core.operations import request, stream_agent
from platform_core.outcomes import Received, Started
from platform_core.snapshots import SCHEMA, UnknownSchema, restore, restored_outcome, snapshot, stored_outcome
from platform_core.stored_shapes import STATES
from platform_core.stored_values import InvalidSnapshot
from tests.support.core import SEED, samples
from tests.support.stored import stored_runs, with_handle

GOLDEN = Path(__file__).parent / "golden"
RUNS = {**stored_runs(), "cancelling, with a handle": with_handle()}
LATER = 60.0


def through_json(operation: Operation[Any]) -> Any:
    return restore(json.loads(json.dumps(snapshot(operation), allow_nan=False)))


def stepped(operation: Operation[Any]) -> list[Any]:
    """What becomes of it, whatever happens: the misuse in words among it."""
    ends: list[Any] = []
    for outcome in samples(LATER):
        try:
            ends.append(operation.step(outcome))
        except Misuse as misuse:
            ends.append(str(misuse))
    return ends


@pytest.mark.parametrize("name", RUNS)
def test_what_goes_out_comes_back_and_steps_as_before(name: str) -> None:
    restored = through_json(RUNS[name])
    assert restored == RUNS[name]
    assert type(restored) is type(RUNS[name])
    assert stepped(restored) == stepped(RUNS[name])


def test_an_operation_whose_body_is_not_in_it_is_refused() -> None:
    upload = request("PUT", "/api/v1/x", content=External(None, replayable=True), seed=SEED)
    with pytest.raises(ValueError, match=r"^an operation whose body is external cannot be stored: its bytes are not in it$"):
        snapshot(upload)


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("ready", [download("/api/v1/x", seed=SEED), stream_agent("a-1", seed=SEED)], ids=["download", "stream"])
def test_an_operation_whose_answer_flows_past_it_is_refused(ready: Operation[Any], *, started: bool) -> None:
    flowing = ready.step(Started(0.0))[0] if started else ready
    with pytest.raises(ValueError, match=rf"^{type(flowing).__name__} cannot be stored: what has come of its answer is not in it$"):
        snapshot(flowing)


def test_the_runs_of_these_tests_are_in_every_state_that_can_be_stored() -> None:
    assert {type(operation) for operation in RUNS.values()} == {shape.kind for shape in STATES}


class TestGoldenFiles:
    """Once a schema was released its file stays as it is: such snapshots lie on someone's disk."""

    @pytest.mark.parametrize("path", sorted(GOLDEN.glob("snapshots_schema_*.json")), ids=lambda path: path.stem)
    def test_every_snapshot_of_every_schema_is_restored(self, path: Path) -> None:
        golden = json.loads(path.read_text(encoding="utf-8"))
        assert {name: restore(stored) for name, stored in golden.items()} == {name: RUNS[name] for name in golden}

    def test_what_is_written_is_of_this_schema(self) -> None:
        # A difference here is another schema: raise SCHEMA, add a golden file, and keep reading the old one.
        golden = json.loads((GOLDEN / f"snapshots_schema_{SCHEMA}.json").read_text(encoding="utf-8"))
        assert {name: snapshot(operation) for name, operation in RUNS.items()} == golden


class TestStrangers:
    @pytest.mark.parametrize("schema", [0, 2, "1", None, True, 1.5, [1]])
    def test_another_schema_is_refused_by_its_own_type(self, schema: object) -> None:
        stored: Any = {**snapshot(RUNS["polling"]), "schema": schema}
        with pytest.raises(UnknownSchema, match=r"^snapshot\.schema must be 1: this version reads no other$"):
            restore(stored)
        assert issubclass(UnknownSchema, InvalidSnapshot)

    @pytest.mark.parametrize(
        ("stored", "text"),
        [
            ([], "snapshot must be a JSON object"),
            ("{}", "snapshot must be a JSON object"),
            ({"schema": 1}, "snapshot.operation must be a JSON object"),
            ({"schema": 1, "operation": {}}, "snapshot.operation.type must be one of ready, ready to watch"),
            ({"schema": 1, "operation": {"type": "job"}}, "snapshot.operation.type must be one of ready, ready to watch"),
            ({"schema": 1, "operation": {"type": "ended"}}, "snapshot.operation.seed is missing"),
        ],
    )
    def test_what_is_no_snapshot_is_refused_by_name(self, stored: Any, text: str) -> None:
        with pytest.raises(InvalidSnapshot, match=f"^{text}"):
            restore(stored)

    @pytest.mark.parametrize("operation", [None, 5, "x", Operation, object()])
    def test_only_what_platform_core_builds_has_a_snapshot(self, operation: Any) -> None:
        with pytest.raises(TypeError, match=rf"^operation must be one that platform_core builds, not {type(operation).__name__}$"):
            snapshot(operation)

    @settings(max_examples=400)
    @given(st.data())
    def test_one_field_changed_is_refused_by_name_or_gives_a_run_that_can_be_stepped(self, data: st.DataObject) -> None:
        stored: Any = json.loads(json.dumps(snapshot(RUNS[data.draw(st.sampled_from(sorted(RUNS)))])))
        change(stored, data.draw)
        refused, restored = "", None
        try:
            restored = restore(stored)
        except InvalidSnapshot as error:
            refused = str(error)
        assert refused.startswith("snapshot") == (restored is None)
        if restored is not None:
            stepped(restored)
            assert through_json(restored) == restored


def change(stored: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
    """Put something else into one place, as deep as there is one."""
    while True:
        key = draw(st.sampled_from(keys_of(stored)))
        inner = stored[key]
        if not keys_of(inner) or not draw(st.integers(0, 9)):
            stored[key] = draw(STRANGE)
            return
        stored = inner


def keys_of(stored: Any) -> list[Any]:
    if not isinstance(stored, (dict, list)):
        return []
    whole = cast("dict[str, Any] | list[Any]", stored)
    return list(whole) if isinstance(whole, dict) else list(range(len(whole)))


STRANGE: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            *(
                None,
                True,
                False,
                0,
                1,
                -1,
                409,
                1000,
                10**400,
                0.5,
                1e300,
                float("nan"),
                float("inf"),
                "",
                "GET",
                "PATCH",
                "maybe",
                "\ud800",
            ),
            *("cancel", "detach", "agent", "execution", "@evil.test", "//evil.test/x", "/api/v1/x?y=%zz", "/api/v1/agents/a/executions"),
            *([], [[]], [["Host", "a"]], [["Idempotency-Key", "k"]], {}, {"base64": "!"}, {"type": "by caller"}, {"type": "any content"}),
            *("[]", "{", '{"a": 1}', "..", "00000000-0000-4000-8000-000000000001"),
        ]
    ),
    st.text(max_size=5),
    st.floats(0, 100),
)


class TestOutcomes:
    @pytest.mark.parametrize("outcome", samples(2.5), ids=str)
    def test_every_outcome_comes_back(self, outcome: Any) -> None:
        assert restored_outcome(json.loads(json.dumps(stored_outcome(outcome))), "outcome") == outcome

    def test_what_was_received_comes_back_whole(self) -> None:
        headers = Headers((("Set-Cookie", "a"), ("Set-Cookie", "b"), ("X", "ÿ")))
        outcome = Received(1.0, Response(299, headers, b"\xff\x00"), 3)
        assert restored_outcome(stored_outcome(outcome), "outcome") == outcome

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"at": -1}, "line 1.at must be a number, finite and not negative"),
            ({"type": "response"}, "line 1.type must be one of started, restored, received"),
            ({"generation": 1.5}, "line 1.generation must be a whole number, not negative"),
            ({"response": None}, "line 1.response must be a JSON object"),
            ({"response": {"status": 200, "headers": {}, "body": ""}}, "line 1.response.headers must be a list"),
            ({"response": {"status": 200, "headers": [["a"]], "body": ""}}, r"line 1.response.headers\[0\] must be a name and a value"),
        ],
    )
    def test_what_breaks_a_rule_is_refused_by_name(self, changes: dict[str, Any], text: str) -> None:
        stored = stored_outcome(Received(1.0, Response(200), 1)) | changes
        with pytest.raises(InvalidSnapshot, match=f"^{text}"):
            restored_outcome(stored, "line 1")
