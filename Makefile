# Every path is relative: make splits names at blanks, and the project may lie in one.
.NOTPARALLEL:
.DEFAULT_GOAL := help
SHELL := /bin/sh
ARGS ?=
LONG ?=
PYTHON ?=
VENV := .venv/bin/python
CORES = $$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: packages ## Start the app with a demo bank; PORT and SANDBOX_PORT choose the ports
	@exec $(VENV) -m webapp.demo

.PHONY: test
test: packages-dev ## Run all tests; ARGS="-k name" passes more to pytest
	@$(VENV) -m setup.tools
	@exec $(VENV) -m pytest -n "$(CORES)" $(ARGS)

.PHONY: chaos
chaos: packages-dev ## Crashes, races, restores for five minutes; LONG=1 for hours
	@$(VENV) -m setup.tools
	@exec env LONG="$(LONG)" $(VENV) -m tests.chaos $(ARGS)

.PHONY: bench
bench: packages ## Measure the sync and print a table; ARGS passes more
	@exec $(VENV) -m benchmarks $(ARGS)

.PHONY: lint
lint: packages-dev ## Check format, style, types and who imports whom
	@$(VENV) -m setup.lint

.PHONY: check
check: lint test ## Lint, then test: what has to pass before a push

.PHONY: packages packages-dev
packages:
	@python=$$(sh setup/python.sh "$(PYTHON)") && \
	exec "$$python" -m setup.install requirements.txt
packages-dev:
	@python=$$(sh setup/python.sh "$(PYTHON)") && \
	exec "$$python" -m setup.install requirements-dev.txt
