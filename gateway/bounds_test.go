package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// What strangers put into a request takes bounded room in the record.
func TestRecordIsBounded(t *testing.T) {
	var records []string
	g := newGate(t, recordSpec, "http://127.0.0.1:1", open, "")
	long := strings.Repeat("ü", 5000)
	fields := make([]string, 30_000)
	for i := range fields {
		fields[i] = fmt.Sprintf(`"field%d":1`, i)
	}
	for _, r := range []*http.Request{
		httptest.NewRequest("GET", "/"+strings.Repeat("x", 5000), nil),
		httptest.NewRequest("GET", "/people/a?"+strings.Repeat("x", 5000)+"=1", nil),
		httptest.NewRequest("GET", "/people/a?"+strings.Repeat("x=1&", 900), nil),
		httptest.NewRequest("POST", "/people", strings.NewReader(`{"id":"a",`+strings.Join(fields, ",")+`}`)),
	} {
		r.Header.Set("User-Agent", long)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Body.Len() > 64<<10 {
			t.Errorf("%.60s: a problem of %d bytes", r.RequestURI, w.Body.Len())
		}
		data, err := json.Marshal(g.record(t))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, string(data))
		if len(data) > 64<<10 {
			t.Errorf("%.60s: a record of %d bytes: %.500s", r.RequestURI, len(data), data)
		}
	}
	if len(records) != 4 {
		t.Error(len(records))
	}
}

// A record belongs to its readers: what comes later changes nothing in it.
func TestRecordIsKept(t *testing.T) {
	g := serve(t, recordSpec, http.HandlerFunc(recordUpstream), open)
	send := func(body string) {
		if resp, err := http.Post(g.url+"/people", "application/json", strings.NewReader(body)); err == nil {
			resp.Body.Close()
		}
	}
	send(`{"id":7}`)
	kept := g.record(t)
	before, _ := json.Marshal(kept)
	for range 50 {
		send(`{"id":"a"}`)
		send(`{"other":"a"}`)
	}
	if after, _ := json.Marshal(kept); string(before) != string(after) {
		t.Errorf("%s\nbecame %s", before, after)
	}
}

func TestFirstAndClip(t *testing.T) {
	if got := first([]int{1, 2, 3}, 2); !slices.Equal(got, []int{1, 2}) {
		t.Error(got)
	}
	if got := first([]int{1}, 2); len(got) != 1 {
		t.Error(got)
	}
	for _, c := range []struct{ in, want string }{{"", ""}, {"abcd", "abcd"}, {"abcde", "abcd…"}, {"abcü", "abc…"}, {"ab\xffde", "abd…"}} {
		if got := clip(c.in, 4); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}
