package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/openapi"
)

type initCmd struct {
	Spec     string `short:"s" required:"" help:"OpenAPI document, 3.0 to 3.2." placeholder:"FILE"`
	Upstream string `short:"u" default:"http://127.0.0.1:9000" help:"URL of the protected API." placeholder:"URL"`
	Name     string `default:"api" help:"Name of the API in logs and metrics."`
	Out      string `default:"sallyport.yaml" help:"File to write, or - for standard output." placeholder:"FILE"`
	Force    bool   `help:"Overwrite an existing file."`
}

// Run writes the config.
func (c *initCmd) Run(s *streams) error {
	doc, problems := openapi.Load(c.Spec, openapi.Options{})
	if doc == nil {
		fmt.Fprintln(s.err, problems.Error())
		return errFindings
	}
	facts, err := c.facts(doc)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := initTemplate.Execute(&b, facts); err != nil {
		return err
	}
	if _, _, problems := config.Parse(c.Out, b.Bytes()); problems.Failed() { // by --upstream or --name
		fmt.Fprintln(s.err, problems.Error())
		return errFindings
	}
	if c.Out == "-" {
		_, err := io.Copy(s.out, &b)
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if c.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(c.Out, flags, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists: --force overwrites it, --out names another file", c.Out)
	}
	if err != nil {
		return err
	}
	if _, err := b.WriteTo(f); err != nil {
		return errors.Join(err, f.Close())
	}
	fmt.Fprintf(s.err, "wrote %s for %s\nnext: sallyport check --config %s, then sallyport run --config %s\n", c.Out, operations(len(doc.Operations)), c.Out, c.Out)
	return f.Close()
}

// schemeFacts is what the template says about one security scheme.
type schemeFacts struct {
	Name, Identity string
	JWT, Key       bool
	Header         string
}

type initFacts struct {
	*initCmd
	Beside     string // the spec as seen from the folder of the config
	Title      string
	Operations int
	Schemes    []schemeFacts
	Open       []string // operations that declare no security
	Known      bool     // every scheme has an identity that can serve it
}

func (c *initCmd) facts(doc *openapi.Document) (initFacts, error) {
	beside, err := c.beside()
	if err != nil {
		return initFacts{}, err
	}
	f := initFacts{initCmd: c, Beside: beside, Title: strings.ReplaceAll(doc.Title, "\n", " "), Operations: len(doc.Operations), Known: true}
	for _, scheme := range doc.Schemes {
		s := schemeFacts{Name: scheme.Name, Identity: strings.ToLower(scheme.Name)}
		switch {
		case scheme.Type == "oauth2", scheme.Type == "openIdConnect", scheme.Type == "http" && scheme.Scheme == "bearer":
			s.JWT = true
		case scheme.Type == "apiKey":
			s.Key, s.Header = true, scheme.Param
		default:
			f.Known = false
			continue
		}
		f.Schemes = append(f.Schemes, s)
	}
	slices.SortFunc(f.Schemes, func(a, b schemeFacts) int { return strings.Compare(a.Name, b.Name) })
	for _, op := range doc.Operations {
		if !op.Declared && op.Ext.Anonymous == nil {
			f.Open = append(f.Open, op.Key)
		}
	}
	return f, nil
}

// beside is the spec's path from the folder of the config, which is how the config is read.
func (c *initCmd) beside() (string, error) {
	if c.Out == "-" || filepath.IsAbs(c.Spec) {
		return c.Spec, nil
	}
	folder, err := filepath.Abs(filepath.Dir(c.Out))
	if err != nil {
		return "", err
	}
	spec, err := filepath.Abs(c.Spec)
	if err != nil {
		return "", err
	}
	return filepath.Rel(folder, spec)
}

var initTemplate = template.Must(template.New("config").Parse(`# Sallyport protects {{.Title}}: {{.Operations}} operations. Every key is described in docs/config.md.
# Check it with: sallyport check --config {{.Out}}
version: 1

listen:
  - address: 127.0.0.1:8080
    # Plain HTTP is accepted on loopback only. For anything else:
    # tls: { cert: cert.pem, key: key.pem }

admin:
  address: 127.0.0.1:9901     # health, metrics and the admin API; loopback only without TLS

store:
  path: ./data                # API keys, and refusals for: sallyport explain ID
{{if .Schemes}}
identity:
{{- range .Schemes}}
{{- if .JWT}}
  - name: {{.Identity}}
    jwt:                      # say who issues your tokens
      issuer: https://idp.example/
      jwks: https://idp.example/.well-known/jwks.json
      audience: [{{$.Name}}]
      # roles: claims.roles   # where the token tells the caller's roles
{{- else}}
  - name: {{.Identity}}
    api_key:                  # sallyport keys create --subject NAME makes one
      header: {{.Header}}
{{- end}}
{{- end}}
{{end}}
apis:
  - name: {{.Name}}
    spec: {{printf "%q" .Beside}}
    upstream: {{.Upstream}}
    mode: enforce             # or monitor: record what would be refused, change nothing
{{- if .Schemes}}
    security:                 # securitySchemes of the spec → identity above
{{- range .Schemes}}
      {{.Name}}: {{.Identity}}
{{- end}}
{{- end}}
{{- if or (not .Schemes) (not .Known)}}
    # The spec has no security scheme that can be checked here, so nobody is asked who they are:
    modes: { identity: off }
{{- end}}
    rate: { limit: 600, per: 1m, by: principal }
    # modes: { validate.response: monitor }
{{- if .Open}}
    operations:               # these declare no security; say so, or add security to the spec
{{- range .Open}}
      {{printf "%q" .}}: { anonymous: true }
{{- end}}
{{- end}}
    # What OpenAPI cannot say is said in x-sallyport in the spec, or here:
    # operations:
    #   "GET /orders/{id}":
    #     owner: { response.customerId: principal.subject }   # object-level authorization
    #     roles: [customer]
`))
