# Two commands matter: `make demo` dubs a clip live, `make run` keeps the server up.
# Both set up whatever is missing first.
SHELL := /bin/bash
.DEFAULT_GOAL := help

python := .venv/bin/python
setup := dubbing_project/setup/setup.sh
AUDIO ?= $(or $(DUBBING_VAR),var)/demo/dialogue.wav
TO ?= es
# The comparison with torch downloads it; it runs in CI and where PARITY is set.
test_setup := $(if $(or $(CI),$(PARITY)),parity,test)

.PHONY: help setup demo run test lint format extension clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: ## install what is missing; quick when nothing is
	@$(setup)

demo: setup ## dub a clip live through the real server: make demo [AUDIO=path] [TO=es] [ENGINES=emulated]
	@$(python) manage.py demo --audio "$(AUDIO)" --to "$(TO)"

run: setup ## start everything and keep it up until Ctrl-C
	@exec $(python) -m dubbing_project.services run

test: ## every test, on real services: make test [ARGS="-k name"]
	@$(setup) $(test_setup)
	@$(python) -m pytest $(ARGS)

lint: ## style, types, import contracts, migrations, deployment checks
	@$(setup) test
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy .
	.venv/bin/lint-imports
	$(python) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	HTTPS=on $(python) manage.py check --deploy --fail-level WARNING

format: ## put the code in form
	@$(setup) test
	@$(python) -m ruff check --fix-only .
	@$(python) -m ruff format .

extension: setup ## the browser extension for Chrome and Firefox, in var/extension: make extension [FIREFOX_ID=you@example.org]
	@$(python) extension/tools/build.py $(if $(FIREFOX_ID),--firefox-id "$(FIREFOX_ID)")

clean: ## remove caches and test leftovers; accounts, recordings and settings stay
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@rm -rf "$(or $(DUBBING_VAR),var)/test-clusters"
