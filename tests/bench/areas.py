"""The areas of the bench by name; later ones are added here."""

from collections.abc import Callable, Mapping

from tests.bench import realtime
from tests.bench.table import Row

AREAS: Mapping[str, Callable[..., list[Row]]] = {"realtime": realtime.measure}
