package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Audit is the log that cannot be changed unnoticed: what was refused, what was found, and everything that administrators do. In YAML it is off, or a mapping.
type Audit struct {
	// Path of the folder of the log, or off. Default audit, in the folder of the store.
	Path string `yaml:"path"`
	// Key signs the log, as a secret reference: what sallyport audit key printed, in a file or the environment. Default: made on first start, in the file keys/audit.key of the store's folder.
	Key string `yaml:"key" secret:"true"`
	// Exchanges that are logged: refused, all, or a share such as 5% of those that were not refused. Default refused.
	Exchanges string `yaml:"exchanges"`
	// Findings of this severity and above are logged with their exchange, refused or not; off logs none. Default high.
	Findings string `yaml:"findings" enum:"info,low,medium,high,critical,off"`
	// Retention is how long leaves are kept. Older ones are deleted, once a day, and their hashes stay: what is left verifies as before, and verify says how many are gone. Default: for ever.
	Retention Duration `yaml:"retention"`
	// Witnesses are asked to cosign the log (C2SP tlog-witness), so that not even who has its key can show two people two logs.
	Witnesses []AuditWitness `yaml:"witnesses"`
	// Quorum is how many of the witnesses must cosign before their absence is told as a failing control. Default all.
	Quorum int `yaml:"quorum"`
}

// AuditWitness is one witness of the audit log.
type AuditWitness struct {
	// URL is the witness's submission prefix.
	URL string `yaml:"url"`
	// Key is the witness's verifier key, name+hash+base64, for Ed25519 cosignatures.
	Key string `yaml:"key"`
}

// On tells whether there is an audit log.
func (a Audit) On() bool { return a.Path != "off" }

// Share is which part of the exchanges that were not refused is logged, between 0 and 1.
func (a Audit) Share() float64 {
	switch a.Exchanges {
	case "", "refused":
		return 0
	case "all":
		return 1
	}
	n, _ := strconv.ParseFloat(strings.TrimSuffix(a.Exchanges, "%"), 64) // check has looked at it
	return n / 100
}

// audit reads the one word that the section may be.
func (d *decoder) audit(n ast.Node, a *Audit, path string) {
	text, ok := d.scalar(n, path, "off or a mapping")
	if ok && text != "off" {
		d.fail(n, "config.value", fmt.Sprintf("%s: %q is neither off nor a mapping", path, text), "audit: off, or audit: { exchanges: all }")
	}
	a.Path = text
}

func (c *checker) audit(a Audit, at string) {
	share, percent := strings.CutSuffix(a.Exchanges, "%")
	n, err := strconv.ParseFloat(share, 64)
	if number := percent && err == nil && n >= 0 && n <= 100; a.Exchanges != "" && a.Exchanges != "refused" && a.Exchanges != "all" && !number {
		c.fail(at+".exchanges", "is neither refused, all nor a share", "exchanges: 5%")
	}
	for i, w := range a.Witnesses {
		at := fmt.Sprintf("%s.witnesses[%d]", at, i)
		u, err := url.Parse(w.URL)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) || u.RawQuery != "" || u.User != nil {
			c.fail(at+".url", "is not an https URL", "url: https://witness.example.com/")
		}
		if strings.Count(w.Key, "+") < 2 {
			c.fail(at+".key", "is not a verifier key", "key: witness.example.com+530d903a+BOky…")
		}
	}
	if a.Quorum < 0 || a.Quorum > len(a.Witnesses) {
		c.fail(at+".quorum", fmt.Sprintf("is not between 0 and %d, the number of witnesses", len(a.Witnesses)), "")
	}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
