package encode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas are the published schema of OCSF at the version that we write; see testdata/ocsf/compile.go.
var schemas = sync.OnceValues(func() (map[int]*jsonschema.Schema, error) {
	f, err := os.Open("testdata/ocsf/schema.json")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("ocsf.json", doc); err != nil {
		return nil, err
	}
	list := map[int]*jsonschema.Schema{}
	for class := range classNames {
		if list[class], err = c.Compile(fmt.Sprintf("ocsf.json#/$defs/%d", class)); err != nil {
			return nil, err
		}
	}
	return list, nil
})

// valid demands that an item as OCSF is what the published schema says of its class, masked and not.
func valid(t *testing.T, i Item) (class int) {
	t.Helper()
	all, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	ocsf, err := New("ocsf")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Encoding{ocsf, masked(t, nil, nil).Before(ocsf), masked(t, []string{"client", "subject", "path", "host", "actor", "user_agent", "peer", "query"}, nil).Before(ocsf)} {
		line := e(nil, i)
		var head struct {
			Class    int `json:"class_uid"`
			Metadata struct{ Version string }
		}
		if err := json.Unmarshal(line, &head); err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if s := all[head.Class]; s == nil || head.Metadata.Version != OCSFVersion {
			t.Fatalf("class %d, version %s", head.Class, head.Metadata.Version)
		} else if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v\n%s", i.ID(), err, line)
		}
		class = head.Class
	}
	return class
}

func TestOCSF(t *testing.T) {
	want := map[string]int{"passed": apiActivity, "anonymous": apiActivity, "unknown": httpActivity, "identity": authentication, "policy": apiActivity, "attack": detectionFinding, "monitored": detectionFinding,
		"leak": dataSecurityFinding, "hostile": apiActivity, "config": apiActivity, "signed_in": authentication, "refused": authentication, "failing": detectionFinding, "recovered": detectionFinding, "erased": apiActivity}
	for what, i := range cases() {
		if got := valid(t, i); got != want[what] {
			t.Errorf("%s is of class %d, want %d", what, got, want[what])
		}
	}
}

// The schema is not one that takes anything.
func TestOCSFSchemaRefuses(t *testing.T) {
	all, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(map[string]any){
		func(e map[string]any) { delete(e, "actor") },
		func(e map[string]any) { e["activity_id"] = 7 },
		func(e map[string]any) { e["type_uid"] = 600401 },
		func(e map[string]any) { e["src_endpoint"] = map[string]any{"ip": "~abc"} },
		func(e map[string]any) { e["src_endpoint"] = map[string]any{} },
		func(e map[string]any) { e["made_up"] = 1 },
		func(e map[string]any) { e["severity_id"] = "high" },
	} {
		var e map[string]any
		if err := json.Unmarshal(encoded(t, "ocsf", Item{Record: sample(nil)}), &e); err != nil {
			t.Fatal(err)
		}
		change(e)
		if all[apiActivity].Validate(e) == nil {
			t.Errorf("is valid: %v", e)
		}
	}
}
