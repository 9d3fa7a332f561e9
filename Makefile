# The project's commands. `make help` lists them.

PREFIX ?= /usr/local
DESTDIR ?=

# One release build for everything: the program carries Swift's standard library and runs from any folder.
RELEASE := swift build -c release --static-swift-stdlib
PROGRAM := $(CURDIR)/.build/release/dtm
SOURCES := Sources Tests Benchmarks Package.swift

.DEFAULT_GOAL := help
.PHONY: help run build test soak fuzz bench screens lint format install clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Build, and start a manager: what it finds can be protected with one command
	$(PROGRAM) up

build: ## Build .build/release/dtm
	@scripts/bootstrap --build-only
	$(RELEASE) --product dtm

# The process tests drive the release build, one after another; the others are built for debugging and run side by side.
test: ## Run every test
	@scripts/bootstrap
	$(RELEASE) --product dtm
	swift build --build-tests
	scripts/run-tests unit
	DTM_PROGRAM=$(PROGRAM) scripts/run-tests process

soak: ## Run the process tests at their full size: an hour or so
	@scripts/bootstrap
	$(RELEASE) --product dtm
	swift build --build-tests
	DTM_SOAK=1 DTM_PROGRAM=$(PROGRAM) scripts/run-tests process

fuzz: ## Run the seeded tests of parsers and rules alone, 20 times as long; DTM_FUZZ_ITERATIONS=1…1000 says otherwise
	@scripts/bootstrap
	swift build --build-tests
	DTM_FUZZ_ITERATIONS=$(or $(DTM_FUZZ_ITERATIONS),20) scripts/run-tests fuzz

bench: ## Measure DTM beside stunnel, HAProxy and nginx, discovery beside ss, the console beside htop and btop; WRITE=docs/performance.md keeps the result
	@scripts/bootstrap
	$(RELEASE) --product dtm
	$(RELEASE) --product dtm-bench
	.build/release/dtm-bench --dtm $(PROGRAM) $(if $(WRITE),--write $(WRITE)) $(BENCH)

screens: ## Make the pictures of the console in docs/screens anew; as root
	@scripts/bootstrap
	$(RELEASE) --product dtm
	DTM_PROGRAM=$(PROGRAM) scripts/screens

lint: ## Check format and the rules that no compiler flag checks
	swift format lint --strict --parallel --recursive $(SOURCES)
	scripts/lint-rules
	scripts/lint-documentation

format: ## Format every Swift file in place
	swift format --in-place --parallel --recursive $(SOURCES)

install: ## Install the program and its completions under PREFIX (/usr/local)
	@test -x $(PROGRAM) || $(MAKE) build
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 -s $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/dtm
	@set -e; for shell in bash:bash-completion/completions/dtm zsh:zsh/site-functions/_dtm fish:fish/vendor_completions.d/dtm.fish; do \
	    file=$(DESTDIR)$(PREFIX)/share/$${shell#*:}; \
	    install -d "$${file%/*}"; \
	    $(PROGRAM) --generate-completion-script $${shell%%:*} > "$$file"; \
	    chmod 644 "$$file"; \
	    echo "completions for $${shell%%:*}: $$file"; \
	done

clean: ## Remove what was built
	swift package clean
