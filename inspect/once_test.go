package inspect

import (
	"context"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// The judgement of the body is the same whether the head was judged before or not, wherever the attack is.
func TestHeadIsReadOnce(t *testing.T) {
	j := testJudge(t, config.Inspect{})
	const attack = `1' UNION SELECT password FROM users--`
	for _, agent := range []string{"okhttp/4.12.0", attack} {
		for _, query := range []string{"?a=1", "?a=1%27%20UNION%20SELECT%20password%20FROM%20users--"} {
			for _, body := range []string{`{"note":"two pieces, please"}`, `{"note":"` + attack + `"}`} {
				r := recorded{Method: "POST", Path: "/v1/orders" + query, Body: body, Headers: map[string]any{"Host": "api.example.com",
					"User-Agent": agent, "Content-Type": "application/json"}}
				var findings [2][]string
				for i, headFirst := range []bool{true, false} {
					e, err := readExchange(r.raw())
					if err != nil {
						t.Fatal(err)
					}
					if headFirst {
						if v, err := j.head(context.Background(), e); err != nil || v.Passed() != (e.Inspected != nil) {
							t.Fatalf("passed %v, kept %v: %v", v.Passed(), e.Inspected != nil, err)
						}
					}
					e.Findings = nil
					if _, err := j.body(context.Background(), e); err != nil || e.Inspected != nil {
						t.Fatalf("kept %v: %v", e.Inspected, err)
					}
					findings[i] = told(e.Findings)
				}
				if !slices.Equal(findings[0], findings[1]) {
					t.Errorf("%s %s %s: %v behind a judged head, %v else", agent, query, body, findings[0], findings[1])
				}
			}
		}
	}
}

func told(findings []exchange.Finding) (out []string) {
	for _, f := range findings {
		out = append(out, f.Rule+" "+f.Field)
	}
	slices.Sort(out)
	return out
}
