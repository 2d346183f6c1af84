# What can be done here: make certify, make test, make build. The rest is for those who work on scfcert.
GO      ?= go
IMAGE   ?=
FUZZTIME ?= 60s
EMBEDDED = mockplatform/program/embedded
SBOM     = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
BILL     = dist/scfcert.cdx.json
TARGETS  = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
STATIC   = CGO_ENABLED=0 GOFLAGS=-buildvcs=false $(GO) build -trimpath -ldflags "-s -w"

.PHONY: certify build release release-check image embed test test-race test-debian test-browser matrix soak bench fuzz clean

## certify: certify IMAGE, or the built-in sample
certify: build
	bin/scfcert run $(IMAGE)

## build: bin/scfcert with its programs inside
build: embed
	CGO_ENABLED=0 $(GO) build -trimpath -tags embedded -o bin/scfcert ./cmd/scfcert

## release: static binaries, checksums and a bill of materials in dist/: the same bytes for a commit with its tags and a Go
release: export LC_ALL = C
release: embed
	rm -rf dist && mkdir dist
	@set -e; for target in $(TARGETS); do \
	  echo "dist/scfcert-$${target%/*}-$${target#*/}"; \
	  GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0 GOFLAGS=-buildvcs=true $(GO) build -trimpath -tags embedded -ldflags "-s -w -buildid=" \
	    -o "dist/scfcert-$${target%/*}-$${target#*/}" ./cmd/scfcert; \
	done
	@# The bill names its tool by the hash of the program, and the build by its environment. Its date is the commit's, and
	@# its number, whose form is UUID version 8, is the hash of all the rest.
	GOFLAGS=-trimpath $(GO) run -exec "env GOOS=linux GOARCH=amd64 CGO_ENABLED=0 GOFLAGS=-tags=embedded" $(SBOM) app -json -serial 00000000-0000-0000-0000-000000000000 -main cmd/scfcert -output $(BILL) .
	@set -e; date=$$(date -u -d "@$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)}" +%FT%TZ); \
	  sed -i "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$$date\"/" $(BILL); \
	  number=$$(sha256sum $(BILL) | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-8\3-8\4-\5/'); \
	  sed -i "s/00000000-0000-0000-0000-000000000000/$$number/" $(BILL)
	cd dist && sha256sum * >SHA256SUMS

## release-check: makes the release of the commit twice, in two folders, and compares all of it
# The second is made in another folder and another time zone. The compiler is trusted to give the same for the same, so
# the build cache is shared; and of the platforms there is one.
release-check: TARGETS = linux/amd64
release-check:
	@set -e; scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	git -c advice.detachedHead=false clone --quiet . "$$scratch/one" && git -c advice.detachedHead=false clone --quiet . "$$scratch/the/other/one"; \
	$(MAKE) -C "$$scratch/one" release TARGETS="$(TARGETS)"; \
	TZ=Asia/Shanghai $(MAKE) -C "$$scratch/the/other/one" release TARGETS="$(TARGETS)"; \
	diff -r "$$scratch/one/dist" "$$scratch/the/other/one/dist" && cat "$$scratch/one/dist/SHA256SUMS"

## image: scfcert:dev, an image of the tool that is built on nothing; docs/ci.md tells how to run it
image: build
	docker build --quiet --tag scfcert:dev --file cmd/scfcert/Dockerfile .

embed:
	@set -e; for arch in amd64 arm64; do \
	  GOOS=linux GOARCH=$$arch $(STATIC) -o $(EMBEDDED)/pause-linux-$$arch ./mockplatform/sandbox/pause; \
	done; \
	GOOS=linux GOARCH=amd64 $(STATIC) -o $(EMBEDDED)/function-linux-amd64 ./sample-functions/go/function; \
	gzip -9nf $(EMBEDDED)/*-linux-amd64 $(EMBEDDED)/*-linux-arm64

## test: needs Go and Docker, nothing else
test:
	$(GO) test -count=1 -timeout 15m ./...

# TABLES are tests in which one thing happens after the other, and which take their time.
TABLES = TestTheStartUpMap|TestTheRunTimeMap|TestEverySoftPlaceWorks|TestAnEngineThatRefuses|TestRowsOfAnEngine|TestOutputOfAnyKind|TestTheLogOfAnInvocation|TestTmp|TestInvocations|TestEveryReadingIsSeen|TestRequestsThatReachNo
test-race:
	$(GO) test -race -count=1 -timeout 20m -skip '$(TABLES)' ./mockplatform/registry ./mockplatform/gateway/... ./mockplatform/scheduler ./mockplatform/instance ./mockplatform/sandbox ./mockplatform ./mockplatform/serve/... ./suite/matrix ./suite/statement/referrer
	$(GO) test -race -count=1 -run 'TestExitCodes/(the_built-in_sample|one_event|address_in_use|the_machine)$$' ./cmd/...

## test-debian: the samples in Python and Node, on a Debian base that is made first; needs root
test-debian:
	sample-functions/debian/base.sh
	$(GO) test -count=1 -timeout 15m -tags debian -run Debian ./sample-functions/...
	docker rmi --force scfcert-test/python:base scfcert-test/node:base scfcert-test/flask:base >/dev/null

## matrix: certifies every violator; docs/kill-matrix.md says which there are
matrix:
	$(GO) test -count=1 -timeout 30m -parallel 4 -run TestEveryViolator ./sample-functions -matrix

## test-browser: the local server's page in Debian's Chromium; needs root
test-browser:
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; }
	$(GO) test -count=1 -timeout 5m -tags browser -run Browser ./mockplatform/serve/... ./suite/report

## soak: ten minutes of random functions, faults and load; and a good and a bad image, twenty times each
soak:
	$(GO) test -count=1 -timeout 30m -run TestSoak -v ./mockplatform -soak=10m
	$(GO) test -count=1 -timeout 30m -run TestTheSameImage -v ./sample-functions -repeat=20

## bench: figures for docs/benchmarks.md
bench:
	$(GO) test -run '^$$' -bench . -benchtime 15x -timeout 1h ./mockplatform ./mockplatform/sandbox
	$(GO) test -run '^$$' -bench . -benchtime 5x -timeout 1h ./mockplatform/serve

## fuzz: every fuzz target of the sources for FUZZTIME, a time or a number of inputs (20000x), which no busy machine cuts short
fuzz:
	@set -e; for target in $$(grep -r --include=*_test.go '^func Fuzz' . | sed 's|/[^/]*:func \([A-Za-z0-9_]*\).*|:\1|' | sort); do \
	  echo "=== $$target"; \
	  $(GO) test -run '^$$' -fuzz "^$${target#*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "$${target%:*}"; \
	done

clean:
	rm -rf bin dist scfcert-report $(EMBEDDED)/*.gz
