"""`manage.py serve`: one web process, HTTP and sockets."""

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Serve HTTP and sockets from this process until it is stopped."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="TCP port (default: 8000)")

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        # WhiteNoise warns of a folder that is not there, though the packages' own files serve as well.
        with suppress(OSError):
            Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        # Importing Daphne installs Twisted's reactor, which no other command may have.
        from biologidex.asgi import application  # noqa: PLC0415
        from biologidex.daphne_server import SocketServer  # noqa: PLC0415

        SocketServer(application, host=host, port=port).run()
