package config

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// Store says where state is kept, and for how long.
type Store struct {
	// Path of the folder for the embedded database and the keys of what is sealed. Default data, beside the config.
	Path string `yaml:"path"`
	// Keys is the folder of the keys of what is sealed, and of the audit log's key and last checkpoint. Outside of path, no backup of the data takes the keys along, with which it would outlive erasures. Default keys, in the folder of path.
	Keys string `yaml:"keys"`
	// URL of a PostgreSQL database in place of the embedded one: postgres://user@host/database. Password and TLS as libpq has them: in the URL, or PGPASSWORD, PGSSLMODE and the like.
	URL string `yaml:"url" secret:"true"`
	// Key is the root key of what is sealed, as a secret reference: 32 bytes in base64, as openssl rand -base64 32 makes them. Several, separated by spaces, while one takes the place of the other: the first is used for what is new. Gateways that share a PostgreSQL database share it, so that names of API keys and quotas are sealed there. Default: generated on first start, kept in keys below path.
	Key string `yaml:"key" secret:"true"`
	// KMS is a key management service that wraps in place of key: the root key never leaves it.
	KMS *KMS `yaml:"kms"`
	// Counters says where limits are counted: memory, the default, which is of each process by itself; or a Valkey or Redis server in which all processes add up what they count: redis://user:password@host:6379/0, or rediss:// with TLS; also as a secret reference, as it may have a password.
	Counters string `yaml:"counters" secret:"true"`
	// CountersKey makes the names of what is counted, which are no business of the server's, as a secret reference: any 32 characters or more that all processes have, and no other service that uses the server.
	CountersKey string `yaml:"counters_key" secret:"true"`
	// CountersCA is a PEM file of the authorities that are believed for the server's certificate. Default those of the system.
	CountersCA string `yaml:"counters_ca"`
	// Processes is how many processes count together at least. While the server cannot be reached, each lets through its part of every limit: divided by this, or by as many as were last known.
	Processes int `yaml:"processes"`
	// Retention is how long exchanges are kept that passed and told nothing. Default 7d.
	Retention Duration `yaml:"retention"`
	// Passed is how many exchanges that passed and told nothing are kept a second, in bursts of ten seconds' worth. All are counted; the records of those beyond are not kept. Default 500.
	Passed int `yaml:"passed"`
	// Refusals is how long everything else is kept: refusals, monitored refusals, findings, events, counts. Default 30d, at least retention.
	Refusals Duration `yaml:"refusals"`
	// MaxBytes bounds the store: what is oldest goes first, exchanges that passed before others. Default 2GiB.
	MaxBytes Size `yaml:"max_bytes"`
}

// KeyFolder is where the keys are.
func (s Store) KeyFolder() string {
	if s.Keys != "" {
		return s.Keys
	}
	return filepath.Join(s.Path, "keys")
}

// KMS is a key management service with the API of Vault's transit engine: OpenBao, HashiCorp Vault. It is asked when the gateway starts, and when a person is erased or the root key is changed; in between it may be away.
type KMS struct {
	// URL of the engine: https://vault.internal:8200/v1/transit.
	URL string `yaml:"url"`
	// Key is the name of the key there, of a type that takes associated data: aes256-gcm96.
	Key string `yaml:"key"`
	// Token that may encrypt and decrypt with the key, as a secret reference.
	Token string `yaml:"token" secret:"true"`
	// CA is a PEM file of the authorities that are believed for its certificate. Default those of the system.
	CA string `yaml:"ca"`
}

func (c *checker) store(s Store) {
	if s.URL != "" {
		if u, err := url.Parse(s.URL); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			c.fail("store.url", "is not the URL of a PostgreSQL database", "postgres://sallyport@db.internal/sallyport")
		}
	}
	if s.Passed < 0 {
		c.fail("store.passed", "is negative", "passed: 500")
	}
	if s.Refusals != 0 && s.Refusals < s.Retention {
		c.fail("store.refusals", "is less than store.retention", "refusals are kept at least as long as what passed")
	}
	if s.MaxBytes != 0 && s.MaxBytes < 16<<20 {
		c.fail("store.max_bytes", "is less than 16 MiB", "max_bytes: 2GiB")
	}
	if s.KMS != nil {
		c.kms(*s.KMS, s.Key)
	}
	c.named(s)
	c.counters(s)
}

// named warns of names in clear: gateways of one PostgreSQL database, which have a ring each, have no key in common then.
func (c *checker) named(s Store) {
	if s.URL == "" || s.Key != "" || s.KMS != nil {
		return
	}
	p := c.src.Problem("store.url", "store.clear", "store.url: whose API keys and quotas are stands there in clear: there is no key that all gateways of the database have", "key: file:root.key, or kms; openssl rand -base64 32 > root.key")
	p.Severity = Warning
	c.problems = append(c.problems, p)
}

func (c *checker) counters(s Store) {
	if !s.Together() {
		if s.CountersKey != "" || s.CountersCA != "" || s.Processes != 0 {
			c.fail("store.counters", "is memory, which needs neither counters_key, counters_ca nor processes", "counters: rediss://sallyport@valkey.internal")
		}
		return
	}
	tls := true // as far as a reference tells
	if !strings.HasPrefix(s.Counters, "file:") {
		u, err := url.Parse(s.Counters)
		if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || !database(u.Path) {
			c.fail("store.counters", "is neither memory nor the URL of a Valkey or Redis server", "counters: rediss://sallyport@valkey.internal")
			return
		}
		tls = u.Scheme == "rediss"
	}
	if s.CountersCA != "" && !tls {
		c.fail("store.counters_ca", "is of no use without TLS", "counters: rediss://…")
	}
	c.wanted(s.CountersKey, "store.counters_key", "counters_key: file:counters.key")
	if s.CountersKey != "" && len(s.CountersKey) < 32 && !strings.HasPrefix(s.CountersKey, "file:") {
		c.fail("store.counters_key", "is shorter than 32 characters", "openssl rand -base64 32 > counters.key")
	}
	if s.Processes < 1 || s.Processes > 1000 {
		c.fail("store.processes", "is not a number from 1 to 1000", "processes: 3")
	}
}

// database tells whether a path of a URL is none, or the number of a database.
func database(path string) bool {
	path = strings.TrimPrefix(path, "/")
	n, err := strconv.ParseUint(path, 10, 16)
	return path == "" || err == nil && strconv.FormatUint(n, 10) == path
}

// Together tells whether limits are counted together with other processes.
func (s Store) Together() bool { return s.Counters != "" && s.Counters != "memory" }

func (c *checker) kms(k KMS, key string) {
	u, err := url.Parse(k.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) || u.RawQuery != "" || u.User != nil {
		c.fail("store.kms.url", "is not an https URL", "url: https://vault.internal:8200/v1/transit")
	}
	if k.Key == "" || strings.ContainsAny(k.Key, "/?#%") {
		c.fail("store.kms.key", "is not the name of a key", "key: sallyport")
	}
	c.wanted(k.Token, "store.kms.token", "token: file:vault.token")
	if key != "" {
		c.fail("store.key", "and store.kms are both there", "the root key is here or there")
	}
}
