"""How long chaos lasts, and where its figures go: the one switch of all its tests.

CHAOS=quick is part of `make test`; full and long are `make chaos`, and LONG=1.
"""

import os
from typing import TypeVar

from benchmarks.figure import Figure

QUICK, FULL, LONG = "quick", "full", "long"
FORM = os.environ.get("CHAOS", QUICK)
SEED = int(os.environ.get("CHAOS_SEED", "1"))  # another one makes other histories
BUG = os.environ.get("CHAOS_BUG")  # the seeded one that this copy of the code has
FIGURES = os.environ.get("CHAOS_FIGURES")  # a file, a JSON line for each figure

T = TypeVar("T")


def pick(quick: T, full: T, long: T) -> T:
    return {QUICK: quick, FULL: full, LONG: long}[FORM]


def note(
    name: str, value: float, unit: str, beside: float | None = None, about: str = ""
) -> None:
    """Keep a figure beside its goal; lower is better. It is judged by who reads it."""
    line = Figure(name, value, unit, beside, about).as_json()
    print(line)
    if FIGURES:
        with open(FIGURES, "a") as file:
            file.write(line + "\n")
