# Two commands do everything on a fresh machine with Python 3.10-3.13 and make:
#   make demo   set up, then the whole road on a virtual board, with its report
#   make test   set up, then lint, types, layout and tests

PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2
BIN    := $(VENV)/bin

.PHONY: demo test check test-slow examples test-exports pi-image test-pi readme clean

demo: $(VENV)/.all
	$(BIN)/edgeq demo

test: check
	$(BIN)/pytest -q -n $(JOBS) --dist loadscope -m "not slow"

check: $(VENV)/.dev
	$(BIN)/ruff check edgeq tests benchmarks
	$(BIN)/ruff format --check edgeq tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

test-slow: $(VENV)/.dev
	$(BIN)/pytest -q -n $(JOBS) --timeout 3600 -m "slow and not examples"

# Trains every example of docs/examples and takes it to a virtual board: about 20 minutes.
examples: $(VENV)/.dev
	$(BIN)/pytest -q --timeout 3600 -m examples tests/integration/test_examples.py

# The tools live apart: what they pin must not change what edgeq runs with.
TOOLS := $(VENV)-tools

$(TOOLS)/.done:
	@echo "setting up $(TOOLS) ..."
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check \
	  'platformio>=6.1,<7' 'idf-component-manager>=2,<4' 'west>=1.2,<2' 'kconfiglib>=14,<15'
	@touch $@

test-exports: $(VENV)/.dev $(TOOLS)/.done
	PATH="$(abspath $(TOOLS))/bin:$$PATH" $(BIN)/pytest -q -m slow tests/firmware/test_export_tools.py tests/firmware/test_export_int16.py

# An emulated Raspberry Pi: 500 MB in the user's cache (apt install debootstrap qemu-user openssh-server).
pi-image: $(VENV)/.dev
	$(BIN)/python benchmarks/pi_image.py

test-pi: pi-image
	$(BIN)/pytest -q --timeout 3600 -m slow tests/integration/test_pi_image.py

readme: $(VENV)/.dev
	$(BIN)/python benchmarks/readme.py

$(VENV)/bin/python:
	@echo "setting up $(VENV) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

# uv is faster; pip does the same where uv cannot reach an index.
$(VENV)/.%: pyproject.toml | $(VENV)/bin/python
	@echo "installing edgeq[$*] ..."
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --prerelease if-necessary-or-explicit -e '.[$*]' \
	  || $(BIN)/python -m pip install --quiet -e '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) $(TOOLS) build dist demo runs .mypy_cache .pytest_cache .ruff_cache .hypothesis
