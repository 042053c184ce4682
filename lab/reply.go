package lab

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
)

func (c *call) encode(v any) {
	e := json.NewEncoder(c.w)
	e.SetEscapeHTML(false)
	e.Encode(v) //nolint:errcheck // the client has gone
}

// json answers with v.
func (c *call) json(status int, v any) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, max-age=0")
	}
	c.w.WriteHeader(status)
	c.encode(v)
}

// created answers 201 with the object's address and version.
func (c *call) created(location string, v any) {
	c.w.Header().Set("Location", location)
	c.w.Header().Set("ETag", etag(v))
	c.json(http.StatusCreated, v)
}

// tagged answers with v and its version, or 304 when the client has it.
func (c *call) tagged(v any) {
	tag := etag(v)
	c.w.Header().Set("ETag", tag)
	if c.fresh(tag) {
		return
	}
	c.json(http.StatusOK, v)
}

func (c *call) fresh(tag string) bool {
	for _, have := range strings.Split(c.r.Header.Get("If-None-Match"), ",") {
		if have = strings.TrimPrefix(strings.TrimSpace(have), "W/"); have == tag || have == "*" {
			c.w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// stale answers 412 when If-Match names another version of v.
func (c *call) stale(v any) bool {
	want := c.r.Header.Get("If-Match")
	if want == "" || want == "*" || want == etag(v) {
		return false
	}
	c.problem(http.StatusPreconditionFailed, "Somebody changed this in the meantime")
	return true
}

func etag(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // rows of the shop always marshal
	}
	return tagOf(data)
}

func tagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// problem answers with problem details (RFC 9457).
func (c *call) problem(status int, detail string) {
	c.w.Header().Set("Content-Type", "application/problem+json")
	c.w.WriteHeader(status)
	c.encode(map[string]any{
		"type":  "https://developers.harborgoods.example/problems/" + strings.ToLower(strings.ReplaceAll(http.StatusText(status), " ", "-")),
		"title": http.StatusText(status), "status": status, "detail": detail, "instance": c.r.URL.EscapedPath(),
	})
}

// read decodes the body into v, or answers 400.
// flaw CONF-9: of duplicate keys the last one counts here, and unknown keys are whatever v has room for.
func (c *call) read(v any) bool {
	if err := json.NewDecoder(bytes.NewReader(c.body)).Decode(v); err != nil {
		c.problem(http.StatusBadRequest, "The body is not the JSON that was expected")
		return false
	}
	return true
}

// missing answers that there is no such object.
func (c *call) missing(what string) { c.problem(http.StatusNotFound, "There is no such "+what) }

// owns reports whether an object of the customer is the caller's business.
func (c *call) owns(customerID string) bool { return c.me.ID == customerID || c.me.isStaff() }
