import types
from typing import Any
from uuid import UUID

import pytest

from platform_emulator import agent, code_block, component_id_of, workflow
from platform_emulator.components import COMPONENTS
from platform_emulator.registration import registered
from tests.platform_emulator import own_components
from tests.platform_emulator.own_components import double, named, plain

MODULE = "tests.platform_emulator.own_components"


def test_a_decorated_function_is_called_as_before() -> None:
    assert double({"n": 2}) == {"n": 4}


@pytest.mark.parametrize("components", [MODULE, own_components])
def test_all_decorated_functions_of_a_module_are_found(components: Any) -> None:
    found = {each.component.name: each for each in registered(components)}
    assert {"double", "by_another_name", "helper", "plan"} <= found.keys()
    assert "plain" not in found
    assert {each.component.kind for each in found.values()} == {"code_block", "agent", "workflow"}
    assert (found["by_another_name"].module, found["by_another_name"].qualified_name) == (MODULE, "named")
    assert all(each.component.external for each in found.values())


def test_functions_can_be_named_one_by_one_and_twice_is_once() -> None:
    assert [each.component.name for each in registered([named, double, named])] == ["by_another_name", "double"]


def test_no_components_are_none() -> None:
    assert registered(()) == ()


def test_an_id_follows_from_module_and_name_unless_it_is_given() -> None:
    assert component_id_of(double) == "fe5baf0f-f6c8-5558-9e2b-5f1c1e3ff3bd"
    assert UUID(component_id_of(double)).version == 5
    assert component_id_of(named) == "c0de0000-0000-4000-8000-00000000abcd"


def test_the_same_function_as_another_kind_has_another_id() -> None:
    def local(inputs: Any) -> Any:
        return inputs

    assert len({component_id_of(decorator(local)) for decorator in (agent, code_block, workflow)}) == 3


def test_an_id_that_is_no_uuid_is_refused() -> None:
    with pytest.raises(ValueError, match="UUID"):
        code_block(component_id="mine")


def test_a_function_without_a_decorator_is_refused() -> None:
    with pytest.raises(TypeError, match=r"plain at .* is not decorated with code_block, agent or workflow"):
        component_id_of(plain)
    with pytest.raises(TypeError, match="is not decorated"):
        registered([plain])


def test_a_function_that_no_process_can_import_is_refused() -> None:
    @code_block
    def local(inputs: Any) -> Any:
        return inputs

    with pytest.raises(ValueError, match="local must stand at the top of its module"):
        registered([local])


def test_a_module_without_components_is_refused() -> None:
    with pytest.raises(ValueError, match="empty has no function that is decorated"):
        registered(types.ModuleType("empty"))


def test_a_module_that_is_not_there_is_an_import_error() -> None:
    with pytest.raises(ImportError):
        registered("tests.platform_emulator.nothing")


def top(inputs: Any) -> Any:
    return inputs


@pytest.mark.parametrize(
    ("name", "component_id"),
    [("echo", None), ("double", None), ("another", COMPONENTS[0].component_id), ("another", component_id_of(named))],
)
def test_a_name_or_an_id_that_is_taken_is_refused(name: str, component_id: str | None) -> None:
    with pytest.raises(ValueError, match=f"another code_block {name}, or another component with the id"):
        registered([double, named, code_block(name=name, component_id=component_id)(top)])
