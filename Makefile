# Two commands are all a newcomer needs: `make up` and `make test`. Both install what is missing, say so, and may be repeated.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
export PATH := $(CURDIR)/var/tools/bin:$(PATH)
# Real data for tests lies beside the project where there is any; tests that want it say so when they skip.
ifneq ($(wildcard ../shared/data),)
export QINGTIAN_DATA ?= $(abspath ../shared/data)
endif

WEB := gateway/pages/recheck gateway/ui

.PHONY: up test prove web browser clients contract image check rust-tests web-tests help

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1  /p' Makefile

up: ## brings up the demonstration city and keeps it until Ctrl-C
	@scripts/install.sh
	@$(MAKE) --no-print-directory web
	cargo build --release --locked -p qingtian
	exec target/release/qingtian up

test: ## everything that must hold, from lints to browser stories
	@room=$$(df -Pk . | awk 'NR == 2 { print int($$4 / 1048576) }'); \
	echo "$$room GiB free on this disk; from clean, make test takes about 8"; \
	[ -d target/debug ] || [ "$$room" -ge 6 ] || { echo "too little room: nothing was begun. Free some, and run it again." >&2; exit 1; }
	@scripts/install.sh --tests
	@$(MAKE) --no-print-directory web browser clients provider
	@$(MAKE) --no-print-directory check rust-tests web-tests

# Built only when a source is newer than the result, which keeps a digest of its sources: a release build checks it.
web: $(WEB:%=%/dist/.built)

$(WEB:%=%/dist/.built): %/dist/.built: %/package.json %/package-lock.json scripts/web_sources.sh
$(foreach folder,$(WEB),$(eval $(folder)/dist/.built: $(shell find $(folder) -type f -not -path '*/node_modules/*' -not -path '*/dist/*')))
$(WEB:%=%/dist/.built):
	sources=$$(scripts/web_sources.sh $(@:%/dist/.built=%)); cd $(@:%/dist/.built=%); \
	{ [ -d node_modules ] && [ node_modules -nt package-lock.json ]; } || npm ci --no-audit --no-fund; \
	npm run build; touch node_modules; echo "$$sources" >dist/.built

# What the browser stories need; the browser itself is the system's.
browser: tests/browser/node_modules/.installed

tests/browser/node_modules/.installed: tests/browser/package.json tests/browser/package-lock.json
	cd tests/browser && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund
	@touch $@

# What the departments' example in TypeScript needs.
clients: tests/clients/typescript/node_modules/.installed

tests/clients/typescript/node_modules/.installed: tests/clients/typescript/package.json tests/clients/typescript/package-lock.json
	cd tests/clients/typescript && npm ci --no-audit --no-fund
	@touch $@

# The provider at which people of a test sign on.
provider: tests/sign-on/node_modules/.installed

tests/sign-on/node_modules/.installed: tests/sign-on/package.json tests/sign-on/package-lock.json
	cd tests/sign-on && npm ci --no-audit --no-fund
	@touch $@

contract: web ## the contract for integrators, as an archive with examples and verifiers
	@scripts/contract.sh

image: web ## one small image for every part, by buildah
	@scripts/image.sh

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	sh scripts/install_test.sh
	var/tools/venv/bin/buf lint proto
	python3 tests/vectors/make_vectors.py --check
	sh tests/vectors/recipe_test.sh

rust-tests:
	cargo build --workspace --all-targets --locked
	cargo run --quiet --locked -p kit --bin with-servers -- cargo nextest run --workspace --locked --no-fail-fast
	cargo test --workspace --doc --locked --quiet

web-tests:
	@for folder in $(WEB); do (cd $$folder && npm test); done
	@for folder in gateway/ui tests/browser; do (cd $$folder && npm run typecheck); done

# Each run draws new seeds and prints them; whoever gives them runs the same cases again.
prove: ## the same code with larger counts: hours, not minutes
	@scripts/install.sh --prove
	@$(MAKE) --no-print-directory web browser clients provider
	cargo build --workspace --all-targets --locked
	random() { od -An -N6 -tu8 /dev/urandom | tr -d ' '; }; \
	export PROPTEST_RNG_SEED=$${PROPTEST_RNG_SEED:-$$(random)} QINGTIAN_SEED=$${QINGTIAN_SEED:-$$(random)}; \
	echo "PROPTEST_RNG_SEED=$$PROPTEST_RNG_SEED QINGTIAN_SEED=$$QINGTIAN_SEED"; \
	QINGTIAN_PROVE=1 cargo run --quiet --locked -p kit --bin with-servers -- cargo nextest run --workspace --locked --no-fail-fast
