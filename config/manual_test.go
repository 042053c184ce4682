package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

var update = flag.Bool("update", false, "write generated files again")

// The manual and the JSON Schema are made from the structs and their comments; this test keeps them true.
func TestManualAndSchemaAreCurrent(t *testing.T) {
	comments := fieldComments(t)
	golden(t, "../docs/config.md", manual(comments))
	golden(t, "../docs/sallyport.schema.json", jsonSchema(t, comments))
}

func golden(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the structs of package config say (%v): make golden", path, err)
	}
}

// fieldComments maps "Type.Field" and "Type" to their comments.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, file := range []string{"config.go", "store.go", "audit.go", "admin.go", "tls.go", "limits.go", "api.go", "abuse.go", "lists.go", "bots.go", "events.go", "types.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			d, ok := n.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				return true
			}
			for _, s := range d.Specs {
				ts := s.(*ast.TypeSpec)
				out[ts.Name.Name] = strings.TrimSpace(d.Doc.Text())
				if st, ok := ts.Type.(*ast.StructType); ok {
					for _, field := range st.Fields.List {
						if field.Doc.Text() == "" {
							t.Errorf("%s.%s has no comment: it is the manual", ts.Name.Name, field.Names[0].Name)
						}
						out[ts.Name.Name+"."+field.Names[0].Name] = strings.TrimSpace(strings.ReplaceAll(field.Doc.Text(), "\n", " "))
					}
				}
			}
			return true
		})
	}
	return out
}

func manual(comments map[string]string) []byte {
	var b bytes.Buffer
	b.WriteString("# The config\n\nGenerated from the comments in package `config` by `make golden`. One YAML file, strict: unknown keys are errors, all problems\ncome at once with file:line:column. `${NAME}` in a value is replaced by the environment; `file:PATH` reads a secret from a file.\nRelative paths start in the folder of the config file. A flag wins over the environment (`SALLYPORT_*`), that over the file, that over the default.\n`# yaml-language-server: $schema=docs/sallyport.schema.json` in the first line completes keys in editors.\n")
	seen := map[reflect.Type]bool{}
	var section func(t reflect.Type, title string)
	section = func(t reflect.Type, title string) {
		if seen[t] {
			return
		}
		seen[t] = true
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| key | type | meaning |\n|---|---|---|\n", title, comments[t.Name()])
		var below []reflect.Type
		for i := range t.NumField() {
			f := t.Field(i)
			name, inner := typeName(f)
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Tag.Get("yaml"), name, strings.ReplaceAll(comments[t.Name()+"."+f.Name], "|", "\\|"))
			if inner != nil {
				below = append(below, inner)
			}
		}
		for _, s := range below {
			section(s, s.Name())
		}
	}
	section(reflect.TypeFor[config.Config](), "The file")
	return b.Bytes()
}

// typeName is what a reader sees of a field's type, and the struct below it.
func typeName(f reflect.StructField) (string, reflect.Type) {
	if enum := f.Tag.Get("enum"); enum != "" {
		return "`" + strings.ReplaceAll(enum, ",", "`, `") + "`", nil
	}
	t, prefix := f.Type, ""
	for {
		switch t.Kind() {
		case reflect.Pointer:
			t = t.Elem()
			continue
		case reflect.Slice:
			prefix += "list of "
			t = t.Elem()
			continue
		case reflect.Map:
			prefix += "map to "
			t = t.Elem()
			continue
		}
		break
	}
	switch t {
	case reflect.TypeFor[config.Duration]():
		return prefix + "duration", nil
	case reflect.TypeFor[config.Size]():
		return prefix + "size", nil
	case reflect.TypeFor[config.Amount]():
		return prefix + "amount", nil
	case reflect.TypeFor[config.Mode]():
		return prefix + "mode", nil
	}
	if t.Kind() == reflect.Struct {
		return fmt.Sprintf("%s[%s](#%s)", prefix, t.Name(), strings.ToLower(t.Name())), t
	}
	return prefix + map[reflect.Kind]string{reflect.String: "text", reflect.Int: "number", reflect.Bool: "true or false"}[t.Kind()], nil
}

func jsonSchema(t *testing.T, comments map[string]string) []byte {
	t.Helper()
	defs := map[string]any{}
	root := schemaOf(reflect.TypeFor[config.Config](), "", defs, comments)
	doc := map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Sallyport config", "$defs": defs}
	for k, v := range root {
		doc[k] = v
	}
	data, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

func schemaOf(t reflect.Type, enum string, defs map[string]any, comments map[string]string) map[string]any {
	switch t {
	case reflect.TypeFor[config.Duration]():
		return map[string]any{"type": "string", "pattern": `^([0-9.]+(ns|us|ms|s|m|h))+$|^[0-9.]+d$|^0$`}
	case reflect.TypeFor[config.Size]():
		return map[string]any{"type": []string{"string", "integer"}, "pattern": `^[0-9]+ ?(KiB|MiB|GiB|kB|KB|MB|GB|B)?$`}
	case reflect.TypeFor[config.Amount]():
		return map[string]any{"type": []string{"string", "number"}, "pattern": `^[0-9]+([.][0-9]{1,6})?$`}
	case reflect.TypeFor[config.Mode]():
		return map[string]any{"enum": []string{"off", "monitor", "enforce"}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), enum, defs, comments)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), "", defs, comments)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem(), "", defs, comments)}
	case reflect.Struct:
		return structSchema(t, defs, comments)
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	}
	if enum != "" {
		return map[string]any{"enum": strings.Split(enum, ",")}
	}
	return map[string]any{"type": "string"}
}

func structSchema(t reflect.Type, defs map[string]any, comments map[string]string) map[string]any {
	ref := map[string]any{"$ref": "#/$defs/" + t.Name()}
	if _, known := defs[t.Name()]; !known {
		properties := map[string]any{}
		defs[t.Name()] = map[string]any{"type": "object", "additionalProperties": false, "description": comments[t.Name()], "properties": properties}
		for i := range t.NumField() {
			f := t.Field(i)
			s := schemaOf(f.Type, f.Tag.Get("enum"), defs, comments)
			s["description"] = comments[t.Name()+"."+f.Name]
			properties[f.Tag.Get("yaml")] = s
		}
	}
	if t == reflect.TypeFor[config.Upstream]() {
		return map[string]any{"anyOf": []any{map[string]any{"type": "string"}, map[string]any{"type": "array", "items": map[string]any{"type": "string"}}, ref}}
	}
	if t == reflect.TypeFor[config.Audit]() {
		return map[string]any{"anyOf": []any{map[string]any{"const": "off"}, ref}}
	}
	return ref
}
