"""python -m benchmarks [NAME ...]"""

import argparse
import os
import signal
import sys
from importlib import import_module

from benchmarks.figure import Figure, as_table
from benchmarks.place import opened

NAMES = [
    "first_sync",
    "models",
    "limits",
    "growth",
    "resync",
    "many_items",
    "webhooks",
    "dashboard",
    "bank",
]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    chosen = parser.parse_args().names or list(NAMES)
    if unknown := set(chosen) - set(NAMES):
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave nothing running
    figures: list[Figure] = []
    with opened() as place:
        for name in chosen:
            print(f"{name} ...", file=sys.stderr, flush=True)
            figures += import_module(f"benchmarks.{name}").measure(place)
    print(as_table(figures))
    busy, cores = os.getloadavg()[0], os.cpu_count()
    print(f"\nMeasured beside a load of {busy:.1f} on {cores} cores.\n")
    for figure in figures:
        print(figure.as_json())


if __name__ == "__main__":
    main()
