# Patchbay. Two commands matter: `make run` starts the gateway, `make test` checks everything.
SHELL := /bin/bash
.DEFAULT_GOAL := help

DATA ?= $(CURDIR)/.build/data
CONFIG ?=
VENV := $(CURDIR)/.build/venv
# The tests wait more than they work.
E2E_WORKERS ?= 3
SWIFT_FLAGS := --explicit-target-dependency-import-check error

.PHONY: help run build debug test unit wire-formats edge-cases headers fuzz e2e crash bench bench-table bench-peers footprint \
	profile sanitize sanitize-thread sanitize-address soak lint format packages venv clients clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

packages: ## Install the Debian packages that building needs.
	@Tests/support/packages.sh build

build: packages ## Build the gateway and every plugin (release) into .build/release.
	swift build -c release $(SWIFT_FLAGS)

run: build ## Build and start the gateway; with nothing configured it brings its own simulated site.
	.build/release/patchbay serve --data "$(DATA)" $(if $(CONFIG),--config "$(CONFIG)")

debug: packages
	swift build $(SWIFT_FLAGS)

test: headers lint unit build fuzz e2e clients ## Everything: headers, unit, conformance, integration, fuzz smoke, end to end.

wire-formats: build ## Write the tables of docs/wire-formats.md anew.
	Tests/support/wire-formats.sh .build/release/patchbay docs/wire-formats.md

edge-cases: ## Write the names of the tests into docs/edge-cases.md.
	Tests/support/edge-cases.py --write

unit: packages ## Unit, conformance and integration tests.
	swift test $(SWIFT_FLAGS)

headers: packages ## Compile the C headers alone under every supported standard; compare the layout with the golden one.
	sdk/abi/check.sh

lint: ## Budgets, shell scripts, and the list of edge cases.
	Tests/support/packages.sh lint
	Tests/support/lint.sh
	Tests/support/edge-cases.py

fuzz: ## A short fuzz run of every parser of outside bytes.
	Tests/support/packages.sh fuzz
	Tests/fuzz/run.sh $(FUZZ_SECONDS)

venv: ## The Python environment of the end-to-end tests.
	Tests/support/venv.sh "$(VENV)"

e2e: build venv ## The official Python SDKs against the running gateway, and the crash test.
	Tests/support/packages.sh e2e
	"$(VENV)/bin/python" -m pytest -q -n $(E2E_WORKERS) --dist loadfile Tests/e2e

clients: build ## Frameworks, and the previous major line of the official SDKs, in Python environments of their own.
	Tests/support/packages.sh e2e
	E2E_WORKERS=$(E2E_WORKERS) Tests/support/clients.sh "$(CURDIR)/.build"

bench: build ## Ratios to nginx; SCENARIO="plain tls" chooses, BENCH="--rounds 9 --informational" are options.
	Tests/support/packages.sh bench
	Tests/bench/run.sh $(SCENARIO) $(BENCH)

bench-table: build ## The same, and the table is written into docs/performance.md.
	Tests/support/packages.sh bench
	Tests/bench/run.sh $(SCENARIO) --write $(BENCH)

footprint: build venv ## Start to ready with a large configuration, in the file and in the store, and resident memory.
	"$(VENV)/bin/python" Tests/bench/footprint.py

bench-peers: build ## LiteLLM from PyPI, the gateway and nginx in one run, for comparison.
	Tests/support/packages.sh bench
	Tests/bench/run.sh peers --informational --write $(BENCH)

profile: build ## Where the microseconds of a request go: instructions and time per stage, the costliest functions.
	Tests/support/packages.sh profile
	Tests/bench/profile.sh --write docs/performance.md

sanitize: sanitize-thread sanitize-address ## The Swift tests under the thread and the address sanitizer.

sanitize-thread: packages
	swift build --build-tests --sanitize=thread --scratch-path .build-thread -Xlinker --export-dynamic $(SWIFT_FLAGS)
	TSAN_OPTIONS="suppressions=$(CURDIR)/Tests/support/thread-sanitizer.supp" \
		.build-thread/debug/patchbayPackageTests.xctest --testing-library swift-testing $(SANITIZE_ARGUMENTS)

sanitize-address: packages
	swift build --build-tests --sanitize=address --scratch-path .build-address -Xlinker --export-dynamic $(SWIFT_FLAGS)
	ASAN_OPTIONS=detect_leaks=0 \
		.build-address/debug/patchbayPackageTests.xctest --testing-library swift-testing $(SANITIZE_ARGUMENTS)

soak: build venv ## Ten minutes of everything at once (SOAK="--minutes 10 --pieces 6" for an hour).
	nice "$(VENV)/bin/python" Tests/soak/soak.py $(SOAK)

format: ## Format the Swift sources in place.
	swift format format --in-place --recursive --parallel Sources Plugins sdk Tests Package.swift

clean: ## Remove what was built.
	rm -rf .build .build-thread .build-address
