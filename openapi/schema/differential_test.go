package schema

import (
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	oracle "github.com/santhosh-tekuri/jsonschema/v6"
)

// oracleDrafts are the names of the drafts in the other implementation.
var oracleDrafts = map[Dialect]*oracle.Draft{Draft4: oracle.Draft4, Draft6: oracle.Draft6, Draft7: oracle.Draft7, Draft2019: oracle.Draft2019, Draft2020: oracle.Draft2020}

type loaderFunc func(string) (any, error)

func (f loaderFunc) Load(uri string) (any, error) { return f(uri) }

// decodeOracle decodes as the other implementation wants it.
func decodeOracle(t *testing.T, data []byte) any {
	t.Helper()
	v, err := oracle.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAgainstOracle judges instances of the suite by schemas of the suite that they were not written for, and compares
// with another implementation.
func TestAgainstOracle(t *testing.T) {
	files := loadSuite(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, d := range suiteDrafts {
		t.Run(d.folder, func(t *testing.T) {
			groups, instances := gather(t, files, "tests/"+d.folder+"/*.json")
			groups = append(groups, combine(random, d.dialect, groups)...)
			pairs, differ := 0, 0
			for _, g := range groups {
				ours, theirs := compileBoth(d.dialect, files, g.Schema)
				if ours == nil || theirs == nil {
					continue
				}
				for range 20 {
					data := instances[random.IntN(len(instances))]
					if d.dialect == Draft4 && hasFloat(data) {
						continue
					}
					pairs++
					want := theirs.Validate(decodeOracle(t, data)) == nil
					r := ours.Evaluate(tree(t, data), Request)
					if r.Valid() == want {
						continue
					}
					if differ++; differ < 10 {
						t.Errorf("%s: %s\n%s\nours %v %v, theirs %v", g.Description, g.Schema, data, r.Valid(), r.Violations, want)
					}
				}
			}
			t.Logf("%d pairs", pairs)
		})
	}
}

// hasFloat: the suite says of draft 4 that 1.0 is not an integer, the oracle that it is.
func hasFloat(data []byte) bool {
	return strings.Contains(string(data), ".0") || strings.Contains(string(data), "e")
}

// combine makes schemas of two that stand for themselves.
func combine(random *rand.Rand, d Dialect, groups []suiteGroup) (made []suiteGroup) {
	var free []string
	for _, g := range groups {
		if s := string(g.Schema); strings.HasPrefix(s, "{") && !strings.Contains(s, "ef\"") && !strings.Contains(s, "id\"") && !strings.Contains(s, "efs\"") && !strings.Contains(s, "nchor\"") {
			free = append(free, strings.Replace(s, `"$schema"`, `"$comment"`, 1))
		}
	}
	forms := []string{`{"allOf":[A,B]}`, `{"anyOf":[A,B]}`, `{"oneOf":[A,B]}`, `{"not":{"allOf":[A,B]}}`, `{"properties":{"foo":A},"additionalProperties":B}`, `{"items":{"anyOf":[A,B]}}`}
	if d == Draft2019 || d == Draft2020 {
		forms = append(forms, `{"anyOf":[A,B],"unevaluatedProperties":false}`, `{"if":A,"then":B,"unevaluatedItems":false}`, `{"allOf":[{"oneOf":[A,B]},A],"unevaluatedProperties":{"type":"string"},"unevaluatedItems":{"type":"integer"}}`)
	}
	for range 300 {
		form := forms[random.IntN(len(forms))]
		form = strings.ReplaceAll(form, "A", free[random.IntN(len(free))])
		form = strings.ReplaceAll(form, "[B", "["+free[random.IntN(len(free))])
		for _, mark := range []string{",B]", ":B}", ":B,"} {
			form = strings.ReplaceAll(form, mark, mark[:1]+free[random.IntN(len(free))]+mark[2:])
		}
		made = append(made, suiteGroup{Description: "combined", Schema: json.RawMessage(form)})
	}
	return made
}

func gather(t *testing.T, files map[string][]byte, pattern string) (groups []suiteGroup, instances []json.RawMessage) {
	t.Helper()
	var paths []string
	for path := range files {
		// The oracle always asserts formats of old drafts.
		if ok, _ := filepath.Match(pattern, path); ok && filepath.Base(path) != "format.json" {
			paths = append(paths, path)
		}
	}
	sort.Strings(paths)
	for _, path := range paths {
		var list []suiteGroup
		if err := json.Unmarshal(files[path], &list); err != nil {
			t.Fatal(err)
		}
		for _, g := range list {
			groups = append(groups, g)
			for _, c := range g.Tests {
				instances = append(instances, c.Data)
			}
		}
	}
	return groups, instances
}

func compileBoth(d Dialect, files map[string][]byte, schema []byte) (*Schema, *oracle.Schema) {
	root, err := decode(schema)
	if err != nil {
		return nil, nil
	}
	c := NewCompiler(d)
	c.AssertFormats(false)
	c.SetLoader(remotes(files))
	c.AddResource("http://suite.invalid/schema", root)
	ours, err := c.Compile("http://suite.invalid/schema")
	if err != nil || len(c.Unsupported()) > 0 {
		return nil, nil
	}
	other, _ := oracle.UnmarshalJSON(strings.NewReader(string(schema)))
	o := oracle.NewCompiler()
	o.DefaultDraft(oracleDrafts[d])
	o.UseLoader(loaderFunc(remotes(files)))
	if err := o.AddResource("http://suite.invalid/schema", other); err != nil {
		return nil, nil
	}
	theirs, err := o.Compile("http://suite.invalid/schema")
	if err != nil {
		return ours, nil
	}
	return ours, theirs
}
