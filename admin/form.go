package admin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/content"
)

// isForm reports whether a page's form asks, and not a program.
func isForm(r *http.Request) bool {
	m, err := content.ParseMedia(r.Header["Content-Type"])
	return err == nil && m.Form()
}

// read decodes what was judged already. A form has its fields as texts; what has none has none of its values.
func read(r *http.Request, into any) error {
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil || b.Len() == 0 {
		return err
	}
	data := b.Bytes()
	if isForm(r) {
		values, err := url.ParseQuery(b.String())
		if err != nil {
			return err
		}
		fields := map[string]string{}
		for name := range values {
			fields[name] = values.Get(name)
		}
		if data, err = json.Marshal(fields); err != nil {
			return err
		}
	}
	return json.Unmarshal(data, into)
}

// browsing answers a form whose act was refused as a person expects it: by the page that it stands on, told what
// happened in failed.
func browsing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !isForm(r) {
			next.ServeHTTP(w, r)
			return
		}
		answer := &kept{ResponseWriter: w, header: http.Header{}}
		next.ServeHTTP(answer, r)
		h := w.Header()
		if answer.status >= http.StatusBadRequest {
			h.Set("Location", backTo(r, answer.body.Bytes()))
			w.WriteHeader(http.StatusSeeOther)
			return
		}
		for name, values := range answer.header {
			h[name] = values
		}
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body.Bytes()) // the operator has gone
	})
}

// kept is an answer that may become another one.
type kept struct {
	http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(p []byte) (int, error) { return k.body.Write(p) }

// Unwrap lets the gateway bound how long it reads.
func (k *kept) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// backTo is the page that has the form.
func backTo(r *http.Request, body []byte) string {
	var p problemBody
	_ = json.Unmarshal(body, &p) // without a code the page says that something failed
	page := "/"
	if r.URL.Path == "/api/v1/session" {
		page = "/signin"
	}
	at, err := url.Parse(page)
	if from, fromErr := url.Parse(r.Referer()); fromErr == nil && from.Host == r.Host && from.Path != "" {
		at, err = url.Parse(ours(from.RequestURI()))
	}
	if err != nil {
		return page
	}
	query := at.Query()
	query.Set("failed", p.Code)
	if p.Detail != "" {
		query.Set("detail", clip(p.Detail))
	}
	at.RawQuery = query.Encode()
	return at.String()
}

func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 500)], "") }

// ours is a path of this listener to go on to; anything else would let a form lead elsewhere.
func ours(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// done answers an act that has nothing to show: a form goes on to next.
func done(w http.ResponseWriter, r *http.Request, next string) {
	if isForm(r) {
		w.Header().Set("Location", ours(next))
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
