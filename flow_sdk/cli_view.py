"""The live view of a run: each state and how long it lasted, a bar where the platform tells how far it is.

It is drawn on standard error, if that is a terminal, by a thread of its own: the observer only leaves what it heard.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from platform_core.lifecycle import ExecutionStatus, is_terminal
from platform_core.strange_texts import one_line
from platform_transports.run import Observer

from .logs import VARIABLE as LOG
from .progress import Progress, on_progress

SUBMITTING, LEAVING = "submitting", "cancelling"
FRAMES_PER_SECOND = 8
_NAME_WIDTH, _TIME_WIDTH, _BAR_WIDTH = 12, 11, 32
_STYLES = {ExecutionStatus.COMPLETED: "green", ExecutionStatus.FAILED: "red", ExecutionStatus.TIMEOUT: "red"}


@dataclass(frozen=True, slots=True)
class Stage:
    """One state of the run, and how long it lasted, or has lasted."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a run so far: the stages that are over, the one that is not, and since when on the run's clock."""

    over: tuple[Stage, ...] = ()
    current: str = SUBMITTING
    since: float = 0.0
    progress: Progress | None = None

    def after(self, progress: Progress) -> "Seen":
        """What was seen once this was told as well."""
        name = self.current if progress.status is None else one_line(progress.status, _NAME_WIDTH)
        if progress.is_leaving and not is_terminal(name):
            name = LEAVING
        if name == self.current:
            return replace(self, progress=progress)
        return Seen((*self.over, Stage(self.current, progress.seconds - self.since)), name, progress.seconds, progress)


class View:
    """Shows one run while it is open, on standard error. Where that is no terminal, or a log goes there, it shows nothing."""

    def __init__(self, title: str, first: str = SUBMITTING) -> None:
        self._title = title
        self._seen = Seen(current=first)
        self._heard_at = time.monotonic()
        self.observer: Observer = on_progress(self._hear)
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        if self._console.is_terminal and not os.environ.get(LOG):
            self._live = Live(self, console=self._console, refresh_per_second=FRAMES_PER_SECOND)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from drawn(self._title, self._seen, time.monotonic() - self._heard_at)

    def _hear(self, progress: Progress) -> None:
        self._heard_at = time.monotonic()
        self._seen = self._seen.after(progress)


def drawn(title: str, seen: Seen, silent_seconds: float) -> Iterator[RenderableType]:
    """The lines of a view, `silent_seconds` after the last thing that was heard."""
    progress = seen.progress
    yield Text(title, no_wrap=True, overflow="ellipsis")
    if progress is not None and progress.execution_id is not None:
        yield Text(f"execution {one_line(progress.execution_id, 80)}", no_wrap=True, overflow="ellipsis")
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(width=_NAME_WIDTH + 2, no_wrap=True)
    table.add_column(width=_TIME_WIDTH, justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for stage in seen.over:
        table.add_row(Text(f"  {stage.name}"), told(stage.seconds), "", style="dim")
    is_over = progress is not None and progress.is_ended
    heard = 0.0 if progress is None else progress.seconds
    if is_over and is_terminal(seen.current):
        table.add_row(Text(f"  {seen.current}", _STYLES.get(ExecutionStatus(seen.current), "")), told(heard), "in all")
    else:
        mark = " " if is_over else ">"
        table.add_row(Text(f"{mark} {seen.current}"), told(heard - seen.since + (0.0 if is_over else silent_seconds)), _beside(progress))
    yield table


def told(seconds: float) -> str:
    """A duration for a person: tenths as long as they matter."""
    if seconds < 60:  # noqa: PLR2004 -- a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _beside(progress: Progress | None) -> Table | Text:
    if progress is None:
        return Text()
    if progress.trouble:
        return Text(f"{one_line(progress.trouble, 200)}; trying again", "yellow")
    if progress.fraction is None or progress.is_leaving or progress.is_ended:
        return Text()
    part = min(max(progress.fraction, 0.0), 1.0)
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=1.0, completed=part, width=_BAR_WIDTH), Text(f"{part:4.0%}"))
    return bar
