package schema

import (
	"path/filepath"
	"testing"
)

// redefined is what OpenAPI 3.0 defines otherwise than draft 4, from the suite's names.
var redefined = map[string]string{
	"draft4/ref: $ref prevents a sibling id from changing the base uri": "3.0 has no id",
	"draft4/ref: id ": "3.0 has no id",
	"draft4/ref: Recursive references between schemas":                "3.0 has no id",
	"draft4/ref: Location-independent identifier":                     "3.0 has no id",
	"draft4/refRemote: base URI change":                               "3.0 has no id",
	"draft4/refRemote: root ref in remote ref":                        "3.0 has no id",
	"draft4/refRemote: Location-independent identifier in remote ref": "3.0 has no id",
	"draft4/optional/id: ":                                            "3.0 has no id",
	"draft4/optional/zeroTerminatedFloats: ":                          "1.0 is an integer in 3.0",
}

// TestSuiteOpenAPI30 runs draft 4, which OpenAPI 3.0 is made from, in its dialect.
func TestSuiteOpenAPI30(t *testing.T) {
	files := loadSuite(t)
	cases, differ := suiteRun{dialect: OpenAPI30, skip: redefined}.run(t, files, func(path string) bool {
		required, _ := filepath.Match("tests/draft4/*.json", path)
		optional, _ := filepath.Match("tests/draft4/optional/*.json", path)
		return required || optional
	})
	t.Logf("%d cases", cases)
	for _, d := range differ {
		t.Error(d)
	}
}

// TestSuiteOpenAPI31 runs 2020-12, which OpenAPI 3.1 and 3.2 are made from, in their dialect.
func TestSuiteOpenAPI31(t *testing.T) {
	files := loadSuite(t)
	cases, differ := suiteRun{dialect: OpenAPI31}.run(t, files, func(path string) bool {
		ok, _ := filepath.Match("tests/draft2020-12/*.json", path)
		return ok
	})
	t.Logf("%d cases", cases)
	for _, d := range differ {
		t.Error(d)
	}
}
