"""Starts PostgreSQL and Redis for the test run before Django reads its settings; a pytest plugin, loaded by `-p`."""

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack

from biologidex.embedded import services

STARTED_BY = "BIOLOGIDEX_TESTS_STARTED_SERVICES"

# Workers of pytest-xdist inherit what the first process started.
if STARTED_BY not in os.environ:
    _folder = tempfile.mkdtemp(prefix="bdx-tests-")
    _services = ExitStack()
    os.environ.update(_services.enter_context(services(_folder, durable=False)))
    os.environ[STARTED_BY] = str(os.getpid())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "biologidex.settings.testing")
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    atexit.register(_services.close)
