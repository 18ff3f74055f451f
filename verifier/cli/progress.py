"""Progress on standard error: a bar with phase, rate and time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self, TextIO

from verifier.cli.messages import clean

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

SECONDS_BETWEEN_LINES = 10.0
LINES_GROW = 8  # a long phase says something every eighth of the time that it took so far: an hour fills one screen


class Progress:
    """Call it with (phase, done, total); `total` is 0 while it is not known.  A context manager."""

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.quiet = quiet
        self.phase = ""
        self.began = self.told = 0.0
        self.base = 0
        self.bars: Bars | None = None
        self.task = None

    def __enter__(self) -> Self:
        if not self.quiet and self.stream.isatty():
            self.bars = bars_on(self.stream)
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bars is not None:
            self.bars.stop()
            self.bars = None

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of `phase` are over."""
        if self.quiet:
            return
        now = time.monotonic()
        fresh = phase != self.phase
        if fresh:
            self.phase, self.began, self.told, self.base = phase, now, now, done
        # what was there when the phase began took no time
        speed = (done - self.base) / (now - self.began) if now - self.began > 0.5 else 0.0
        if self.bars is not None:
            self._bar(clean(phase), done, total, speed, fresh)
        elif fresh or now - self.told >= max(SECONDS_BETWEEN_LINES, (now - self.began) / LINES_GROW):
            self.told = now
            print(f"kqual: {clean(phase)}{amount(done, total, speed)}", file=self.stream, flush=True)

    def _bar(self, phase: str, done: int, total: int, speed: float, fresh: bool) -> None:
        assert self.bars is not None
        if fresh:
            if self.task is not None:
                self.bars.remove_task(self.task)
            self.task = self.bars.add_task(phase, total=total or None, rate="")
        rate = f"{speed:,.0f}/s" if speed >= 1 else ""
        self.bars.update(self.task, completed=done, total=total or None, rate=rate)


def bars_on(stream: TextIO) -> Bars:
    """Bars on a terminal; elsewhere what draws them is not even loaded."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(), console=Console(file=stream), transient=True,
    )  # fmt: skip


def amount(done: int, total: int, speed: float) -> str:
    """`: 300 of 3,449 (12/s, 4 min left)`; `speed` is in steps a second, 0 when not known yet."""
    if not total:
        return f": {done:,}" if done else ""
    text = f": {done:,} of {total:,}"
    if speed > 0 and done:
        left = (total - done) / speed
        text += f" ({speed:,.0f}/s, {duration(left)} left)" if speed >= 1 else f" ({duration(left)} left)"
    return text


def duration(seconds: float) -> str:
    """`40 s`, `4 min`, `1 h 20 min`"""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
