"""A stranger's path stops where a command fails, or prints something else than its page says."""

import sys
from pathlib import Path

import pytest

from tools.stranger import ROOT, Differs, installing, plain, run, type_in

PAGE = """
```python
# first.py
print("one")
```

```sh
python first.py
```

```text
{}
```
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """This one, under the name by which a page calls it."""
    (tmp_path / "python").symlink_to(sys.executable)
    return tmp_path / "python"


def typed_in(folder: Path, python: Path, printed: str) -> None:
    page = folder / "page.md"
    page.write_text(PAGE.format(printed), encoding="utf-8")
    type_in(page, folder, python, plain() | {"PATH": f"{python.parent}:/usr/bin:/bin"})


def test_a_page_that_is_true_is_typed_in_to_its_end(tmp_path: Path, python: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed_in(tmp_path, python, "one")
    assert capsys.readouterr().out.endswith(" s  python first.py\n")


def test_another_output_is_told_with_its_place(tmp_path: Path, python: Path) -> None:
    with pytest.raises(Differs, match=r"sh at line 7 of page.md printed 'one\\n', not 'two\\n'"):
        typed_in(tmp_path, python, "two")


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(Differs, match=r"(?s)ended with 3:\n.*no disk"):
        run(["bash", "-c", "echo no disk >&2; exit 3"], tmp_path, plain())


def test_the_tutorial_begins_with_what_installs_it() -> None:
    assert installing(ROOT)[-1] == "pip install '.[all]'"
