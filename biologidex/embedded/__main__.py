"""Runs one management command on a data folder; doesn't know the commands.

    python -m biologidex.embedded manage --data-dir .data -- COMMAND...

Where a stack already runs on the folder its services are used, else they are started for as long as the command takes.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from environ import Env

from biologidex.embedded.process import ServiceError
from biologidex.embedded.services import services

ROOT = Path(__file__).resolve().parents[2]


def run_command(command: Sequence[str], *, environment: Mapping[str, str]) -> int:
    """Run it in this terminal; Ctrl-C is the command's own affair, SIGTERM is passed on. Returns its exit code."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        # The child must not inherit our deafness, or nobody could interrupt it.
        with subprocess.Popen(  # noqa: S603 the person's own command
            [sys.executable, str(ROOT / "manage.py"), *command],
            env={**os.environ, **environment},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as child:
            signal.signal(signal.SIGTERM, lambda *_: child.terminate())
            return child.wait()
    finally:
        signal.signal(signal.SIGINT, previous)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m biologidex.embedded", description="Run a management command on a data folder.")
    manage = parser.add_subparsers(required=True).add_parser("manage")
    manage.add_argument("--data-dir", default=os.environ.get("DATA_DIR", ".data"))
    manage.add_argument("command", nargs="*", help="after --, as manage.py takes it")
    options = parser.parse_args(arguments)
    Env.read_env(ROOT / ".env")  # what the settings read too; the environment itself wins
    try:
        with services(options.data_dir, attach=True) as environment:
            return run_command(options.command, environment=environment)
    except (ServiceError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
