"""`make bench [AREA=realtime]`: measures the product beside bare yardsticks, in one run on one machine; prints a table and writes bench.json."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import django
from rich.console import Console

from biologidex.embedded import services
from tests.bench.table import Row, shown

RESULT = Path("bench.json")


def main() -> int:
    """Exit code 1 where a figure misses what it must reach."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("areas", nargs="*", help="which areas to measure (default: all)")
    parser.add_argument("--short", action="store_true", help="little work, for trying the bench itself: the figures mean nothing")
    asked = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="bdx-bench-") as folder, services(Path(folder) / "data", durable=True, given={}) as environment:
        os.environ.update({**environment, "DJANGO_SETTINGS_MODULE": "biologidex.settings.testing"})
        django.setup()
        # What is measured imports models.
        from tests.bench.areas import AREAS  # noqa: PLC0415

        unknown = set(asked.areas) - set(AREAS)
        if unknown:
            console.print(f"There is no area {', '.join(sorted(unknown))}. There are: {', '.join(AREAS)}.")
            return 2
        rows: list[Row] = []
        for name in asked.areas or AREAS:
            rows += AREAS[name](console, short=asked.short)
    console.print(shown(rows))
    RESULT.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")
    console.print(f"Written to {RESULT}.")
    return 0 if asked.short or all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
