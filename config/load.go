package config

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"reflect"

	"github.com/goccy/go-yaml/token"
)

// Load reads, decodes and checks a file. The config is nil where one of the problems is an error.
func Load(file string) (*Config, *Source, Problems) { return sound(Draft(file)) }

// Draft is [Load] for whoever only looks for problems: the config is there also where some are errors, without what they
// keep from being read. It is nil only where nothing could be read at all.
func Draft(file string) (*Config, *Source, Problems) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, &Source{File: file}, Problems{{File: file, Line: 1, Column: 1, Severity: Error, Rule: "config.unreadable", Message: "cannot read the config: " + cause(err), Hint: "sallyport init --spec openapi.yaml writes one"}}
	}
	return DraftText(file, data)
}

// DraftText is [Draft] of what may come to stand in the file.
func DraftText(file string, data []byte) (*Config, *Source, Problems) {
	c, src, problems := draft(file, data)
	if c != nil {
		c.from(filepath.Dir(file))
	}
	return c, src, problems
}

// Parse decodes and checks data; file is for messages only, and relative paths stay as they are. ${NAME} in a value is replaced by the environment.
func Parse(file string, data []byte) (*Config, *Source, Problems) { return sound(draft(file, data)) }

// sound withholds a config that must not be used.
func sound(c *Config, src *Source, problems Problems) (*Config, *Source, Problems) {
	if problems.Failed() {
		return nil, src, problems
	}
	return c, src, problems
}

func draft(file string, data []byte) (*Config, *Source, Problems) {
	src := &Source{File: file, Sum: sha256.Sum256(data), at: map[string]position{}}
	d := decoder{source: src, env: os.LookupEnv}
	if len(data) > MaxFile {
		return nil, src, Problems{src.Problem("", "config.too_large", "the config is larger than 4 MiB", "")}
	}
	tree, err := ParseYAML(data)
	if err != nil {
		return nil, src, Problems{syntaxProblem(file, err)}
	}
	c := &Config{}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return nil, src, Problems{src.Problem("", "config.empty", "the config must be one YAML document with content", "sallyport init --spec openapi.yaml writes one")}
	}
	d.value(tree.Docs[0].Body, reflect.ValueOf(c).Elem(), "")
	problems := append(d.problems, check(c, src)...)
	problems.Sort()
	return c, src, problems
}

func syntaxProblem(file string, err error) Problem {
	p := Problem{File: file, Line: 1, Column: 1, Severity: Error, Rule: "config.syntax", Message: "not valid YAML: " + firstLine(err.Error())}
	var at interface{ GetToken() *token.Token }
	if errors.As(err, &at) && at.GetToken() != nil {
		p.Line, p.Column = at.GetToken().Position.Line, at.GetToken().Position.Column
	}
	var msg interface{ GetMessage() string }
	if errors.As(err, &msg) {
		p.Message = "not valid YAML: " + msg.GetMessage()
	}
	return p
}
