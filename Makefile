# Verbs of this repository; `make` or `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help build check lint test test-extra test-npm soak demo bench compare outage fuzz

FUZZTIME ?= 10m

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build ./skerry
	go build -o skerry .

check: ## format, vet, shape and short tests: before every commit, under 20 s
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "gofmt -w these:"; echo "$$bad"; exit 1; fi
	@go vet ./...
	@go test -run Shape .
	@go test -short -timeout 60s ./...

lint: ## golangci-lint, if it is installed
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo "lint: golangci-lint is not installed, nothing was checked"; fi

test: ## everything, also with -race and -tags poison; installs what it needs as root on Debian
	@scripts/services
	@scripts/test

test-extra: lint ## slower still: tests twice in random order with -race, every fuzz target for 30 s
	go test -race -count=2 -shuffle=on -timeout 20m ./...
	FUZZTIME=30s scripts/fuzz

test-npm: ## the package for the CDK: npm ci, tsc, AWS's own validator, cdk synth; a part of test
	scripts/npm

soak: ## the long form of every TestSoak…, up to 2 h
	SKERRY_SOAK=1 go test -run Soak -v -timeout 2h ./...

demo: ## the tour: sample services, an edge in front of them, real traffic; until Ctrl-C
	go run . demo

bench: ## benchmarks with a budget, beside a reference, medians of five; writes docs/compare.md
	@scripts/services
	go run ./load/compare -bench -o docs/compare.md

compare: ## processor time per request beside nginx (with ModSecurity too), HAProxy, Caddy, net/http and Coraza; writes docs/compare.md
	@scripts/services
	go run ./load/compare -o docs/compare.md

outage: ## what clients feel when services fail, beside nginx and HAProxy; writes docs/outage.md
	@scripts/services
	go run ./load/outage -o docs/outage.md

fuzz: ## every fuzz target for FUZZTIME each (10m)
	FUZZTIME=$(FUZZTIME) scripts/fuzz
