"""Pages of which commands write a part: what stands between the markers of its name."""

from pathlib import Path

_BEGIN, _END = "<!-- {}: begin, written by `make {}` -->", "<!-- {}: end -->"


def write_between(page: Path, name: str, command: str, text: str) -> None:
    """Replace what stands between the markers of this name. Raises `ValueError` where the page has none."""
    head, _, tail = _parts(page, name, command)
    begin, end = _markers(name, command)
    page.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")


def read_between(page: Path, name: str, command: str) -> str:
    """What stands between them. Raises `ValueError` where the page has none."""
    return _parts(page, name, command)[1].strip("\n")


def _parts(page: Path, name: str, command: str) -> tuple[str, str, str]:
    text = page.read_text(encoding="utf-8")
    begin, end = _markers(name, command)
    if begin not in text or end not in text:
        raise ValueError(f"{page.name} has no lines {begin!r} and {end!r}")
    head, _, rest = text.partition(begin)
    middle, _, tail = rest.partition(end)
    return head, middle, tail


def _markers(name: str, command: str) -> tuple[str, str]:
    return _BEGIN.format(name, command), _END.format(name)
