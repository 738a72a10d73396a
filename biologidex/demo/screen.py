"""How the play looks: lines, bars and the closing table, in a terminal and in a plain pipe; it knows nothing of what is played."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table

COLOURS = {"ada": "cyan", "bob": "magenta"}
PLAIN_STEP = 0.25  # in a pipe a bar becomes a line at each quarter


@dataclass(frozen=True)
class Step:
    """A row of the closing table."""

    name: str
    took_s: float
    note: str = ""


class Bar(Protocol):
    """Something that fills from 0 to 1."""

    def show(self, fraction: float, note: str = "") -> None: ...


class _TerminalBar:
    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=1.0, note="")

    def show(self, fraction: float, note: str = "") -> None:
        self._progress.update(self._task, completed=fraction, note=escape(note))


class _PlainBar:
    def __init__(self, console: Console, title: str, *, each_note: bool) -> None:
        self._console = console
        self._title = title
        self._each_note = each_note
        self._shown = -1.0
        self._note = ""

    def show(self, fraction: float, note: str = "") -> None:
        done = fraction >= 1 > self._shown
        new_note = self._each_note and note != self._note
        if not done and not new_note and fraction < self._shown + PLAIN_STEP:
            return
        self._shown, self._note = fraction, note
        self._console.print(f"  {self._title:<14} {fraction:>4.0%}  {escape(note)}".rstrip())


class Screen:
    """The one place that prints. `steps` are what the closing table shows."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.steps: list[Step] = []

    def scene(self, title: str) -> None:
        """Begin a new part."""
        self.console.print()
        if self.console.is_terminal:
            self.console.print(Rule(f"[bold]{escape(title)}", align="left", style="dim"))
        else:
            self.console.print(f"== {escape(title)}")

    def say(self, who: str, text: str) -> None:
        """One of the players does or sees something; `who` may be empty."""
        colour = COLOURS.get(who, "dim")
        self.console.print(f"  [bold {colour}]{escape(who):<4}[/] {escape(text)}", soft_wrap=True)

    def shout(self, who: str, text: str) -> None:
        """As `say`, for what the whole play is about."""
        self.console.print(f"  [bold {COLOURS.get(who, 'dim')}]{escape(who):<4}[/] [bold green]{escape(text)}[/]", soft_wrap=True)

    def problem(self, text: str, advice: str) -> None:
        """What failed, and what to do."""
        self.console.print()
        self.console.print(f"[bold red]It did not work:[/] {escape(text)}", soft_wrap=True)
        self.console.print(f"[bold]What to do:[/] {escape(advice)}", soft_wrap=True)

    def note(self, text: str) -> None:
        """Something beside the play, such as the last lines of a log."""
        self.console.print(f"[dim]{escape(text)}[/]", soft_wrap=True)

    @contextmanager
    def bar(self, title: str, *, each_note: bool = False) -> Iterator[Bar]:
        """A bar that moves in a terminal; in a pipe, a line at each quarter and, if asked for, at each new note."""
        if not self.console.is_terminal:
            yield _PlainBar(self.console, title, each_note=each_note)
            return
        columns = (TextColumn("  {task.description:<14}"), BarColumn(bar_width=36), TextColumn("{task.percentage:>4.0f}%"))
        with Progress(*columns, TimeElapsedColumn(), TextColumn("[dim]{task.fields[note]}"), console=self.console) as progress:
            yield _TerminalBar(progress, title)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """A spinner with the time that has gone by; one line in a pipe."""
        if not self.console.is_terminal:
            self.console.print(f"  {escape(text)} ...")
            yield
            return
        columns = (TextColumn(" "), SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            progress.add_task(escape(text), total=None)
            yield

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Put what happens inside into the closing table, unless it fails."""
        began_s = time.monotonic()
        yield
        self.steps.append(Step(name, time.monotonic() - began_s))

    def table(self) -> None:
        """How long each step took."""
        table = Table(title="How long each step took", title_justify="left", title_style="bold", header_style="bold")
        table.add_column("step")
        table.add_column("seconds", justify="right")
        table.add_column("what", overflow="fold", style="dim")
        for step in self.steps:
            table.add_row(escape(step.name), f"{step.took_s:.3f}", escape(step.note))
        self.console.print()
        self.console.print(table)

    def ending(self, lines: list[tuple[str, str]]) -> None:
        """What to do next: pairs of a purpose and a command or place."""
        self.console.print()
        for purpose, place in lines:
            self.console.print(f"  {escape(purpose):<22} [bold]{escape(place)}[/]", soft_wrap=True)
