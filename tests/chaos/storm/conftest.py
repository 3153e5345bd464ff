"""One place a process of pytest; every storm finds it empty and leaves it so."""

from collections.abc import Iterator

import pytest

from tests import factories
from tests.chaos.procs import Place, open_place
from webapp.models import User


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = open_place(tmp_path_factory.mktemp("storm"))
    yield made
    made.remove()


@pytest.fixture
def place(opened: Place) -> Iterator[Place]:
    yield opened
    opened.clear()


@pytest.fixture
def owner(place: Place) -> User:
    return factories.make_user(place.app)
