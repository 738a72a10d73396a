#!/usr/bin/env python
"""Runs Django's commands; development settings unless DJANGO_SETTINGS_MODULE says otherwise."""

import importlib
import os
import sys

from django.core.management import execute_from_command_line

SERVERS = ("serve", "runserver")


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in SERVERS:
        # A server answers each HTTP request in a thread of its own: connections that stayed open per thread would use PostgreSQL's up.
        os.environ.setdefault("DATABASE_POOL_SIZE", "20")
    if sys.argv[1:2] == ["test"]:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "biologidex.settings.testing")
        # Starts PostgreSQL and Redis, where no others are named, before Django reads its settings.
        importlib.import_module("tests.environment")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "biologidex.settings.development")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
