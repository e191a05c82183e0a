"""Is every public name of the four packages typed, so that no type checker has to guess? `make types` asks pyright that too.

It looks at the packages as at installed ones, from a folder without a project: what stands in `py.typed` packages is taken as declared.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("platform_core", "platform_transports", "flow_sdk", "platform_emulator")


def verified(package: str) -> tuple[bool, str]:
    """Whether all of it is typed, and what pyright says."""
    here = Path(sys.executable).parent
    command = [str(here / "pyright"), "--ignoreexternal", "--verifytypes", package]
    # The first python on the path tells where packages are: here `--pythonpath` is passed over.
    paths = {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'transports'}"}
    env = os.environ | paths
    with tempfile.TemporaryDirectory() as empty:
        ended = subprocess.run(command, cwd=empty, env=env, capture_output=True, text=True, check=False)
    return ended.returncode == 0 and "completeness score: 100%" in ended.stdout, ended.stdout + ended.stderr


def main() -> int:
    """Ask for each package. 1 where a name is not typed."""
    untyped = 0
    for package in PACKAGES:
        is_whole, said = verified(package)
        score = [line for line in said.splitlines() if "completeness score" in line]
        print(f"{package}: {score[0].strip() if score else 'not looked at'}")
        if not is_whole:
            untyped = 1
            print(said)
    return untyped


if __name__ == "__main__":
    sys.exit(main())
