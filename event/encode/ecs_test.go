package encode

import (
	"encoding/csv"
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every field is in the published list of fields, with a value of its type, or below our own name; the values of the four categorization
// fields are those that the schema allows. The lists are generated/csv/fields.csv and allowed_values of generated/ecs/ecs_flat.yml of
// github.com/elastic/ecs (Apache-2.0) at the tag of ECSVersion, cut to the field sets and columns that are used.
func TestECS(t *testing.T) {
	types, allowed := ecsFields(t), ecsValues(t)
	for what, i := range cases() {
		for _, line := range [][]byte{encoded(t, "ecs", i), masked(t, nil, nil).Before(ecs)(nil, i)} {
			var doc map[string]any
			if err := json.Unmarshal(line, &doc); err != nil {
				t.Fatal(err)
			}
			flat := map[string]any{}
			flatten(doc, "", flat)
			for name, value := range flat {
				if strings.HasPrefix(name, "sallyport.") {
					continue
				}
				kind, ok := types[name]
				if !ok {
					t.Errorf("%s: ECS has no field %s", what, name)
				} else if !fits(kind, value) {
					t.Errorf("%s: %s is %v, want %s", what, name, value, kind)
				}
			}
			categorized(t, what, flat, allowed)
		}
	}
}

func categorized(t *testing.T, what string, flat map[string]any, allowed map[string]map[string][]string) {
	t.Helper()
	for name, values := range allowed {
		for _, v := range strings.Split(texts(flat[name]), ",") {
			if _, ok := values[v]; !ok && v != "" {
				t.Errorf("%s: %s is %s", what, name, v)
			}
		}
	}
	categories := strings.Split(texts(flat["event.category"]), ",")
	for _, v := range strings.Split(texts(flat["event.type"]), ",") {
		if !slices.ContainsFunc(categories, func(c string) bool { return slices.Contains(allowed["event.category"][c], v) }) {
			t.Errorf("%s: type %s is of none of %v", what, v, categories)
		}
	}
}

func texts(v any) string {
	list, ok := v.([]any)
	if !ok {
		s, _ := v.(string)
		return s
	}
	var all []string
	for _, e := range list {
		all = append(all, e.(string))
	}
	return strings.Join(all, ",")
}

func flatten(v map[string]any, prefix string, into map[string]any) {
	for name, e := range v {
		if m, ok := e.(map[string]any); ok {
			flatten(m, prefix+name+".", into)
			continue
		}
		into[prefix+name] = e
	}
}

func fits(kind string, v any) bool {
	if list, ok := v.([]any); ok {
		return !slices.ContainsFunc(list, func(e any) bool { return !fits(kind, e) })
	}
	switch kind {
	case "date":
		_, err := time.Parse(time.RFC3339Nano, v.(string))
		return err == nil
	case "ip":
		_, err := netip.ParseAddr(v.(string))
		return err == nil
	case "long":
		n, ok := v.(float64)
		return ok && n == float64(int64(n))
	}
	_, ok := v.(string)
	return ok && slices.Contains([]string{"keyword", "match_only_text", "wildcard", "text"}, kind)
}

func ecsFields(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/ecs/fields.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, r := range rows {
		types[r[0]] = r[1]
	}
	return types
}

func ecsValues(t *testing.T) (values map[string]map[string][]string) {
	t.Helper()
	data, err := os.ReadFile("testdata/ecs/values.json")
	if err == nil {
		err = json.Unmarshal(data, &values)
	}
	if err != nil {
		t.Fatal(err)
	}
	return values
}
