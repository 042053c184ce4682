package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
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
		report(s.err, problems)
		return errFindings
	}
	if len(doc.Operations) == 0 {
		return fmt.Errorf("%s has no operations: there is nothing to protect", c.Spec)
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
		report(s.err, problems)
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

// identityFacts is what the template says about one source of credentials.
type identityFacts struct {
	Name   string
	JWT    bool
	Header string // of an API key; "" where it is a parameter or a cookie
}

type initFacts struct {
	*initCmd
	Beside     string // the spec as seen from the folder of the config
	Title      string
	Operations string
	Identities []identityFacts
	Security   map[string]string // scheme → identity
	Open       []string          // operations that declare no security
	Known      bool              // every operation can be called by somebody who has an identity, or by everybody
	Unserved   []string          // schemes that no identity can serve
}

func (c *initCmd) facts(doc *openapi.Document) (initFacts, error) {
	beside, err := c.beside()
	if err != nil {
		return initFacts{}, err
	}
	f := initFacts{initCmd: c, Beside: beside, Title: strings.Join(strings.Fields(doc.Title), " "), Operations: operations(len(doc.Operations)), Security: map[string]string{}, Known: true}
	for _, name := range slices.Sorted(maps.Keys(doc.Schemes)) {
		f.add(doc.Schemes[name])
	}
	for _, op := range doc.Operations {
		f.Known = f.Known && f.serves(op)
		if !op.Declared && op.Ext.Anonymous == nil {
			f.Open = append(f.Open, op.Key)
		}
	}
	return f, nil
}

// add gives a scheme its identity. All schemes of tokens share one: two of the same issuer could not be told apart.
func (f *initFacts) add(s *openapi.SecurityScheme) {
	id := identityFacts{Name: strings.ToLower(unfit.ReplaceAllString(s.Name, "-"))}
	switch {
	case s.Type == "oauth2", s.Type == "openIdConnect", s.Type == "http" && s.Scheme == "bearer",
		s.Type == "apiKey" && s.In == "header" && strings.EqualFold(s.Param, "Authorization"): // as Swagger 2 said bearer
		id.JWT = true
	case s.Type == "apiKey" && s.In == "header":
		id.Header = s.Param
	case s.Type == "apiKey":
	default:
		f.Unserved = append(f.Unserved, s.Name)
		return
	}
	shared := slices.IndexFunc(f.Identities, func(other identityFacts) bool { return id.JWT && other.JWT })
	if shared >= 0 {
		f.Security[s.Name] = f.Identities[shared].Name
		return
	}
	for slices.ContainsFunc(f.Identities, func(other identityFacts) bool { return other.Name == id.Name }) {
		id.Name += "-" // names that differ by case only
	}
	f.Identities = append(f.Identities, id)
	f.Security[s.Name] = id.Name
}

// Refused names the schemes that are never accepted.
func (f initFacts) Refused() string { return strings.Join(f.Unserved, ", ") }

// serves reports whether some alternative of the operation's security asks for nothing that no identity can serve.
func (f *initFacts) serves(op *openapi.Operation) bool {
	unserved := func(s openapi.SchemeRef) bool { return f.Security[s.Name] == "" }
	return len(op.Security) == 0 || slices.ContainsFunc(op.Security, func(r openapi.Requirement) bool { return !slices.ContainsFunc(r.Schemes, unserved) })
}

// unfit is what the name of an identity may not have.
var unfit = regexp.MustCompile(`[^A-Za-z0-9_-]`)

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

var initTemplate = template.Must(template.New("config").Parse(`# Sallyport protects {{.Title}}: {{.Operations}}. Every key is described in docs/config.md.
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
{{if .Identities}}
identity:
{{- range .Identities}}
{{- if .JWT}}
  - name: {{.Name}}
    jwt:                      # say who issues your tokens
      issuer: https://idp.example/
      jwks: https://idp.example/.well-known/jwks.json
      audience: [{{$.Name}}]
      # roles: claims.roles   # where the token tells the caller's roles
{{- else}}
  - name: {{.Name}}  # sallyport keys create --subject NAME makes a key
    api_key: { {{- if .Header}} header: {{printf "%q" .Header}} {{end -}} }
{{- end}}
{{- end}}
{{end}}
apis:
  - name: {{.Name}}
    spec: {{printf "%q" .Beside}}
    upstream: {{.Upstream}}
    mode: enforce             # or monitor: record what would be refused, change nothing
{{- if .Identities}}
    security:                 # securitySchemes of the spec → identity above
{{- range $scheme, $identity := .Security}}
      {{printf "%q" $scheme}}: {{$identity}}
{{- end}}
{{- end}}
{{- if and .Identities .Known .Unserved}}
    # Nobody gets in by {{.Refused}}, which cannot be checked here.
{{- end}}
{{- if or (not .Identities) (not .Known)}}
    # No scheme of the spec, or not of every operation, can be checked here, so nobody is asked who they are:
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
