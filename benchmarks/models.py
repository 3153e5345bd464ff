"""10,000 transactions through plaid-python's own models and the ORM's add_all."""

from collections.abc import Iterator
from operator import itemgetter

from benchmarks.figure import Figure
from benchmarks.first_sync import link, sync
from benchmarks.place import Place

COUNT = 10_000
TIMES_SLOWER = 20  # at least
SECONDS = itemgetter("seconds")


def measure(place: Place) -> Iterator[Figure]:
    """Ours and theirs one after the other: the same bank, the same pages."""
    link(place, COUNT)
    ours = sorted((sync(place, COUNT) for _ in range(3)), key=SECONDS)[1]
    place.forget_syncs()
    theirs = place.run("models")
    if theirs["added"] != COUNT:
        raise RuntimeError(f"{theirs['added']} of {COUNT} rows came")
    name = f"models_{COUNT}"
    yield Figure(name, theirs["seconds"], "s", ours["seconds"], "this app, same pages")
    yield Figure(f"{name}_read", theirs["read"], "s", ours["fetch"], "this app")
    yield Figure(
        f"{name}_memory", theirs["peak_mib"], "MiB", ours["peak_mib"], "this app"
    )
    slower = theirs["seconds"] / ours["seconds"]
    yield Figure(
        "models_times_slower", slower, "x", TIMES_SLOWER, "or more is the target"
    )
