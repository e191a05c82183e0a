#!/usr/bin/env bash
# Renews constraints.txt: every package that an extra or a dependency group brings, on all Pythons and systems at once.
# uv only resolves; it comes into a virtual environment that is thrown away. Check the result with `make check`.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3}" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv

# A group that is added to pyproject.toml is resolved with the rest, without a word here.
groups=$("$scratch/venv/bin/python" -c 'import tomllib
for name in tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]: print("--group", name)')

{
  echo "# Every package of every extra and dependency group, pip and the build backend included. Not written by hand:"
  echo "# \`make constraints\` renews it (tools/constraints.sh). Resolved for Python 3.11 and later, on all systems."
  # shellcheck disable=SC2086 -- words, two for each group
  "$scratch/venv/bin/uv" --quiet --no-config pip compile pyproject.toml --all-extras $groups \
    --universal --python-version 3.11 --no-header --no-annotate --no-emit-package platform-client
} >"$scratch/constraints.txt"
mv "$scratch/constraints.txt" constraints.txt
