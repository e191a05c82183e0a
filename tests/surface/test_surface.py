"""What others build on is as it was written down: a name, a signature or a default that changes is seen here, and in the diff."""

import pytest

from tools.surface import HERE, MODULES, surface


@pytest.mark.parametrize("package", MODULES)
def test_the_surface_is_the_one_that_was_written_down(package: str) -> None:
    written = (HERE / f"{package}.txt").read_text(encoding="utf-8")
    # Seen by eye, and meant: `make surface` writes it down, CHANGELOG.md says it.
    assert surface(package).splitlines() == written.splitlines()
