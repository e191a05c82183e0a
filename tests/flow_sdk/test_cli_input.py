"""What a command reads, and how it refuses what it cannot read."""

from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
import typer

from flow_sdk.cli_input import bytes_of, json_of, pairs_of


def test_json_comes_from_the_command_line_a_file_or_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "inputs.json"
    file.write_text('{"from": "a file"}')
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b'{"from": "standard input"}')))
    assert json_of('{"from": "the line"}', "--input") == {"from": "the line"}
    assert json_of(f"@{file}", "--input") == {"from": "a file"}
    assert json_of("-", "--input") == {"from": "standard input"}
    assert json_of(None, "--input") is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "must be strict JSON"),
        ('{"a": NaN}', "must be strict JSON"),
        ('{"a": 1, "a": 2}', "must be strict JSON"),
        ("\udcff", "must be strict JSON"),
        ("@/nowhere/at all", "cannot read /nowhere/at all: No such file or directory"),
    ],
)
def test_what_is_refused_names_the_option_and_the_fault(text: str, fault: str) -> None:
    with pytest.raises(typer.BadParameter, match=fault) as refused:
        json_of(text, "--input")
    assert refused.value.param_hint == "--input"


def test_content_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "any").write_bytes(b"\x00\xff")
    assert bytes_of(f"@{tmp_path / 'any'}", "--content") == b"\x00\xff"
    assert bytes_of("häh", "--content") == "häh".encode()


def test_a_name_may_have_several_values() -> None:
    assert pairs_of(["a=1", "b=x=y", "a= 2"], "=", "--param") == {"a": ["1", "2"], "b": ["x=y"]}


@pytest.mark.parametrize("text", ["a", "=1", ""])
def test_a_pair_without_its_halves_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="must be NAME=VALUE"):
        pairs_of([text], "=", "--param")
