package lab

import (
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema compiles the schema at a place of the document.
func (d *document) schema(pointer string) (*jsonschema.Schema, error) {
	return d.compiler.Compile("https://lab.example/openapi.json" + pointer)
}

// accepts checks a value against the schema at a pointer, a reference to a component included.
func (d *document) accepts(pointer string, value any) error {
	s, err := d.schema(pointer)
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// undeclared names the members of a request body that no schema declares. Objects that name properties are closed.
func (d *document) undeclared(schema any, value any, at string) (found []string) {
	s := d.resolve(schema)
	switch value := value.(type) {
	case map[string]any:
		known := map[string]any{}
		for _, part := range slices.Concat([]any{any(s)}, asList(s["allOf"]), asList(s["oneOf"])) {
			for name, p := range asMap(d.resolve(part)["properties"]) {
				known[name] = p
			}
		}
		if len(known) == 0 || s["additionalProperties"] == true {
			return nil
		}
		for name, member := range value {
			if known[name] == nil {
				found = append(found, at+"/"+name)
				continue
			}
			found = append(found, d.undeclared(known[name], member, at+"/"+name)...)
		}
	case []any:
		for i, e := range value {
			found = append(found, d.undeclared(s["items"], e, fmt.Sprintf("%s/%d", at, i))...)
		}
	}
	return found
}

// checkRequest says what of a recorded request the spec does not allow.
func (d *document) checkRequest(op *operation, r Request) error {
	path, query, _ := strings.Cut(r.Path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	for i, name := range regexp.MustCompile(`\{([^}]*)\}`).FindAllStringSubmatch(op.template, -1) {
		values["path."+name[1]] = []string{op.path.FindStringSubmatch(path)[i+1]}
	}
	for _, p := range op.params {
		key := p["name"].(string)
		if p["in"] == "path" {
			key = "path." + key
		}
		got, ok := values[key]
		delete(values, key)
		if p["in"] == "header" {
			got, ok = []string{r.Header[p["name"].(string)]}, r.Header[p["name"].(string)] != ""
		}
		if !ok {
			if p["required"] == true {
				return fmt.Errorf("parameter %s is missing", key)
			}
			continue
		}
		if err := d.checkParam(p, got); err != nil {
			return fmt.Errorf("parameter %s: %w", key, err)
		}
	}
	if len(values) > 0 {
		return fmt.Errorf("undeclared parameters %v", values)
	}
	return d.checkBody(op, r)
}

func (d *document) checkParam(p map[string]any, got []string) error {
	s := d.resolve(p["schema"])
	var value any
	switch s["type"] {
	case "integer":
		var n float64
		if _, err := fmt.Sscanf(got[0], "%g", &n); err != nil {
			return err
		}
		value = n
	case "boolean":
		value = got[0] == "true"
	case "array":
		if p["explode"] == false {
			got = strings.Split(got[0], ",")
		}
		list := []any{}
		for _, g := range got {
			list = append(list, g)
		}
		value = list
	default:
		value = got[0]
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	whole := map[string]any{"components": d.root["components"], "allOf": []any{p["schema"]}}
	if err := c.AddResource("https://lab.example/p.json", whole); err != nil {
		return err
	}
	compiled, err := c.Compile("https://lab.example/p.json")
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}

func (d *document) checkBody(op *operation, r Request) error {
	content := asMap(d.resolve(op.node["requestBody"])["content"])
	if len(content) == 0 {
		if r.Body != "" || r.Binary != nil {
			return fmt.Errorf("no body is declared")
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(r.Header["Content-Type"])
	if err != nil {
		return err
	}
	if content[media] == nil {
		return fmt.Errorf("media type %s is not declared", media)
	}
	if !strings.HasSuffix(media, "json") {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(r.Body))
	if err != nil {
		return err
	}
	if names := d.undeclared(asMap(content[media])["schema"], value, ""); len(names) > 0 {
		return fmt.Errorf("undeclared members %v", names)
	}
	return d.accepts(op.pointer+"/requestBody/content/"+strings.ReplaceAll(media, "/", "~1")+"/schema", value)
}

// checkResponse says what of an answer the spec does not allow.
func (d *document) checkResponse(op *operation, got *answer) error {
	responses := asMap(op.node["responses"])
	status := fmt.Sprint(got.status)
	pointer := op.pointer + "/responses/" + status
	if responses[status] == nil {
		if got.status < 400 {
			return fmt.Errorf("status %s is not declared", status)
		}
		status, pointer = "default", op.pointer+"/responses/default"
	}
	if ref, ok := asMap(responses[status])["$ref"].(string); ok {
		pointer = ref
	}
	content := asMap(d.resolve(responses[status])["content"])
	if len(content) == 0 {
		if len(got.body) > 0 {
			return fmt.Errorf("a body, and none is declared for %s", status)
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	if err != nil {
		return err
	}
	declared, ok := content[media]
	if !ok {
		return fmt.Errorf("media type %s is not declared for %s", media, status)
	}
	if asMap(declared)["schema"] == nil || !strings.HasSuffix(media, "json") {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(got.body)))
	if err != nil {
		return err
	}
	return d.accepts(pointer+"/content/"+strings.ReplaceAll(media, "/", "~1")+"/schema", value)
}

// TestValidatorRefuses keeps the other tests honest: what they call fitting would be refused if it were not.
func TestValidatorRefuses(t *testing.T) {
	d := readSpec(t)
	requests := map[string]Request{
		"a page too long":         {Method: "GET", Path: "/v1/products?limit=101"},
		"a parameter too many":    {Method: "GET", Path: "/v1/products?view=full"},
		"a path that is no id":    {Method: "GET", Path: "/v1/orders/1"},
		"a value out of its enum": {Method: "GET", Path: "/v1/orders?status=lost"},
		"a missing parameter":     {Method: "GET", Path: "/v1/search"},
		"a member too many":       {Method: "POST", Path: "/v1/orders", Body: `{"items":[{"productId":"prd_00000000","quantity":1,"unitPrice":1}]}`},
		"a member too few":        {Method: "POST", Path: "/v1/orders", Body: `{"items":[{"quantity":1}]}`},
		"a negative number":       {Method: "POST", Path: "/v1/orders", Body: `{"items":[{"productId":"prd_00000000","quantity":-1}]}`},
	}
	for name, r := range requests {
		path, _, _ := strings.Cut(r.Path, "?")
		r.Header = map[string]string{"Content-Type": "application/json"}
		if d.checkRequest(d.match(r.Method, path), r) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	answers := map[string]*answer{
		"a member too few":           {status: 200, body: []byte(`{"status":"open"}`)},
		"a status that is not known": {status: 201, body: []byte(`{"status":"open","version":"1"}`)},
		"an empty object":            {status: 404, body: []byte(`{}`)},
	}
	for name, a := range answers {
		a.header = map[string][]string{"Content-Type": {"application/json"}}
		if d.checkResponse(d.match("GET", "/v1/status"), a) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
