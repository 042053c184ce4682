package content_test

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/sallyport/sallyport/content"
)

func order(b *testing.B) []byte {
	data, err := os.ReadFile(shared(b, "bench/bodies/order-1k.json"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	return data
}

func BenchmarkParseJSON(b *testing.B) {
	data := order(b)
	for b.Loop() {
		if _, err := content.ParseJSON(data, content.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadJSON is the way of a request body: from a stream of unknown length to the tree.
func BenchmarkReadJSON(b *testing.B) {
	data := order(b)
	h := content.Header{ContentType: []string{"application/json"}}
	for b.Loop() {
		body, err := content.Read(bytes.NewReader(data), h, content.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := body.Tree(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJSONTokens is what the same text costs the tokenizer of go-json-experiment, which makes no tree.
func BenchmarkJSONTokens(b *testing.B) {
	data := order(b)
	r := bytes.NewReader(data)
	d := jsontext.NewDecoder(r)
	for b.Loop() {
		r.Reset(data)
		d.Reset(r)
		for {
			if _, err := d.ReadToken(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkParseTarget(b *testing.B) {
	for name, raw := range map[string]string{
		"path":    "/v1/items/42",
		"query":   "/v1/items?limit=10&after=abc",
		"escaped": "/v1/items/a%20b?q=x+y%26&f[a]=1",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := content.ParseTarget(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseForm(b *testing.B) {
	data := []byte("grant_type=password&username=anna%40example.com&note=two+words&scope=read&scope=write&state=af0ifjsldkj")
	m := content.Media{Type: "application/x-www-form-urlencoded"}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := content.Parse(data, m, content.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResult(b *testing.B) {
	data := order(b)
	h := content.Header{ContentType: []string{"application/json"}}
	for b.Loop() {
		body, err := content.New(data, h, content.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		root, err := body.Tree()
		if err != nil {
			b.Fatal(err)
		}
		body.Splice(root.Get("customerId"), []byte(`"***"`))
		body.Remove(root, root.Get("notes"))
		if len(body.Result()) >= len(data) {
			b.Fatal("nothing edited")
		}
	}
}
