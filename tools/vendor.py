"""Copy `platform_core` into another package, or tell whether such a copy is what it was.

    python tools/vendor.py copy PACKAGE
    python tools/vendor.py check PACKAGE

`copy` puts the core into PACKAGE/_vendor/platform_core, with our licence and a list of SHA-256 digests, which `sha256sum --check` reads
too, and points the imports of PACKAGE at it. A copy that was changed by hand is not overwritten. `check` names what differs from the list,
and then exits with 1: it is meant for a slip, not for somebody who changes the list as well.
"""

import argparse
import hashlib
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "platform_core"
LIST = "SHA256SUMS"
_OUR_IMPORT = re.compile(r"^(\s*)(from|import) platform_core\b", re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", choices=("copy", "check"))
    parser.add_argument("package", type=Path)
    options = parser.parse_args(arguments)
    copy = vendored(options.package)
    try:
        if options.command == "copy":
            vendor(options.package)
        found = differences(copy)
    except ValueError as error:
        found = [str(error)]
    for each in found:
        print(each, file=sys.stderr)
    return 1 if found else 0


def vendored(package: Path) -> Path:
    """Where the copy is in this package."""
    return package / "_vendor" / CORE.name


def vendor(package: Path) -> None:
    """Copy the core, and have the package import the copy. Raises `ValueError` for no package, or a copy that was changed."""
    if not (package / "__init__.py").is_file():
        raise ValueError(f"{package} is no package: it has no __init__.py")
    copy = vendored(package)
    if copy.exists():
        changed = differences(copy)
        if changed:
            raise ValueError(f"{copy} was changed and is left as it is: {', '.join(changed)}")
        shutil.rmtree(copy)
    shutil.copytree(CORE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "LICENSE", copy / "LICENSE")
    (copy.parent / "__init__.py").write_text('"""What belongs to others: each folder with its licence."""\n', encoding="utf-8")
    (copy / LIST).write_text("".join(f"{digest}  {name}\n" for name, digest in _digests(copy).items()), encoding="utf-8")
    for module in package.rglob("*.py"):
        if copy.parent not in module.parents:
            _point_at_the_copy(module, f"{package.resolve().name}._vendor")


def differences(copy: Path) -> list[str]:
    """What is not as it was copied, a line for each file. Raises `ValueError` where there is no copy."""
    if not (copy / LIST).is_file():
        raise ValueError(f"{copy} is no copy: it has no {LIST}")
    then = {name: digest for digest, _, name in (line.partition("  ") for line in (copy / LIST).read_text(encoding="utf-8").splitlines())}
    now = _digests(copy)
    return [f"{name}: {_difference(then.get(name), now.get(name))}" for name in sorted({*then, *now}) if then.get(name) != now.get(name)]


def _difference(then: str | None, now: str | None) -> str:
    if then is None:
        return "added"
    return "missing" if now is None else "changed"


def _digests(copy: Path) -> dict[str, str]:
    """Each file and its digest; what Python compiled is none of them."""
    files = (each for each in copy.rglob("*") if each.is_file() and each.name != LIST and "__pycache__" not in each.parts)
    return {each.relative_to(copy).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() for each in sorted(files)}


def _point_at_the_copy(module: Path, parent: str) -> None:
    """Rewrite the imports. Raises `ValueError` for `import platform_core`, which binds a name that the copy does not have."""
    text = module.read_text(encoding="utf-8")
    for match in _OUR_IMPORT.finditer(text):
        if match[2] == "import":
            raise ValueError(f"{module} says `import platform_core`: say `from platform_core import …`")
    rewritten = _OUR_IMPORT.sub(rf"\1\2 {parent}.platform_core", text)
    if rewritten != text:
        module.write_text(rewritten, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
