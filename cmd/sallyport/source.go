package main

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/sallyport/sallyport/config"
)

// flagsOnly stands for a file name where there is none.
const flagsOnly = "(flags)"

// source says where the configuration comes from: a file, or flags that say the most necessary of it. A flag wins over
// the file, as does the environment (SALLYPORT_…) where the flag is absent.
type source struct {
	Config   string `short:"c" help:"Config file." placeholder:"FILE"`
	Spec     string `short:"s" help:"OpenAPI document, 3.0 to 3.2." placeholder:"FILE"`
	Upstream string `short:"u" help:"URL of the protected API." placeholder:"URL"`
	Listen   string `short:"l" help:"Address for clients (default 127.0.0.1:8080)." placeholder:"HOST:PORT"`
	Admin    string `help:"Address for operators, or off (default 127.0.0.1:9901)." placeholder:"HOST:PORT"`
	Store    string `help:"Folder for state (default ./data)." placeholder:"DIR"`
}

// Validate is asked by the parser of the command line, so that too few flags are wrong usage.
func (s *source) Validate() error {
	if s.Config == "" && s.Upstream == "" && s.Spec == "" {
		return errors.New("say what to protect: --config FILE, or --spec FILE with --upstream URL")
	}
	for _, a := range []string{s.Listen, s.Admin} {
		if _, _, err := net.SplitHostPort(a); err != nil && a != "" && a != "off" {
			return fmt.Errorf("%q is not HOST:PORT, such as 127.0.0.1:8080", a)
		}
	}
	return nil
}

// load reads the file where there is one, and lays the flags over it. The config is nil where one of the problems is an
// error.
func (s *source) load() (*config.Config, *config.Source, config.Problems) {
	c, src, problems := s.draft()
	if problems.Failed() {
		return nil, src, problems
	}
	return c, src, problems
}

// draft is load for whoever only looks: what is wrong in one place hides nothing in another.
func (s *source) draft() (*config.Config, *config.Source, config.Problems) {
	if s.Config == "" {
		return s.complete(&config.Config{Version: 1}, &config.Source{File: flagsOnly}, nil)
	}
	return s.complete(config.Draft(s.Config))
}

// drafted is draft for what may come to stand in the file.
func (s *source) drafted(text []byte) (*config.Config, *config.Source, config.Problems) {
	return s.complete(config.DraftText(s.Config, text))
}

// complete lays the flags and the defaults over what was read.
func (s *source) complete(c *config.Config, src *config.Source, problems config.Problems) (*config.Config, *config.Source, config.Problems) {
	if c == nil {
		return nil, src, problems
	}
	if p := confused(s.Config, problems); p != nil {
		return nil, src, p
	}
	if err := s.overlay(c); err != nil {
		return nil, src, append(problems, config.Problem{File: flagsOnly, Line: 1, Column: 1, Severity: config.Error, Rule: "flags", Message: err.Error()})
	}
	if len(c.Listen) == 0 {
		c.Listen = []config.Listener{{Address: "127.0.0.1:8080"}}
	}
	if c.Admin.Address == "" {
		c.Admin.Address = "127.0.0.1:9901"
	}
	if c.Store.Path == "" {
		c.Store.Path = "./data"
	}
	return c, src, problems
}

// confused says so where a spec was given as a config, in place of all that it is not; nil where it was none.
func confused(file string, problems config.Problems) config.Problems {
	for _, p := range problems {
		if p.Rule == "config.unknown_key" && (strings.HasPrefix(p.Message, "openapi is") || strings.HasPrefix(p.Message, "swagger is")) {
			p.Rule, p.Message = "config.is_spec", "this is an OpenAPI document, not a config"
			p.Hint = fmt.Sprintf("--spec %s --upstream URL, or sallyport init --spec %s writes a config for it", file, file)
			return config.Problems{p}
		}
	}
	return nil
}

func (s *source) overlay(c *config.Config) error {
	if s.Listen != "" {
		c.Listen = []config.Listener{{Address: s.Listen}}
	}
	if s.Admin != "" {
		c.Admin.Address = s.Admin
	}
	if s.Store != "" {
		c.Store.Path = s.Store
	}
	switch {
	case len(c.APIs) == 0 && s.Config != "": // reported
	case s.Config == "":
		c.APIs = []config.API{s.api()}
	case len(c.APIs) > 1 && (s.Spec != "" || s.Upstream != ""):
		return fmt.Errorf("--spec and --upstream cannot say which of the %d APIs of the config they mean", len(c.APIs))
	default:
		if s.Spec != "" {
			c.APIs[0].Spec = s.Spec
		}
		if s.Upstream != "" {
			c.APIs[0].Upstream.Targets = strings.Split(s.Upstream, ",")
		}
	}
	return nil
}

// api is what flags alone can say: without an identity nobody can be asked who they are, in words.
func (s *source) api() config.API {
	a := config.API{Name: "api", Spec: s.Spec, Modes: map[string]config.Mode{"identity": config.Off}}
	if s.Upstream != "" {
		a.Upstream.Targets = strings.Split(s.Upstream, ",")
	}
	if s.Spec == "" {
		a.Unknown = "inspect"
	}
	return a
}
