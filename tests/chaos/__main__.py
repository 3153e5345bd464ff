"""python -m tests.chaos: the long forms, and a table of what they tried and found.

LONG=1 in the environment makes them last. Arguments go to pytest.
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from benchmarks.figure import Figure, as_table
from tests.bank import ROOT
from tests.chaos.form import FULL, LONG

HERE = Path(__file__).parent
NOTHING_COLLECTED = 5  # pytest's exit code where the arguments leave no test


def main() -> int:
    form = LONG if os.environ.get("LONG") else FULL
    cores = str(os.cpu_count() or 1)
    # storms measure how long things take: nothing else may run beside them
    parts = [
        (["--ignore", str(HERE / "storm"), str(HERE)], cores),
        ([str(HERE / "storm")], "0"),
    ]
    codes = []
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        reports = [Path(folder) / f"{number}.xml" for number in range(len(parts))]
        figures.touch()
        around = os.environ | {"CHAOS": form, "CHAOS_FIGURES": str(figures)}
        for (what, processes), report in zip(parts, reports, strict=True):
            command = [sys.executable, "-m", "pytest", "-q", "-n", processes, *what]
            command += [f"--junitxml={report}", *sys.argv[1:]]
            codes.append(subprocess.run(command, cwd=ROOT, env=around).returncode)
        print(as_table(sorted(read(figures), key=lambda figure: figure.name)))
        print()
        for line in outcomes(reports):
            print(line)
    bad = [code for code in codes if code not in (0, NOTHING_COLLECTED)]
    print("\nEverything held." if not bad else "\nNot everything held: see above.")
    return max(bad, default=0)


def read(figures: Path) -> list[Figure]:
    found = map(json.loads, figures.read_text().splitlines())
    return [
        Figure(**{name: value for name, value in one.items() if name != "ratio"})
        for one in found
    ]


def outcomes(reports: list[Path]) -> list[str]:
    """A line for each plan: what it shows, and how many of its tests held."""
    held, broken = Counter[str](), Counter[str]()
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            module = case.get("classname", "")
            is_bad = any(part.tag in ("failure", "error") for part in case)
            (broken if is_bad else held)[module] += 1
    return [
        f"{'BROKEN' if broken[module] else 'held':6}  {held[module]:3} of"
        f" {held[module] + broken[module]:3}  {about(module)}"
        for module in sorted({*held, *broken})
    ]


def about(module: str) -> str:
    """The first line of the module's docstring: the plan and what it shows."""
    text = (ROOT / f"{module.replace('.', '/')}.py").read_text()
    return (ast.get_docstring(ast.parse(text)) or module).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
