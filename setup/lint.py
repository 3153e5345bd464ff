"""Runs every checker, says which ones pass, and fails if one fails."""

import sys

from setup.command import run

IMPORTS = "from importlinter.cli import lint_imports_command as run; run()"
CHECKS = {
    "format": ["-m", "ruff", "format", "--check", "--quiet", "."],
    "style": ["-m", "ruff", "check", "--quiet", "."],
    "types": ["-m", "mypy", "--no-error-summary"],
    "imports": ["-c", IMPORTS, "--no-logo"],
}


def main() -> int:
    failed = [name for name, command in CHECKS.items() if not passes(name, command)]
    return 1 if failed else 0


def passes(name: str, command: list[str]) -> bool:
    done = run([sys.executable, *command])
    print(f"{name:8} {'ok' if done.succeeded else 'failed'}", flush=True)
    if not done.succeeded:
        print(done.output, flush=True)
    return done.succeeded


if __name__ == "__main__":
    sys.exit(main())
