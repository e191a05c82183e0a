"""What is vendored is told from what it was: changed, added, missing."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.vendor import CORE, LIST, differences, main, vendor, vendored


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An SDK with one import of ours, and a copy of the core."""
    package = tmp_path / "sdk"
    package.mkdir()
    (package / "__init__.py").write_text("from platform_core import Token\nfrom platform_core.limits import Limits\n", encoding="utf-8")
    vendor(package)
    return package


def test_a_copy_holds_every_module_and_the_licence(package: Path) -> None:
    copied = {each.name for each in vendored(package).iterdir()} - {"__pycache__"}
    assert copied == {each.name for each in CORE.iterdir() if each.name != "__pycache__"} | {"LICENSE", LIST}
    assert differences(vendored(package)) == []


def test_the_package_imports_its_copy(package: Path) -> None:
    text = (package / "__init__.py").read_text(encoding="utf-8")
    assert text == "from sdk._vendor.platform_core import Token\nfrom sdk._vendor.platform_core.limits import Limits\n"


def test_other_tools_read_the_list(package: Path) -> None:
    if shutil.which("sha256sum") is not None:
        subprocess.run(["sha256sum", "--check", "--quiet", LIST], cwd=vendored(package), check=True)


def test_each_difference_is_named(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = vendored(package)
    (copy / "retry.py").write_text("changed", encoding="utf-8")
    (copy / "mine.py").write_text("added", encoding="utf-8")
    (copy / "limits.py").unlink()
    assert main(["check", str(package)]) == 1
    assert capsys.readouterr().err == "limits.py: missing\nmine.py: added\nretry.py: changed\n"


def test_what_python_compiled_is_no_difference(package: Path) -> None:
    (vendored(package) / "__pycache__").mkdir()
    (vendored(package) / "__pycache__" / "retry.pyc").write_bytes(b"")
    assert main(["check", str(package)]) == 0


def test_a_copy_can_be_renewed_unless_it_was_changed(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["copy", str(package)]) == 0
    (vendored(package) / "retry.py").write_text("changed", encoding="utf-8")
    assert main(["copy", str(package)]) == 1
    assert "was changed and is left as it is: retry.py: changed" in capsys.readouterr().err
    assert (vendored(package) / "retry.py").read_text(encoding="utf-8") == "changed"


def test_what_is_no_package_and_what_is_no_copy_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["copy", str(tmp_path)]) == 1
    assert "is no package" in capsys.readouterr().err
    assert main(["check", str(tmp_path)]) == 1
    assert "is no copy" in capsys.readouterr().err


def test_an_import_that_the_copy_cannot_serve_is_refused(package: Path) -> None:
    (package / "other.py").write_text("import platform_core\n", encoding="utf-8")
    with pytest.raises(ValueError, match="say `from platform_core import"):
        vendor(package)
