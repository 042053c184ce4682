package config

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const withSecrets = `# the token below is of the demo
admin:
  token: s3cret-token # rotate
  hosts: [ a ]
apis:
  - { name: shop, upstream: "http://x" }
`

func TestMask(t *testing.T) {
	masked, err := Mask([]byte(withSecrets))
	want := strings.Replace(withSecrets, "s3cret-token", `"(secret of admin.token)"`, 1)
	if err != nil || string(masked) != want {
		t.Errorf("%v\n%s", err, masked)
	}
	back, err := Unmask(masked, []byte(withSecrets))
	if err != nil || string(back) != withSecrets {
		t.Errorf("%v\n%s", err, back)
	}
	for text, shown := range map[string]string{
		"admin: { token: 's3\u2028cret ''x''' }": `admin: { token: "(secret of admin.token)" }`,
		"admin: { token: \"${TOKEN}\" }":         "admin: { token: \"${TOKEN}\" }",
		"admin:\n  token: ${TOKEN}":              "admin:\n  token: ${TOKEN}",
		"admin: { token: file:token }":           "admin: { token: file:token }",
		"admin: { token: }":                      "admin: { token: }",
		"admin: { token: \"x${TOKEN}\" }":        `admin: { token: "(secret of admin.token)" }`,
		"admin: { tokem: s3cret }":               `admin: { tokem: "(secret of admin.tokem)" }`, // misspelled, and a secret all the same
		"admin: { token: [ s3cret ] }":           `admin: { token: [ "(secret of admin.token[0])" ] }`,
		"admin: { token: { a: s3cret } }":        `admin: { token: { a: "(secret of admin.token.a)" } }`,
		"admin: { token: 12345 }":                `admin: { token: "(secret of admin.token)" }`,
	} {
		if got, err := Mask([]byte(text)); err != nil || string(got) != shown {
			t.Errorf("%s: %v %s", text, err, got)
		}
	}
	// What cannot be replaced is not shown at all.
	for _, text := range []string{"admin:\n  token: |\n    s3cret\n", "admin: { token: \"s3\n  cret\" }", "admin:\n  token: s3\n    cret\n", "admin: {", "admin:\n  token: &a s3cret\n"} {
		if got, err := Mask([]byte(text)); err == nil {
			t.Errorf("%s", got)
		}
	}
}

// A place moves with its surroundings, and to nowhere else: what is written elsewhere is shown.
func TestUnmask(t *testing.T) {
	current := []byte(withSecrets)
	for text, want := range map[string]string{
		"log: { access: off }\nadmin: { token: \"(secret of admin.token)\" }": "log: { access: off }\nadmin: { token: s3cret-token }",
		"admin: { token: new }":                             "admin: { token: new }",
		"apis: [ { name: \"(secret of admin.token)\" } ]":   "apis: [ { name: \"(secret of admin.token)\" } ]",
		"admin: { hosts: [ \"(secret of admin.token)\" ] }": "admin: { hosts: [ \"(secret of admin.token)\" ] }",
		"not: [ YAML": "not: [ YAML",
	} {
		if got, err := Unmask([]byte(text), current); err != nil || string(got) != want {
			t.Errorf("%s: %v %s", text, err, got)
		}
	}
	for _, text := range []string{
		"admin: { token: \"(secret of admin.other)\" }",
		"admin: { other: \"(secret of admin.token)\" }",
		"admin: { token: \"(secret of )\" }",
	} {
		if got, err := Unmask([]byte(text), current); err == nil || strings.Contains(string(got)+err.Error(), "s3cret") {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
}

// Whoever adds a setting that may be a secret says so.
func TestSecretsAreTagged(t *testing.T) {
	suspicious := regexp.MustCompile(`token|secret|password|passphrase|routing|hmac|^key$|credential|dsn`)
	harmless := map[string]string{
		"Upstream.Key": "a file", "Certificate.Key": "a file", "TLS.Key": "a file", "ClientTLS.Key": "a file", "Inspect.Secrets": "a word", "Silence.Key": "what an alert is about", "AuditWitness.Key": "a public key", "KMS.Key": "a name",
	}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			name := typ.Name() + "." + f.Name
			if f.Type.Kind() == reflect.String && suspicious.MatchString(f.Tag.Get("yaml")) && f.Tag.Get("secret") == "" && harmless[name] == "" {
				t.Errorf("%s may be a secret: tag it, or say here what it is", name)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Config]())
}
