package identity

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/internal/testkit"
)

// All mistakes are reported at once, each with its path.
func TestMistakes(t *testing.T) {
	i := testkit.NewIssuer(t)
	good := func() *config.JWT { c := corp(i, fileSet(t, i.Set())); return c.JWT }
	change := func(f func(*config.JWT)) *config.JWT { c := good(); f(c); return c }
	hash := must(HashKey(first(newKey())))
	list := []config.Identity{
		0:  {Name: "a", JWT: good()},
		1:  {Name: "a", JWT: good()},
		2:  {JWT: good()},
		3:  {Name: "d"},
		4:  {Name: "e", JWT: good(), APIKey: &config.APIKey{}},
		5:  {Name: "f", JWT: change(func(c *config.JWT) { c.Issuer, c.Audience, c.JWKS = "", nil, "" })},
		6:  {Name: "g", JWT: change(func(c *config.JWT) { c.Algorithms = []string{"ES256", "HS256", "none"} })},
		7:  {Name: "h", JWT: change(func(c *config.JWT) { c.Roles = "roles" })},
		8:  {Name: "i", JWT: change(func(c *config.JWT) { c.Leeway = config.Duration(time.Hour) })},
		9:  {Name: "j", JWT: change(func(c *config.JWT) { c.JWKS = "file:/does/not/exist" })},
		10: {Name: "k", JWT: change(func(c *config.JWT) { c.JWKS, c.AllowPrivate = "http://issuer.test/", false })},
		11: {Name: "l", JWT: change(func(c *config.JWT) { c.JWKS = fileSet(t, []byte("{}")) })},
		12: {Name: "m", JWT: change(func(c *config.JWT) { c.MaxSize = 1 << 20 })},
		13: {Name: "n", JWT: change(func(c *config.JWT) { c.Refresh = config.Duration(time.Second) })},
		14: {Name: "o", APIKey: &config.APIKey{Keys: []config.Key{{ID: "x", Hash: hash}, {ID: "x", Hash: "md5:00"}, {ID: "y", Hash: hash}}}},
		15: {Name: "p", APIKey: &config.APIKey{Keys: []config.Key{{ID: "x", Hash: hash, Expires: "soon"}, {Hash: "sha256:" + strings.Repeat("0", 64), Roles: []string{"a\n"}}}}},
	}
	_, err := New(list, nil, Options{})
	var got []string
	for _, line := range unwrap(err) {
		var s *SettingError
		if !errors.As(line, &s) {
			t.Fatalf("%v is not a SettingError", line)
		}
		got = append(got, s.Path)
	}
	want := []string{"identity[1].name", "identity[2].name", "identity[3]", "identity[4]",
		"identity[5].jwt.issuer", "identity[5].jwt.audience", "identity[5].jwt.jwks", "identity[6].jwt.algorithms", "identity[6].jwt.algorithms",
		"identity[7].jwt.roles", "identity[8].jwt.leeway", "identity[9].jwt.jwks", "identity[10].jwt.jwks", "identity[11].jwt.jwks",
		"identity[12].jwt.max_size", "identity[13].jwt.refresh", "identity[14].api_key.keys[1].id", "identity[14].api_key.keys[1].hash",
		"identity[14].api_key.keys[2].hash", "identity[15].api_key.keys[0].expires", "identity[15].api_key.keys[1].id", "identity[15].api_key.keys[1]"}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("no mistake at %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("a mistake at %s", g)
		}
	}
}

func first(a, _ string) string { return a }

func unwrap(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}

func TestRelativeFile(t *testing.T) {
	i := testkit.NewIssuer(t)
	file := strings.TrimPrefix(fileSet(t, i.Set()), "file:")
	dir, _ := strings.CutSuffix(file, "/jwks.json")
	for _, setting := range []string{"file:jwks.json", "file:./jwks.json", "file://" + file} {
		if _, err := New([]config.Identity{corp(i, setting)}, nil, Options{Dir: dir}); err != nil {
			t.Error(err)
		}
	}
}
