package inspect

import (
	"context"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/openapi"
)

const postsSpec = `
openapi: 3.1.0
info: { title: forum, version: "1" }
paths:
  /posts:
    get:
      responses:
        default:
          description: all
          content:
            application/json:
              schema: { type: object, properties: { posts: { type: array, items: { type: object, properties: { text: { type: string } } } } } }
`

// One post about errors must not take the list of all posts away; an error of the service still does.
func TestQuotedErrors(t *testing.T) {
	doc, problems := openapi.Parse("openapi.yaml", []byte(postsSpec), openapi.Options{})
	if doc == nil {
		t.Fatal(problems)
	}
	const post = "Why do I get ORA-01756: quoted string not properly terminated, and java.lang.NullPointerException?"
	for _, c := range []struct {
		status int
		body   string
		leaks  bool
	}{
		{200, `{"posts":[{"text":"` + post + `"}]}`, false},
		{200, `{"posts":[{"text":"ok","debug":"` + post + `"}]}`, true},
		{400, `{"posts":[{"text":"` + post + `"}]}`, true},
	} {
		e := answerOf(t, c.status, "application/json", c.body)
		e.Response.Media = openapi.FindMedia(doc.Operations[0].Responses[0].Content, "application/json")
		v, err := testJudge(t, config.Inspect{}).answer(context.Background(), e)
		if err != nil || v.Passed() == c.leaks || len(e.Findings) == 0 {
			t.Errorf("%d %s: passed %v, %v; found %s", c.status, c.body, v.Passed(), err, fields(e))
		}
	}
}
