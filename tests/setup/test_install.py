"""When packages are installed, and what is shown meanwhile."""

import pytest

from setup import install
from setup.progress import Progress


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text("flask==3.1.3\n# why\njinja2==3.1.6\n")
    (tmp_path / "requirements-dev.txt").write_text(
        "-r requirements.txt\nruff==0.17.6\n"
    )
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").touch()
    return tmp_path


def note_installed(name):
    for file in install.with_included(install.Path(name)):
        install.stamp(file).write_text(install.fingerprint(file))


def is_installed(name):
    return install.is_installed(install.Path(name))


def test_nothing_is_installed_twice(project):
    assert not is_installed("requirements-dev.txt")
    note_installed("requirements-dev.txt")
    assert is_installed("requirements-dev.txt")
    assert is_installed("requirements.txt")


def test_a_changed_pin_installs_again_for_run_and_test(project):
    note_installed("requirements-dev.txt")
    (project / "requirements.txt").write_text("flask==3.1.4\n")
    assert not is_installed("requirements.txt")
    assert not is_installed("requirements-dev.txt")


def test_a_moved_project_installs_again(project, monkeypatch):
    note_installed("requirements.txt")
    moved = project.rename(project.parent / "elsewhere")
    monkeypatch.chdir(moved)
    assert not is_installed("requirements.txt")


TALK = [
    "Looking in indexes: https://index.example/simple",
    "Collecting flask==3.1.3 (from -r requirements.txt (line 4))",
    "  Downloading flask-3.1.3-py3-none-any.whl (103 kB)",
    "Collecting jinja2==3.1.6 (from -r requirements.txt (line 5))",
    "  Using cached jinja2-3.1.6-py3-none-any.whl (134 kB)",
    "Processing /some/where/htmx_flask-0.1.0-py3-none-any.whl",
    "Requirement already satisfied: mako==1.4.3 in ./.venv/lib",
    "Installing collected packages: flask, jinja2, htmx-flask",
    "Successfully installed flask-3.1.3 jinja2-3.1.6 htmx-flask-0.1.0",
]


def test_progress_is_a_line_for_each_package(capsys):
    assert Progress(4).follow(iter(TALK)) == TALK
    lines = [line.rsplit(",", 1)[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "  [1/4] flask (103 kB)",
        "  [2/4] jinja2 (134 kB)",
        "  [3/4] htmx-flask",
        "  [4/4] installing 3 packages",
        "  4 packages",
    ]
