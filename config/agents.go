package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// WebBotAuth is the draft of Web Bot Auth that is understood.
const WebBotAuth = "draft-ietf-webbotauth-httpsig-protocol-00"

// Agents are automated clients that can prove who they are. What they may do says the rating of clients; here is only whom to believe.
type Agents struct {
	// Signatures names the draft of Web Bot Auth by which signatures of requests are judged. It still changes, and so is switched on by its name: draft-ietf-webbotauth-httpsig-protocol-00. Default: no signature is looked at.
	Signatures string `yaml:"signatures" enum:"draft-ietf-webbotauth-httpsig-protocol-00"`
	// Signers are believed when they sign. Keys are fetched for these only, whatever requests name.
	Signers []Signer `yaml:"signers"`
	// Crawlers are believed when their address has a name in one of their domains that leads back to the address. Names are looked up beside requests; until one is confirmed, nobody is a crawler.
	Crawlers []Crawler `yaml:"crawlers"`
	// Resolver is the DNS server that is asked for names of crawlers, an address with port. It should be one that nobody else can answer for. Default: those of the system.
	Resolver string `yaml:"resolver"`
}

// Signer is somebody who signs requests.
type Signer struct {
	// Name in records.
	Name string `yaml:"name"`
	// URL that the signer names in Signature-Agent: the origin of an https URL.
	URL string `yaml:"url"`
	// Keys are where its key directory is: an https URL, or file:PATH. Default /.well-known/http-message-signatures-directory of url.
	Keys string `yaml:"keys"`
	// Refresh is how often the directory is fetched again. What was fetched last holds for a day more when it cannot be. Default: as its Cache-Control says, between a minute and a day; 1h where that says nothing.
	Refresh Duration `yaml:"refresh"`
	// AllowPrivate: true lets keys be an http URL, or point to a private address. For test benches.
	AllowPrivate bool `yaml:"allow_private"`
}

// Crawler is somebody whose addresses have names of its own.
type Crawler struct {
	// Name in records.
	Name string `yaml:"name"`
	// Domains in which the names of its addresses are: googlebot.com is meant with all below it.
	Domains []string `yaml:"domains"`
	// Agent is what its User-Agent contains. It proves nothing: only addresses of clients that say so are looked up. Default the name.
	Agent string `yaml:"agent"`
}

func (c *checker) agents(a Agents) {
	if a.Signatures != "" && a.Signatures != WebBotAuth {
		c.fail("abuse.agents.signatures", "is not the draft that is understood", "signatures: "+WebBotAuth)
	}
	if len(a.Signers) > 0 && a.Signatures == "" {
		c.fail("abuse.agents.signers", "no signature is looked at", "signatures: "+WebBotAuth)
	}
	if len(a.Signers) > 64 || len(a.Crawlers) > 64 {
		c.fail("abuse.agents", "has more than 64 signers or crawlers", "")
	}
	if _, err := netip.ParseAddrPort(a.Resolver); a.Resolver != "" && err != nil {
		c.fail("abuse.agents.resolver", "is not an address with port", "resolver: 127.0.0.1:53")
	}
	names := map[string]bool{}
	for i, s := range a.Signers {
		at := fmt.Sprintf("abuse.agents.signers[%d]", i)
		c.name(s.Name, at, names)
		if s.URL == "" {
			c.fail(at, "has no url", "url: https://agent.example")
		}
	}
	for i, r := range a.Crawlers {
		at := fmt.Sprintf("abuse.agents.crawlers[%d]", i)
		c.name(r.Name, at, names)
		if len(r.Domains) == 0 {
			c.fail(at, "has no domains: no address could be its own", "domains: [ googlebot.com ]")
		}
		for j, d := range r.Domains {
			if !strings.Contains(strings.Trim(d, "."), ".") || strings.HasPrefix(d, ".") || strings.ContainsAny(d, "*:/@ ") {
				c.fail(fmt.Sprintf("%s.domains[%d]", at, j), "is not a domain of somebody's own", "googlebot.com is meant with all below it")
			}
		}
	}
}
