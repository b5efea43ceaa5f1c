# SPDX-License-Identifier: Apache-2.0
# What people and CI run. `make` alone lists the targets.

GO       ?= go
FUZZTIME ?= 10s
# Go makes every input that finds something new shorter for a minute, which with several arguments leaves no time to look on.
FUZZMINIMIZE ?= 10x
BENCH    ?= .
KILLS    ?= 100
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

GOLANGCI_LINT = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := help
.PHONY: help build demo deps test race e2e fuzz bench cover golden screenshots lint fmt tidy-check check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/shardlift
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/shardlift ./cmd/shardlift

demo: build ## export a volume that comes with the sources and show the result
	sh scripts/demo.sh

deps: ## put the influxd, the strace and the Chromium that tests use in place
	sh scripts/install-influxdb.sh
	sh scripts/install-strace.sh
	sh scripts/install-chromium.sh

test: deps ## run all tests
	$(GO) test -timeout 30m ./...

race: deps ## run all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 60m ./...

e2e: deps ## run the tests of the whole command, never from the cache, with KILLS (100) of client and server
	SHARDLIFT_KILLS=$(KILLS) $(GO) test -count=1 -timeout 60m ./cmd/... ./internal/e2e

fuzz: ## run every fuzz target for FUZZTIME (10s)
	@set -e; for p in $$($(GO) list ./...); do \
	  targets=$$($(GO) test -list '^Fuzz' "$$p"); \
	  for f in $$(printf '%s\n' "$$targets" | grep '^Fuzz' || true); do \
	    echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime $(FUZZMINIMIZE) "$$p"; \
	  done; \
	done

bench: build ## run the benchmarks that match BENCH (all), then the whole command on volumes of its own or on BENCH_VOLUME
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...
	sh scripts/bench.sh

cover: deps ## run all tests and write the coverage to dist/cover.html
	mkdir -p dist
	$(GO) test -timeout 30m -coverpkg ./... -coverprofile dist/cover.out ./...
	$(GO) tool cover -html dist/cover.out -o dist/cover.html
	$(GO) tool cover -func dist/cover.out | tail -n 1

screenshots: ## take the pictures of the documentation, of PAGE or of a made-up volume
	$(GO) run ./internal/pageshot $(if $(PAGE),-html $(PAGE)) -out docs/images/inspect-light.png
	$(GO) run ./internal/pageshot $(if $(PAGE),-html $(PAGE)) -dark -out docs/images/inspect-dark.png

golden: deps ## record testdata anew from a real server
	sh testdata/record.sh

lint: ## run the linters, import fences among them
	$(GOLANGCI_LINT) run --allow-parallel-runners ./...

fmt: ## format the Go files
	$(GOLANGCI_LINT) fmt ./...

tidy-check: ## fail where go.mod or go.sum is not tidy
	$(GO) mod tidy -diff

check: ## run what CI runs
	bash .ci/run

clean: ## remove what the other targets made
	rm -rf bin dist bench-volume
