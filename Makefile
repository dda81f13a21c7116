# Two commands matter: `make run` and `make test`. Both make their own environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SESSION ?= 2026-11-01
PEOPLE ?= 2000
SEED ?= 7
ARGS ?=
# two more than there are processors: a test that waits leaves its processor to another
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)

.PHONY: venv run test lint bench clean

venv: $(VENV)/ready

$(VENV)/ready: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: venv
	@$(BIN)/tdlocal sample --people $(PEOPLE) --seed $(SEED) --load
	@$(BIN)/tdlocal run wf00_orchestration --session $(SESSION) --rerun $(ARGS)

test: venv
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: venv
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint --processes $(JOBS) prep staging unification golden analytics validation segment common examples
	@$(BIN)/vermin --target=3.10- --no-tips --violations common prep validation staging unification golden analytics segment

# other people's data through the ten workflows; DATA is the folder of the files
EXAMPLES := example-adventureworks example-complete-journey example-shopify
.PHONY: $(EXAMPLES)
$(EXAMPLES): example-%: venv
	@$(BIN)/python examples/run.py $(subst -,_,$*) $(if $(DATA),--data "$(DATA)") $(ARGS)

# every figure of the docs comes from one of these; ARGS goes to each
bench: venv
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file $(ARGS) || exit 1; done

clean:
	rm -rf .tdlocal
