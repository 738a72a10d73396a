"""What a bench tells: rows of a figure beside its yardstick."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Literal

from rich.table import Table

RUNS = 3


@dataclass(frozen=True)
class Row:
    """`ours` and `yardstick` in the unit that `measure` names; `ratio` is what decides: at least `must` (better: higher) or at most (lower)."""

    area: str
    work: str
    measure: str
    ours: float
    yardstick: float
    ratio: float
    must: float
    better: Literal["higher", "lower"]

    @property
    def reached(self) -> bool:
        return self.ratio >= self.must if self.better == "higher" else self.ratio <= self.must

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def shown(rows: list[Row]) -> Table:
    """The rows as a person reads them."""
    table = Table(title="medians; the ratio decides")
    for heading in ("area", "work", "measure", "ours", "yardstick", "ratio", "must"):
        table.add_column(heading, justify="left" if heading in ("area", "work", "measure") else "right")
    for row in rows:
        sign = "≥" if row.better == "higher" else "≤"
        figures = (f"{row.ours:,.4g}", f"{row.yardstick:,.4g}", f"{row.ratio:.2f}", f"{sign} {row.must:g}")
        table.add_row(row.area, row.work, row.measure, *figures, style=None if row.reached else "red")
    return table


def side_by_side(ours: Callable[[], float], yardstick: Callable[[], float], *, runs: int = RUNS) -> tuple[float, float]:
    """Both figures, measured in turns so that a slow moment of the machine meets both; medians."""
    pairs = [(ours(), yardstick()) for _ in range(runs)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
