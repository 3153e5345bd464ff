"""A measured figure, and what it stands beside."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

Row = tuple[str, str, str, str, str, str]
HEAD = ("figure", "value", "unit", "beside", "ratio", "what it stands beside")


@dataclass(frozen=True)
class Figure:
    """`beside` is the target or limit that `about` names; lower is better."""

    name: str
    value: float
    unit: str
    beside: float | None = None
    about: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.beside if self.beside else None

    def as_json(self) -> str:
        ratio = None if self.ratio is None else round(self.ratio, 3)
        return json.dumps({**asdict(self), "ratio": ratio})


def as_table(figures: Iterable[Figure]) -> str:
    rows = [HEAD, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(_aligned(row, widths) for row in rows)


def _row(figure: Figure) -> Row:
    beside = "" if figure.beside is None else _short(figure.beside)
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    value = _short(figure.value)
    return figure.name, value, figure.unit, beside, ratio, figure.about


def _aligned(row: Row, widths: list[int]) -> str:
    name, value, unit, beside, ratio, about = row
    cells = [name.ljust(widths[0]), value.rjust(widths[1]), unit.ljust(widths[2])]
    cells += [beside.rjust(widths[3]), ratio.rjust(widths[4]), about]
    return "  ".join(cells).rstrip()


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
