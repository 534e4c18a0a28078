# Two commands: `make demo` measures Table 4 on the mini suite and draws it, `make test` runs every test on all cores.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
# More for pip or uv, for instance PIP_ARGS="--index-url https://a.mirror/simple"
PIP_ARGS ?=
# On Linux pip takes PyTorch with CUDA, several GB. uv, where it is there, chooses the build by the driver; for pip the CPU build
# is chosen where there is no NVIDIA driver and its index answers. `make UV= CPU_INDEX=` leaves the choice to pip alone.
UV ?= $(shell command -v uv)
CPU_INDEX ?= https://download.pytorch.org/whl/cpu
NO_DRIVER = [ "$$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null
CPU_BUILD = $(shell [ -n "$(CPU_INDEX)" ] && $(NO_DRIVER) && curl --silent --fail --head --max-time 5 --output /dev/null $(CPU_INDEX)/ && echo yes)

.PHONY: demo test coverage lint docs clean

demo: $(VENV)/.installed
	$(BIN)/bench run --table 4
	$(BIN)/bench report
	@echo
	@echo "Open reports/mini/index.html (the page), reports/mini/table4.md (the table), reports/mini/table4.png (the picture)."

test: lint
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

# The same tests with the lines that they run, which takes twice as long where Python is older than 3.12.
coverage: $(VENV)/.installed
	COVERAGE_CORE=$$($(BIN)/python -c "import sys; print('sysmon' if sys.version_info >= (3, 12) else 'ctrace')") \
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --cov --cov-report term --cov-fail-under 95

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed
	$(BIN)/mkdocs build --strict

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
ifneq ($(UV),)
	@echo "PyTorch: the build that uv chooses by this machine's driver"
	$(UV) pip install --quiet --python $(BIN)/python --torch-backend=auto --constraint constraints.txt $(PIP_ARGS) --editable ".[dev]"
else ifneq ($(CPU_BUILD),)
	@echo "PyTorch: the CPU build, because there is no NVIDIA driver (CPU_INDEX= leaves the choice to pip)"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --extra-index-url $(CPU_INDEX) $(PIP_ARGS) --editable ".[dev]"
else
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(PIP_ARGS) --editable ".[dev]"
endif
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
