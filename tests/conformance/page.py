"""The tables of docs/transports.md that are made from what the transports declare: `python -m tests.conformance.page` renews them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from platform_transports.conformance.subjects import Subject
from platform_transports.conformance.suite import cases, column
from tests.conformance.subjects import SUBJECTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "transports.md"
_NAMED_MAX = 20
"""Whoever declares more for one reason has no use for a list of them."""
_ISSUE = re.compile(r"\b([\w.-]+/[\w.-]+)#([0-9]+)")
_CVE = re.compile(r"\b(CVE-[0-9]+-[0-9]+)")


def counts(subjects: Sequence[Subject]) -> Iterator[str]:
    """One row for each transport on each event loop: since what is declared must fail, and all else must pass, it needs no run."""
    yield "| transport | checks | passed | declared |"
    yield "| --- | ---: | ---: | ---: |"
    made = cases(subjects)
    for subject in subjects:
        for backend in subject.backends:
            own = [case for case in made if case.column == column(subject, backend)]
            declared = sum(case.check.name in subject.declared for case in own)
            yield f"| {column(subject, backend)} | {len(own)} | {len(own) - declared} | {declared or 'none'} |"


def limits(subjects: Sequence[Subject]) -> Iterator[str]:
    """One row for each reason that a transport has, with the checks that it does not pass therefore."""
    checks: dict[str, dict[str, None]] = {}
    names: dict[str, dict[str, None]] = {}
    for subject in subjects:
        for check, reason in subject.declared.items():
            checks.setdefault(reason, {})[check] = None
            names.setdefault(reason, {})[subject.name] = None
    yield "| what it cannot do, and why | transports | checks |"
    yield "| --- | --- | --- |"
    for reason, failing in checks.items():
        named = ", ".join(f"`{each}`" for each in failing) if len(failing) <= _NAMED_MAX else f"{len(failing)} of them"
        yield f"| {_linked(reason)} | {', '.join(names[reason])} | {named} |"


TABLES = {"counts": counts, "limits": limits}


def renewed(text: str) -> str:
    """The page with each table between its two comments made anew."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}: made by `make conformance` -->", f"<!-- {name}: end -->"
        before, found_begin, rest = text.partition(begin)
        _, found_end, after = rest.partition(end)
        assert found_begin, f"the page must have the line {begin}"
        assert found_end, f"the page must have the line {end}"
        text = "\n".join([before + begin, "", *table(SUBJECTS), "", end + after])
    return text


def _linked(reason: str) -> str:
    text = _ISSUE.sub(r"[\1#\2](https://github.com/\1/issues/\2)", reason)
    return _CVE.sub(r"[\1](https://www.cve.org/CVERecord?id=\1)", text)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
