"""`manage.py demo`: starts a stack of its own, plays the main job in this terminal, stops it; the play itself is biologidex.demo."""

import asyncio
import signal
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from biologidex.demo.sample import write_sample
from biologidex.demo.screen import Screen
from biologidex.demo.stack import StackFailed, own_stack
from biologidex.demo.story import StoryFailed, play
from clients.python.biologidex_client import Problem

LAST_LINES = 25
DEFAULT_DATA_DIR = Path(".data-demo")


class Command(BaseCommand):
    """Play the main job: two friends, a photo, a species, a feed and a tree that change."""

    help = "Starts a stack of its own and plays the main job in this terminal."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR, help="where the demo's stack keeps its data")
        parser.add_argument("--photo", type=Path, default=None, help="a photo to send; without it, a picture that the project draws itself")
        parser.add_argument("--base-url", default=None, help="play against a server that runs already, such as http://127.0.0.1:8000")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # an ASCII pipe must not end the play
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        screen = Screen(Console(highlight=False))
        data_dir: Path = options["data_dir"].absolute()
        photo = _photo(options["photo"])
        try:
            _perform(screen, data_dir=data_dir, photo=photo, base_url=options["base_url"])
        except StackFailed as failed:
            screen.note("\n".join(failed.lines[-LAST_LINES:]))
            screen.problem(str(failed), f"See the lines above and {data_dir / 'logs'}; `make up` shows the start in full.")
            sys.exit(1)
        except StoryFailed as failed:
            screen.problem(str(failed), failed.advice)
            sys.exit(1)
        except Problem as failed:
            screen.problem(str(failed), f"This should not happen: the logs in {data_dir / 'logs'} say more. `make demo` can be run again.")
            sys.exit(1)
        except KeyboardInterrupt:
            screen.note("Stopped.")
            sys.exit(130)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _photo(path: Path | None) -> Path | None:
    if path is None:
        return None
    path = path.expanduser().absolute()
    if not path.is_file():
        raise CommandError(f"There is no file {path}. Give a picture: make demo PHOTO=path/to/heron.jpg")
    if path.stat().st_size == 0:
        raise CommandError(f"{path} is empty. Give a picture: make demo PHOTO=path/to/heron.jpg")
    return path


def _perform(screen: Screen, *, data_dir: Path, photo: Path | None, base_url: str | None) -> None:
    with tempfile.TemporaryDirectory(prefix="biologidex-demo-") as folder, _server(screen, data_dir, base_url) as address:
        asyncio.run(play(address, photo or write_sample(Path(folder)), screen))
        screen.table()
        screen.ending(
            [
                ("Start the stack:", "make up"),
                ("With your own photo:", "make demo PHOTO=path/to/photo.jpg"),
                ("Its REST docs:", "http://127.0.0.1:8000/api/docs/  (while it runs)"),
                ("The socket's protocol:", "PROTOCOL.md"),
                ("Everything else:", "README.md"),
            ]
        )


@contextmanager
def _server(screen: Screen, data_dir: Path, base_url: str | None) -> Iterator[str]:
    """The address to play against: the given one, or that of a stack started for this play alone."""
    if base_url is not None:
        yield base_url.rstrip("/")
        return
    screen.scene("The stack")
    with ExitStack() as stack:
        with screen.timed("start"), screen.waiting("starting PostgreSQL, Redis, the web server and the worker"):
            address = stack.enter_context(own_stack(data_dir))
        screen.say("", f"ready at {address}/, data in {data_dir}")
        yield address
        screen.note("\nStopping the demo's stack ...")
