"""Five seeded bugs: the histories must find each, else they prove nothing.

Each is a patch in `mutants`, applied to a copy of the code in which the model runs.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bank import ROOT
from tests.chaos.form import FORM, QUICK, note

MUTANTS = Path(__file__).parent / "mutants"
# what the histories say when they find it
SAYS = {
    "cursor_early": "I3 ",
    "no_fence": "R4: a stale writer wrote",
    "dedupe_by_body": "I2 ",
    "removed_first": "R3 ",
    "float_money": "I3 ",
}
ELSEWHERE = shutil.ignore_patterns(
    ".git", ".venv", ".cache", "__pycache__", "node_modules", ".*_cache", "data"
)


def apply(bug: str, tree: Path, *more: str) -> subprocess.CompletedProcess[str]:
    git = shutil.which("git")
    if git is None:
        pytest.skip("no git here to apply a patch with")
    # no repository around: paths are those of the tree
    command = [git, "apply", "-C1", *more, str(MUTANTS / f"{bug}.patch")]
    around = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    return subprocess.run(command, cwd=tree, env=around, capture_output=True, text=True)


def test_each_seeded_bug_has_its_words():
    assert {path.stem for path in MUTANTS.glob("*.patch")} == SAYS.keys()


@pytest.mark.parametrize("bug", SAYS)
def test_a_seeded_bug_still_fits_the_code(bug):
    """Whoever changed those lines makes the patch anew: the bug, in the new code."""
    done = apply(bug, ROOT, "--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(FORM == QUICK, reason="make chaos hunts the seeded bugs")
@pytest.mark.parametrize("bug", SAYS)
def test_a_seeded_bug_is_found(bug, tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(ROOT, tree, ignore=ELSEWHERE)
    done = apply(bug, tree)
    assert done.returncode == 0, done.stderr
    began = time.monotonic()
    model = "tests/chaos/test_model.py::test_the_ledger_is_the_banks_after_any_history"
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-x", f"{model}[0]"],
        cwd=tree,
        env={**os.environ, "CHAOS": QUICK, "CHAOS_BUG": bug, "CHAOS_FIGURES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    seconds = time.monotonic() - began
    assert found.returncode == 1, f"{bug} was not found:\n{found.stdout[-3000:]}"
    said = re.findall(r"^E +(?:AssertionError: )?(.+)", found.stdout, re.M)
    assert any(line.startswith(SAYS[bug]) for line in said), found.stdout[-3000:]
    note(f"bug {bug} found after", seconds, "s")
