# Two commands: `make demo` measures Table 4 on the mini suite and draws it, `make test` runs every test on all cores.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
# More for pip, for instance PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_ARGS ?=

.PHONY: demo test lint docs clean

demo: $(VENV)/.installed
	$(BIN)/bench run --table 4
	$(BIN)/bench report
	@echo
	@echo "Open reports/mini/index.html (the page), reports/mini/table4.md (the table), reports/mini/table4.png (the picture)."

test: lint
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --cov --cov-report term --cov-fail-under 95

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed
	$(BIN)/mkdocs build --strict

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(PIP_ARGS) --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
