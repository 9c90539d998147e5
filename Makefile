# Everything a person does here, each by one word. `make` alone lists them.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PORT     ?= 8080
DATA     ?= .switchman
SCENARIO ?= bad-revision
SEEDS    ?= 200
ARGS     ?=

BIN   := .venv/bin
READY := .venv/.made
# What is checked: of these, whatever is there.
CODE  := $(wildcard main.py shared functions infra tests tools)

.PHONY: help
help: ## List what can be done here
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: $(READY) ## Make .venv or bring it up to date, nothing else
	@echo 'Ready: .venv'

$(READY): requirements.txt requirements-dev.txt pyproject.toml
	@PYTHON='$(PYTHON)' tools/make-venv

.PHONY: run
run: $(READY) ## Start the one-machine world and stay up (PORT=8080 DATA=.switchman SCENARIO=none)
	@$(BIN)/switchman local --port $(PORT) --data $(DATA) --scenario $(SCENARIO)

.PHONY: demo
demo: $(READY) ## Play a scenario and judge how it ended (SCENARIO=bad-revision)
	@$(BIN)/python -m infra.local.demo $(SCENARIO)

.PHONY: test
test: $(READY) ## Run every test (ARGS='-k words' for some)
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: lint
lint: $(READY) ## Check style, types, generated pages and Terraform's format
	@echo 'ruff'
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@echo 'mypy'
	@$(BIN)/mypy $(CODE)
	@if [ -e tools/diagrams.py ]; then \
	  echo 'generated pages'; $(BIN)/python -m tools.diagrams --check; \
	fi
	@$(BIN)/python -m tools.policy_schema --check
	@if [ -d infra/terraform ] && command -v terraform >/dev/null; then \
	  echo 'terraform fmt'; terraform fmt -check -recursive infra/terraform; \
	fi

.PHONY: bench
bench: $(READY) ## Measure speed against the figures promised
	@$(BIN)/python -m tests.benchmarks

.PHONY: simulate
simulate: $(READY) ## Play seeded random histories against the invariants (SEEDS=200)
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS)

.PHONY: docs
docs: $(READY) ## Write the generated pages of docs/ and the policy's JSON Schema anew
	@$(BIN)/python -m tools.diagrams
	@$(BIN)/python -m tools.policy_schema

.PHONY: requirements
requirements: $(READY) ## Pin the newest versions in requirements*.txt
	@tools/pin-requirements

.PHONY: clean
clean: ## Remove .venv, the caches, and the local world's data in .switchman
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .switchman build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
