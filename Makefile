# PYTHON chooses the interpreter that .venv is made with: make demo PYTHON=python3.12
PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
INSTALL := $(PYTHON) tools/misc/install.py

# Packages from elsewhere do not mix into .venv.
unexport PYTHONPATH PYTHONHOME

.PHONY: demo test test-full lint install-demo install-test clean

# From a fresh clone to overlays, meshes and parameters in outputs/demo.
demo: install-demo
	$(VENV_PYTHON) demo/inferencer_demo.py

test: install-test
	$(VENV_PYTHON) -m pytest -rs -m 'not slow'

# Only what `test` leaves out; pytest's exit code 5 says that there is no such test.
test-full: install-test
	$(VENV_PYTHON) -m pytest -rs -m slow || [ $$? -eq 5 ]

lint: install-test
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .

install-demo:
	@$(INSTALL) demo

install-test:
	@$(INSTALL) test

clean:
	rm -rf build dist outputs *.egg-info .pytest_cache .ruff_cache
