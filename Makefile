# What can be done here: make certify, make test, make build. The rest is for those who work on scfcert.
GO      ?= go
IMAGE   ?=
FUZZTIME ?= 60s
EMBEDDED = mockplatform/program/embedded
SBOM     = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
STATIC   = CGO_ENABLED=0 GOFLAGS= $(GO) build -trimpath -ldflags "-s -w"

.PHONY: certify build release image embed test test-race test-debian test-browser matrix soak bench fuzz clean

## certify: certify IMAGE, or the built-in sample
certify: build
	bin/scfcert run $(IMAGE)

## build: bin/scfcert with its programs inside
build: embed
	CGO_ENABLED=0 $(GO) build -trimpath -tags embedded -o bin/scfcert ./cmd/scfcert

## release: static binaries, checksums and a bill of materials in dist/; the binaries are the same bytes for a commit and a Go
release: embed
	rm -rf dist && mkdir dist
	@set -e; for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do \
	  echo "dist/scfcert-$${target%/*}-$${target#*/}"; \
	  GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0 GOFLAGS= $(GO) build -trimpath -tags embedded -ldflags "-s -w -buildid=" \
	    -o "dist/scfcert-$${target%/*}-$${target#*/}" ./cmd/scfcert; \
	done
	GOFLAGS= $(GO) run $(SBOM) app -json -noserial -main cmd/scfcert -output dist/scfcert.cdx.json .
	cd dist && sha256sum * >SHA256SUMS

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

test-race:
	$(GO) test -race -count=1 ./mockplatform/registry ./mockplatform/gateway/... ./mockplatform/scheduler ./mockplatform/instance ./mockplatform/sandbox ./mockplatform ./mockplatform/serve/... ./suite/matrix ./suite/statement/referrer ./cmd/...

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

## fuzz: every fuzz target for FUZZTIME, a time or a number of inputs (20000x), which no busy machine cuts short
fuzz:
	$(GO) test -run "^$$" -fuzz FuzzTokenRequest -fuzztime $(FUZZTIME) ./mockplatform/registry
	$(GO) test -run "^$$" -fuzz FuzzParseReference -fuzztime $(FUZZTIME) ./mockplatform/image
	$(GO) test -run "^$$" -fuzz FuzzCarry -fuzztime $(FUZZTIME) -fuzzminimizetime 1x ./mockplatform/gateway/tunnel
	$(GO) test -run "^$$" -fuzz FuzzVerify -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./suite/statement
	$(GO) test -run "^$$" -fuzz FuzzWith -fuzztime $(FUZZTIME) ./fixtures
	$(GO) test -run "^$$" -fuzz FuzzParse -fuzztime $(FUZZTIME) -fuzzminimizetime 1x ./mockplatform/serve/config
	$(GO) test -run "^$$" -fuzz FuzzParse -fuzztime $(FUZZTIME) -fuzzminimizetime 1x ./suite/waiver
	$(GO) test -run "^$$" -fuzz FuzzParse -fuzztime $(FUZZTIME) -fuzzminimizetime 1x ./suite/matrix
	$(GO) test -run "^$$" -fuzz FuzzRead -fuzztime $(FUZZTIME) -fuzzminimizetime 1x ./suite/report

clean:
	rm -rf bin dist scfcert-report $(EMBEDDED)/*.gz
