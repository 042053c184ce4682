// Command compile makes a JSON Schema of the classes of OCSF that we write, from a clone of github.com/ocsf/ocsf-schema
// (Apache-2.0) whose tag is checked out:
//
//	git clone --branch 1.8.0 https://github.com/ocsf/ocsf-schema
//	go run ./event/encode/testdata/ocsf/compile.go ocsf-schema > event/encode/testdata/ocsf/schema.json
//
// It keeps attributes, requirements, types with their patterns and ranges, enumerations and constraints. Attributes whose object is not
// listed below are left out, and so refused: what we begin to write has to be listed. Of profiles it knows security_control.
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

var classes = map[string]string{"2004": "events/findings/detection_finding", "2006": "events/findings/data_security_finding", "3002": "events/iam/authentication", "4002": "events/network/http_activity", "6003": "events/application/api_activity"}

var objects = []string{"metadata", "product", "actor", "user", "group", "idp", "service", "api", "request", "http_request", "url", "http_response", "network_endpoint", "finding_info", "analytic", "evidences", "policy", "object"}

type source struct {
	Name        string
	UID         int
	Extends     string
	Attributes  map[string]json.RawMessage
	Constraints map[string][]string
	Category    string
}

type attribute struct {
	Type        string
	IsArray     *bool `json:"is_array"`
	Requirement string
	Profile     json.RawMessage
	Enum        map[string]any
}

var (
	root       string
	dictionary struct {
		Attributes map[string]attribute
		Types      struct {
			Attributes map[string]struct {
				Type   string
				Regex  string
				MaxLen int `json:"max_len"`
				Range  []int
				Values []any
			}
		}
	}
	categories struct{ Attributes map[string]struct{ UID int } }
)

func main() {
	root = os.Args[1]
	read("dictionary", &dictionary)
	read("categories", &categories)
	var version struct{ Version string }
	read("version", &version)
	defs := map[string]any{}
	for _, o := range objects {
		if o == "object" {
			defs[o] = map[string]any{"type": "object"}
			continue
		}
		s, attributes := load("objects/" + o)
		defs[o] = schema(s, attributes, 0)
	}
	for uid, path := range classes {
		s, attributes := load(path)
		category := categories.Attributes[s.Category].UID
		n, err := strconv.Atoi(uid)
		if err != nil || category*1000+s.UID != n {
			log.Fatalf("%s is %d%03d", path, category, s.UID)
		}
		defs[uid] = schema(s, attributes, n)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	out.SetEscapeHTML(false)
	if err := out.Encode(map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "$comment": "OCSF " + version.Version + ", github.com/ocsf/ocsf-schema, Apache-2.0; made by compile.go", "$defs": defs}); err != nil {
		log.Fatal(err)
	}
}

func read(path string, into any) {
	data, err := os.ReadFile(filepath.Join(root, path+".json"))
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		log.Fatal(path, ": ", err)
	}
}

// load follows what is extended and included; what is nearer wins, attribute by attribute.
func load(path string) (source, map[string]attribute) {
	var s source
	read(path, &s)
	all := map[string]attribute{}
	if s.Extends != "" {
		parent, inherited := load(find(path, s.Extends))
		all = inherited
		if s.Category == "" {
			s.Category = parent.Category
		}
		if s.Constraints == nil {
			s.Constraints = parent.Constraints
		}
	}
	var includes []string
	if raw, ok := s.Attributes["$include"]; ok {
		var one string
		if json.Unmarshal(raw, &includes) != nil && json.Unmarshal(raw, &one) == nil {
			includes = []string{one}
		}
	}
	for _, include := range includes {
		if name := strings.TrimSuffix(filepath.Base(include), ".json"); name == "security_control" {
			var p source
			read(strings.TrimSuffix(include, ".json"), &p)
			merge(all, p.Attributes)
		}
	}
	merge(all, s.Attributes)
	return s, all
}

func find(from, name string) string {
	if strings.HasPrefix(from, "objects/") {
		return "objects/" + name
	}
	found, _ := filepath.Glob(filepath.Join(root, "events", "*", name+".json"))
	if len(found) == 0 {
		return "events/" + name
	}
	path, err := filepath.Rel(root, strings.TrimSuffix(found[0], ".json"))
	if err != nil {
		log.Fatal(err)
	}
	return path
}

func merge(all map[string]attribute, more map[string]json.RawMessage) {
	for name, raw := range more {
		if strings.HasPrefix(name, "$") {
			continue
		}
		was := all[name]
		enum := was.Enum
		was.Enum = nil
		if err := json.Unmarshal(raw, &was); err != nil {
			log.Fatal(name, ": ", err)
		}
		for k, v := range enum { // of parents, too
			if was.Enum == nil {
				was.Enum = map[string]any{}
			}
			if _, ok := was.Enum[k]; !ok {
				was.Enum[k] = v
			}
		}
		all[name] = was
	}
}

func schema(s source, attributes map[string]attribute, class int) map[string]any {
	properties, required := map[string]any{}, []string{}
	for name, a := range attributes {
		var profile string
		if json.Unmarshal(a.Profile, &profile) == nil && profile != "" && profile != "security_control" {
			continue
		}
		d := dictionary.Attributes[name]
		if a.Type == "" {
			a.Type = d.Type
		}
		if a.IsArray == nil {
			a.IsArray = d.IsArray
		}
		if enum := d.Enum; len(a.Enum)+len(enum) > 0 {
			if a.Enum == nil {
				a.Enum = map[string]any{}
			}
			for k, v := range enum {
				a.Enum[k] = v
			}
		}
		p := property(name, a)
		if p == nil {
			if a.Requirement == "required" {
				log.Fatalf("%s of %s is required, and its object %s is not listed", name, s.Name, a.Type)
			}
			continue
		}
		if properties[name] = p; a.Requirement == "required" {
			required = append(required, name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if class > 0 {
		properties["class_uid"], properties["category_uid"] = map[string]any{"const": class}, map[string]any{"const": class / 1000}
		var types []int
		for _, id := range values(attributes["activity_id"].Enum, true) {
			types = append(types, class*100+id.(int))
		}
		properties["type_uid"] = map[string]any{"enum": types}
	}
	if len(required) > 0 {
		out["required"] = sorted(required)
	}
	for kind, names := range s.Constraints {
		var one []any
		for _, n := range names {
			one = append(one, map[string]any{"required": []string{n}})
		}
		out[map[string]string{"at_least_one": "anyOf", "just_one": "oneOf"}[kind]] = one
	}
	return out
}

func property(name string, a attribute) map[string]any {
	var p map[string]any
	if t, ok := dictionary.Types.Attributes[a.Type]; ok {
		p = basic(a.Type)
		for t.Type != "" {
			for k, v := range basic(t.Type) {
				p[k] = v
			}
			if t.Regex != "" && strings.HasSuffix(a.Type, "_t") {
				p["pattern"] = t.Regex
			}
			if t.MaxLen > 0 {
				p["maxLength"] = t.MaxLen
			}
			if len(t.Range) == 2 {
				p["minimum"], p["maximum"] = t.Range[0], t.Range[1]
			}
			t = dictionary.Types.Attributes[t.Type]
		}
		if len(a.Enum) > 0 && (p["type"] == "integer" || strings.HasSuffix(name, "_id") || name == "http_method") {
			p["enum"] = values(a.Enum, p["type"] == "integer")
		}
	} else {
		for _, o := range objects {
			if o == a.Type {
				p = map[string]any{"$ref": "#/$defs/" + o}
			}
		}
	}
	if p != nil && a.IsArray != nil && *a.IsArray {
		return map[string]any{"type": "array", "items": p}
	}
	return p
}

func basic(t string) map[string]any {
	switch t {
	case "string_t":
		return map[string]any{"type": "string"}
	case "integer_t", "long_t":
		return map[string]any{"type": "integer"}
	case "float_t":
		return map[string]any{"type": "number"}
	case "boolean_t":
		return map[string]any{"type": "boolean"}
	}
	return map[string]any{}
}

func values(enum map[string]any, integers bool) (list []any) {
	var keys []string
	for k := range enum {
		keys = append(keys, k)
	}
	for _, k := range sorted(keys) {
		if n, err := strconv.Atoi(k); integers && err == nil {
			list = append(list, n)
			continue
		}
		list = append(list, k)
	}
	return list
}

func sorted(list []string) []string {
	for i := range list {
		for j := i; j > 0 && list[j] < list[j-1]; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return list
}
