"""The shapes for type checkers, held against what they promise."""

from typing import get_args, get_type_hints

from platform_core.records import ComponentKind, ErrorBody, ExecutionRecord, SkillsArtifact


def test_a_record_has_all_documented_fields_and_maybe_its_progress() -> None:
    assert ExecutionRecord.__required_keys__ == {
        "execution_id",
        "status",
        "component_type",
        "component_id",
        "result",
        "error",
        "created_at",
        "started_at",
        "finished_at",
    }
    assert ExecutionRecord.__optional_keys__ == {"progress"}


def test_an_error_body_may_lack_anything() -> None:
    assert ErrorBody.__required_keys__ == frozenset()
    assert ErrorBody.__optional_keys__ == {"code", "message", "details"}


def test_an_artifact_has_endpoints() -> None:
    assert SkillsArtifact.__required_keys__ == {"endpoints"}


def test_the_hints_resolve_at_run_time() -> None:
    assert set(get_type_hints(ExecutionRecord)) == ExecutionRecord.__required_keys__ | ExecutionRecord.__optional_keys__


def test_three_kinds_of_component_can_be_submitted() -> None:
    assert get_args(ComponentKind) == ("code_block", "agent", "workflow")
