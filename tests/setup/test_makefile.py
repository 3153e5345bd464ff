"""The Makefile and what it calls before any package is installed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ["help", "run", "test", "chaos", "bench", "lint", "check"]


def sh(command: list[str], folder: Path = ROOT, **environment: str):
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "MAKEFLAGS": "", **environment},
        capture_output=True,
        text=True,
    )


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_make_alone_lists_every_target():
    said = sh(["make"]).stdout
    assert re.findall(r"^  make (\w+) +\S", said, re.M) == TARGETS


@pytest.mark.parametrize("target", ["run", "test", "chaos", "bench", "lint"])
def test_each_target_brings_its_packages_first(target):
    lines = sh(["make", "-n", target]).stdout
    assert lines.index("setup.install requirements") < lines.index(
        ".venv/bin/python -m"
    )


def test_no_recipe_names_an_absolute_path_or_changes_the_folder():
    text = (ROOT / "Makefile").read_text()
    assert "CURDIR" not in text
    assert "cd " not in text
    assert not re.search(r"[\s=\"]/(?!bin/sh|dev/null)\w", text)


def test_the_build_server_runs_lint_then_tests_and_hides_nothing():
    script = (ROOT / ".ci/run").read_text()
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert script.index("make lint") < script.index("make test")
    assert "set -eu" in script
    assert "|| true" not in script


def test_an_old_python_is_named(tmp_path):
    old = 'case "$1" in -c) exit 1;; *) echo "Python 3.9.2";; esac'
    program(tmp_path / "bin", "python3", old)
    said = sh(["/bin/sh", "setup/python.sh", ""], PATH=str(tmp_path / "bin"))
    assert said.returncode == 1
    assert said.stderr == (
        "SmartBudget needs Python 3.11 or newer; found: Python 3.9.2\n"
    )


def test_a_newer_python_under_another_name_is_taken(tmp_path):
    program(tmp_path / "bin", "python3", "exit 1")
    program(tmp_path / "bin", "python3.13", "exit 0")
    said = sh(["/bin/sh", "setup/python.sh", ""], PATH=str(tmp_path / "bin"))
    assert said.stdout == "python3.13\n"


def test_lint_fails_when_one_check_fails(tmp_path):
    (tmp_path / "bad.py").write_text("import os\n")
    (tmp_path / "pyproject.toml").write_text("[tool.mypy]\nfiles = ['bad.py']\n")
    said = sh([sys.executable, "-m", "setup.lint"], tmp_path, PYTHONPATH=str(ROOT))
    assert said.returncode == 1
    assert re.search(r"^format +ok$", said.stdout, re.M)
    assert re.search(r"^style +failed$", said.stdout, re.M)
    assert "F401" in said.stdout
