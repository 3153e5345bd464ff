"""python -m benchmarks [NAME ...]"""

import argparse
import sys
from importlib import import_module

from benchmarks.figure import Figure, as_table
from benchmarks.place import opened

NAMES = ["first_sync", "models", "limits", "resync", "dashboard"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    chosen = parser.parse_args().names or NAMES
    if unknown := set(chosen) - set(NAMES):
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    with opened() as place:
        for name in chosen:
            print(f"{name} ...", file=sys.stderr, flush=True)
            figures += import_module(f"benchmarks.{name}").measure(place)
    print(as_table(figures))
    print()
    for figure in figures:
        print(figure.as_json())


if __name__ == "__main__":
    main()
