# Everything goes through Go's module proxy; what else a target needs it says.
export CGO_ENABLED = 0
LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 20s
COUNT ?= 50000
CONTAINER ?= docker
BUILDFLAGS ?= -trimpath
IMAGE ?= ghcr.io/sallyport/sallyport:latest
# Tests wait more than they compute: for time limits, databases and processes. So there are twice as many at once as processors.
WIDE = $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

.PHONY: build demo tour test test-all differential h2spec idle bots cluster hostile siege dashboard race vet lint fuzz bench golden tls package-files image packages release

build: ## the binary, in bin/
	go build $(BUILDFLAGS) -o bin/sallyport ./cmd/sallyport

demo: build ## a vulnerable shop behind the gateway; Ctrl-C ends it
	bin/sallyport demo

tour: build ## every flaw of the shop, bare and through the gateway
	bin/sallyport demo --tour

test: ## everything that is fast
	go test -p $(WIDE) -parallel $(WIDE) ./...

test-all: ## also what takes minutes: the whole CRS suite, real specs, soak
	SALLYPORT_ALL=1 go test -count=1 -timeout 60m ./...

differential: ## COUNT hostile messages before seven servers; docs/differential.md
	SALLYPORT_DIFFERENTIAL=$(COUNT) go test -count=1 -timeout 24h -run Differential -v ./gateway

h2spec: ## every case of h2spec against the TLS listener
	SALLYPORT_ALL=1 go test -count=1 -v ./cmd/sallyport -run TestH2spec

idle: ## 50,000 idle connections, 5,000 of HTTP/2 over TLS, 5,000 WebSockets; needs 80,000 open files
	SALLYPORT_ALL=1 go test -count=1 -v ./cmd/sallyport -run TestIdleConnections

dashboard: ## every page in Debian's Chromium (apt-get install chromium), screenshots in pictures/; four minutes
	SALLYPORT_ALL=1 SALLYPORT_PICTURES=$(CURDIR)/pictures go test -count=1 -timeout 20m ./cmd/sallyport -run TestDashboardInABrowser -v

mutate: ## takes rules out and demands that their tests notice; minutes
	./.ci/mutate

bots: ## ten programs and two browsers, each with its own words and a browser's, and how they are rated (apt-get install chromium curl ffuf firefox-esr libnss3-tools nodejs python3-aiohttp python3-h2 python3-httpx python3-requests sqlmap wapiti wget wrk); five minutes
	SALLYPORT_ALL=1 go test -count=1 -timeout 20m -v ./gateway -run TestClientsAreRated

cluster: ## 5,000 requests a second at three processes and a server of counters that stops and dies (apt-get install redis-server, or valkey-server where Debian has it); a minute of a quiet machine, docs/scale.md
	SALLYPORT_CLUSTER=1 go test -count=1 -v ./cmd/sallyport -run TestClusterUnderLoad

hostile: ## slow clients and floods against the gateway, nginx and HAProxy (apt-get install nginx-light haproxy); about six minutes, results in hostile.json
	SALLYPORT_HOSTILE=$(CURDIR)/hostile.json go test ./cmd/sallyport -run TestHostile -count=1 -v -timeout 20m

package-files: build ## what packages hold beside the binary, in bin/files
	mkdir -p bin/files/completion
	bin/sallyport completion bash >bin/files/completion/sallyport.bash
	bin/sallyport completion zsh >bin/files/completion/_sallyport
	bin/sallyport completion fish >bin/files/completion/sallyport.fish
	gzip -9nc docs/sallyport.1 >bin/files/sallyport.1.gz

image: ## the image, by CONTAINER (docker, buildah or podman), for the machine that it is built on
	GOOS=linux go build -trimpath -ldflags="-s -w" -o bin/image/linux/$$(go env GOARCH)/sallyport ./cmd/sallyport
	mkdir -p bin/image/deploy/image && cp -r deploy/image/data bin/image/deploy/image/
	$(CONTAINER) build -t $(IMAGE) --build-arg TARGETPLATFORM=linux/$$(go env GOARCH) -f deploy/Dockerfile bin/image

packages: ## builds each package, looks into it and runs what is in it (.ci/packages installs what it needs); two minutes
	SALLYPORT_ALL=1 go test -count=1 -timeout 30m -v ./deploy -run 'Test[^R]|TestRPM'

release: ## archives, packages, SBOMs and checksums for Linux and macOS, in dist/; builds goreleaser first, which takes many minutes
	go run github.com/goreleaser/goreleaser/v2@v2.15.0 release --snapshot --clean --skip=docker,sign

siege: ## floods of requests, tokens, bodies and handshakes against the gateway, nginx and HAProxy (apt-get install nginx-light haproxy); about ten minutes, results in siege.json
	SALLYPORT_SIEGE=$(CURDIR)/siege.json go test ./cmd/sallyport -run TestSiege -count=1 -v -timeout 30m

race: ## needs a C compiler; the lab is no part of the product and too slow under the detector
	CGO_ENABLED=1 go test -race -short -timeout 40m $$(go list ./... | grep -v /lab)

vet:
	go vet ./...

lint: ## builds golangci-lint on first use, which takes minutes
	go run $(LINT) run ./...

tls: ## what takes minutes of TLS: testssl.sh from outside, certificates from an ACME server, a proxy that speaks its protocol
	SALLYPORT_ALL=1 go test -count=1 ./listen -run 'ACME|ProxyProtocol'
	SALLYPORT_ALL=1 go test -count=1 -timeout 30m ./cmd/sallyport -run 'TestTestSSL|TestSecureRenegotiation|TestRunWithACME'

fuzz: ## each fuzz target for FUZZTIME
	./.ci/fuzz $(FUZZTIME)

bench: ## each benchmark once, so that none rots; see docs/performance.md for figures
	go test -run '^$$' -bench . -benchtime 1x ./...

golden: ## write the generated files again: docs, schema, golden files
	go test ./config ./exchange ./lab ./openapi ./event/alert ./event/encode -update
	go test ./inspect -run TestLanesAreDocumented -update
	go test ./cmd/sallyport -run TestManualPage -update
