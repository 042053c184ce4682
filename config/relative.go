package config

import (
	"path/filepath"
	"strings"
)

// from lets relative paths start in dir, the folder of the config file: a config means the same wherever it is loaded
// from, also under a service manager whose working directory is the root.
func (c *Config) from(dir string) {
	if c.Store.Path == "" {
		c.Store.Path = "data"
	}
	paths := []*string{&c.Store.Path, &c.Store.Keys, &c.Store.CountersCA}
	if c.Log.Access != "stdout" && c.Log.Access != "off" {
		paths = append(paths, &c.Log.Access)
	}
	if c.Audit.On() {
		paths = append(paths, &c.Audit.Path)
	}
	paths = append(append(paths, c.tlsFiles()...), c.Abuse.listFiles()...)
	for i := range c.APIs {
		a := &c.APIs[i]
		for j := range a.Overlays {
			paths = append(paths, &a.Overlays[j])
		}
		paths = append(paths, &a.Spec, &a.Inspect.Rules)
	}
	paths = append(paths, c.Events.files()...)
	for _, p := range paths {
		*p = within(dir, *p)
	}
	c.Admin.Token, c.Store.Key = fileIn(dir, c.Admin.Token), fileIn(dir, c.Store.Key)
	c.Store.Counters, c.Store.CountersKey = fileIn(dir, c.Store.Counters), fileIn(dir, c.Store.CountersKey)
	if k := c.Store.KMS; k != nil {
		k.Token, k.CA = fileIn(dir, k.Token), within(dir, k.CA)
	}
	if o := c.Admin.OIDC; o != nil {
		o.ClientSecret = fileIn(dir, o.ClientSecret)
	}
	c.Events.secretsIn(dir)
	c.Audit.Key = fileIn(dir, c.Audit.Key)
	for i := range c.Abuse.Agents.Signers {
		s := &c.Abuse.Agents.Signers[i]
		s.Keys = fileIn(dir, s.Keys)
	}
	for i := range c.Identity {
		if j := c.Identity[i].JWT; j != nil {
			j.JWKS = fileIn(dir, j.JWKS)
		}
	}
}

func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) || strings.Contains(path, "://") {
		return path
	}
	return filepath.Join(dir, path)
}

// fileIn is within for a setting that may be file:PATH, as it may be a URL or the thing itself.
func fileIn(dir, setting string) string {
	path, ok := strings.CutPrefix(setting, "file:")
	if !ok {
		return setting
	}
	return "file:" + within(dir, path)
}
