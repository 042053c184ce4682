package config

import (
	"net/url"
	"path/filepath"
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
	// Key is the root key of what is sealed, as a secret reference: 32 bytes in base64, as openssl rand -base64 32 makes them. Several, separated by spaces, while one takes the place of the other: the first is used for what is new. Default: generated on first start, kept in keys below path.
	Key string `yaml:"key" secret:"true"`
	// KMS is a key management service that wraps in place of key: the root key never leaves it.
	KMS *KMS `yaml:"kms"`
	// Counters says where rate limits are counted. Only memory in this version.
	Counters string `yaml:"counters" enum:"memory"`
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
}

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
