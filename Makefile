# Checkout. "make" alone lists what can be made.

GO        ?= go
BIN       := $(CURDIR)/bin
TEMPL     := $(BIN)/tools/templ
LINT      := $(BIN)/tools/golangci-lint
NODES     := $(BIN)/nodes
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME  ?= 10m
PACKAGES  ?= ./...

export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help run build generate test check lint bench fuzz preview clean setup nodes

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Serve a demo shop with everything it needs; BITCOIN=regtest and EVM=dev add real nodes of their own.
	@$(if $(BITCOIN)$(EVM),$(MAKE) --no-print-directory $(if $(BITCOIN),$(NODES)/btcd) $(if $(EVM),$(NODES)/anvil))
	$(BIN)/checkout demo $(if $(BITCOIN),--bitcoin=$(BITCOIN) --btcd=$(NODES)/btcd) $(if $(EVM),--evm=$(EVM) --anvil=$(NODES)/anvil) $(ARGS)

build: ## Build bin/checkout, one static file.
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN)/checkout ./cmd/checkout

generate: $(TEMPL) ## Write the Go of the templates.
	$(TEMPL) generate -log-level warn

test: setup nodes ## Run every test, on both databases, real nodes and a real browser. Installs what is missing.
	CGO_ENABLED=1 CHECKOUT_REQUIRE=nodes,postgres,browser CHECKOUT_NODES=$(NODES) \
		$(GO) test -race -count=1 -timeout 20m $(PACKAGES)

check: generate lint ## Everything quick: generated files, format, vet, lint, tests without servers.
	@git diff --exit-code --stat -- '*_templ.go' || { echo "generated files are out of date: make generate"; exit 1; }
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) test -short ./...

lint: $(LINT) ## Run the linters.
	$(LINT) run ./...

bench: ## Measure the hot paths, each beside its limit in the same run.
	$(GO) test -run '^$$' -bench . -benchtime 1x ./cmd/checkout

fuzz: ## Run every fuzz target for FUZZTIME each (default 10m).
	@set -e; for file in $$(git grep -lE '^func Fuzz' -- '*_test.go'); do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9]+).*/\1/p' $$file); do \
			echo "$$file $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file); \
		done; \
	done

preview: ## Take pictures of every view into preview/, with one contact sheet of all; SERVE=127.0.0.1:8090 serves the pages instead.
	CHECKOUT_PREVIEW=$(CURDIR)/preview CHECKOUT_PREVIEW_SERVE=$(SERVE) $(GO) test -count=1 -timeout 0 -run '^TestPreview$$' -v ./web/templates

clean: ## Remove what was built.
	rm -rf $(BIN) preview

setup:
	@sh tools/setup.sh

nodes: $(NODES)/btcd $(NODES)/anvil

$(NODES)/btcd: nodes/go.mod
	@mkdir -p $(NODES)
	$(GO) -C nodes build -o $(NODES)/ github.com/btcsuite/btcd github.com/btcsuite/btcd/cmd/btcctl
	@touch $@

$(NODES)/anvil: nodes/package-lock.json
	@mkdir -p $(NODES)
	@npm ci --prefix nodes --ignore-scripts --no-audit --no-fund --loglevel=error
	@ln -sf ../../nodes/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil $@

$(TEMPL): tools/go.mod
	@mkdir -p $(BIN)/tools
	$(GO) -C tools build -o $(BIN)/tools/ github.com/a-h/templ/cmd/templ
	@touch $@

$(LINT): tools/go.mod
	@mkdir -p $(BIN)/tools
	$(GO) -C tools build -o $(BIN)/tools/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@
