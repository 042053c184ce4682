package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSetMode(t *testing.T) {
	const head = "version: 1 # one\napis:\n"
	for name, c := range map[string]struct{ s, before, after string }{
		"there":              {"shop validate enforce", "- name: shop\n  modes:\n    validate: monitor # watch\n    inspect: off\n", "- name: shop\n  modes:\n    validate: enforce # watch\n    inspect: off\n"},
		"there, in brackets": {"shop validate off", "- { name: shop, modes: { inspect: off, validate: 'monitor' } } # ö\n", "- { name: shop, modes: { inspect: off, validate: off } } # ö\n"},
		"another guard":      {"shop validate.body off", "- name: shop\n  modes:\n    # why\n    inspect: off # so\n    limit: monitor\n", "- name: shop\n  modes:\n    # why\n    inspect: off # so\n    validate.body: off\n    limit: monitor\n"},
		"into brackets":      {"shop inspect off", "- name: shop\n  modes: { limit: off }\n", "- name: shop\n  modes: { inspect: off, limit: off }\n"},
		"into none":          {"shop inspect off", "- name: shop\n  modes: {}\n", "- name: shop\n  modes: { inspect: off }\n"},
		"no modes yet":       {"shop inspect off", "- name: shop # the shop\n  spec: x.yaml\n", "- name: shop # the shop\n  modes: { inspect: off }\n  spec: x.yaml\n"},
		"an empty key":       {"shop inspect off", "- name: shop\n  modes:\n  spec: x.yaml\n", "- name: shop\n  modes: { inspect: off }\n  spec: x.yaml\n"},
		"null":               {"shop inspect off", "- name: shop\n  modes: ~ # none\n  spec: x.yaml\n", "- name: shop\n  modes: { inspect: off } # none\n  spec: x.yaml\n"},
		"no end of line":     {"shop inspect off", "- name: shop", "- name: shop\n  modes: { inspect: off }\n"},
		"other line ends":    {"shop inspect off", "- name: shop\r\n  spec: x\r\n", "- name: shop\r\n  modes: { inspect: off }\r\n  spec: x\r\n"},
		"a long first entry": {"shop inspect off", "- rate:\n    limit: 1\n  name: shop\n", "- modes: { inspect: off }\n  rate:\n    limit: 1\n  name: shop\n"},
		"the second API":     {"b limit off", "- name: a\n  modes: { limit: monitor }\n- name: \"b\"\n  modes: { limit: monitor }\n", "- name: a\n  modes: { limit: monitor }\n- name: \"b\"\n  modes: { limit: off }\n"},
		"operation":          {"shop inspect off GET /ö/{id}", "- name: shop\n  operations:\n    GET /a: { cost: 2 }\n", "- name: shop\n  operations:\n    \"GET /ö/{id}\": { modes: { inspect: off } }\n    GET /a: { cost: 2 }\n"},
		"known operation":    {"shop inspect off GET /a", "- name: shop\n  operations:\n    \"GET /a\":\n      cost: 2\n", "- name: shop\n  operations:\n    \"GET /a\":\n      cost: 2\n      modes: { inspect: off }\n"},
		"first operation":    {"shop inspect off GET /a", "- name: shop\n", "- name: shop\n  operations: { \"GET /a\": { modes: { inspect: off } } }\n"},
	} {
		words := strings.SplitN(c.s, " ", 4)
		s := Switch{API: words[0], Guard: words[1], Mode: Mode(words[2])}
		if len(words) > 3 {
			s.Operation = words[3]
		}
		got, err := SetMode([]byte(head+c.before), s)
		if err != nil || string(got) != head+c.after {
			t.Errorf("%s: %v\n%s", name, err, got)
			continue
		}
		if again, err := SetMode(got, s); err != nil || string(again) != string(got) {
			t.Errorf("%s, once more: %v\n%s", name, err, again)
		}
	}
}

func TestSetModeRefuses(t *testing.T) {
	const good = "apis: [ { name: shop } ]"
	for name, c := range map[string]struct {
		text string
		s    Switch
	}{
		"no such API":       {good, Switch{API: "none", Guard: "inspect", Mode: Off}},
		"no such guard":     {good, Switch{API: "shop", Guard: "inspect: off }, x: {", Mode: Off}},
		"no such mode":      {good, Switch{API: "shop", Guard: "inspect", Mode: "off }"}},
		"no mode":           {good, Switch{API: "shop", Guard: "inspect"}},
		"not YAML":          {"apis: [", Switch{API: "shop", Guard: "inspect", Mode: Off}},
		"two documents":     {good + "\n---\n" + good, Switch{API: "shop", Guard: "inspect", Mode: Off}},
		"nothing":           {"", Switch{API: "shop", Guard: "inspect", Mode: Off}},
		"a list":            {"apis: [ { name: shop, modes: [ a ] } ]", Switch{API: "shop", Guard: "inspect", Mode: Off}},
		"a block":           {"apis: [ { name: shop, modes: { inspect: \"o\n  ff\" } } ]", Switch{API: "shop", Guard: "inspect", Mode: Off}},
		"the name twice":    {"apis: [ { name: shop }, { name: shop } ]", Switch{API: "shop", Guard: "inspect", Mode: Off}},
		"the setting twice": {"apis: [ { name: shop, modes: { inspect: off, inspect: monitor } } ]", Switch{API: "shop", Guard: "inspect", Mode: Enforce}},
	} {
		if got, err := SetMode([]byte(c.text), c.s); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Whatever the file is, what is edited means what it meant, but for the switch; SetMode verifies it, and must not panic.
func FuzzSetMode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "shop", "")
		f.Add(data, "shop", "GET /orders/{id}")
	}
	f.Fuzz(func(_ *testing.T, data []byte, api, operation string) {
		if len(data) < 1<<14 {
			_, _ = SetMode(data, Switch{API: api, Operation: operation, Guard: "inspect", Mode: Off})
			if masked, err := Mask(data); err == nil {
				_, _ = Unmask(masked, data)
			}
		}
	})
}
