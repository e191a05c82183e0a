import subprocess
import sys

import pytest

import platform_emulator


def test_the_package_loads_nothing_before_it_is_asked() -> None:
    loaded = "import sys, platform_emulator; print([m for m in sys.modules if m.startswith(('platform_emulator.', 'uvicorn', 'jwt'))])"
    assert subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("name", platform_emulator.__all__)
def test_what_it_exports_is_there(name: str) -> None:
    assert getattr(platform_emulator, name).__name__ == name


def test_what_it_does_not_export_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = platform_emulator.Nothing
