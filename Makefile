# Two commands do everything on a fresh machine: `make demo` and `make test`. Each makes .venv first.
PYTHON ?= python3
BIN := .venv/bin
# all tests by two processes more than there are cores, for many of them wait; what a module's tests share is made in one of them
ALL := --numprocesses $(shell expr $$(nproc 2>/dev/null || echo 1) + 2) --dist loadfile --no-loadscope-reorder

.PHONY: demo test lint bench mutation release site lite container container-test lock clean

demo: .venv/ready
	@$(BIN)/course demo $(ARGS)

test: .venv/ready
	@bin/debian-setup
	@bin/site-setup $(PYTHON) || echo "The tests that need the site's environment are skipped." >&2
	@$(BIN)/python -m pytest $(or $(ARGS),$(ALL))

lint: .venv/ready           ## seconds; every exception stands in pyproject.toml with its reason
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy --no-error-summary

mutation: .venv/ready       ## break reference_impl in every small way; each must fail a test: docs/mutation.md
	@$(BIN)/python -m tests.mutation $(ARGS)

bench: .venv/ready          ## speed beside stock nbgrader and otter; make bench ARGS=--quick, ARGS=--write-docs
	@$(BIN)/python -m benchmarks.run $(ARGS)

release: .venv/ready        ## make release/ anew from source/
	@$(BIN)/course release

site: .venv/ready .venv-site/ready      ## the course as a web site in build/site/; make site ARGS=--serve
	@$(BIN)/course site $(ARGS)

lite: .venv/ready            ## Python in the browser without any CDN, and the test of a student's way through it; minutes
	@bin/debian-setup
	@bin/site-setup $(PYTHON) offline
	@$(BIN)/python -m pytest tests/browser/test_lite.py $(ARGS)

container:                  ## JupyterLab with formgrader in a container; make container ARGS="course demo ps1". Needs podman or Docker
	@$(PYTHON) -m grading.tools.container $(ARGS)

container-test: .venv/ready ## the same proved: a root of its own, every option taken away once; as root, with podman; many minutes
	@bin/debian-setup container
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps --upgrade --target build/kubernetes --requirement container/requirements.txt
	@CONTAINER_TEST=1 $(BIN)/python -m pytest tests/container $(ARGS)

lock:                       ## pin what requirements.in and the package.json files ask for, with hashes; ARGS=--upgrade: the newest
	@bin/lock $(PYTHON) $(ARGS)

clean:
	rm -rf .venv .venv-site build

.venv/ready: requirements.txt pyproject.toml bin/setup
	@bin/setup $(PYTHON)

.venv-site/ready: site/requirements.txt site/package-lock.json bin/site-setup
	@bin/site-setup $(PYTHON)
