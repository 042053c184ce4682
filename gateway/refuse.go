package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/listen"
)

// TypeBase is where the catalogue of reasons is documented; with a code it is the type of a problem (RFC 9457).
const TypeBase = "https://sallyport.dev/reasons/"

// problem is what a client learns of a refusal: a code, an id, the places in its own message. No internals.
type problem struct {
	Type     string           `json:"type"`
	Title    string           `json:"title"`
	Status   int              `json:"status"`
	Code     string           `json:"code"`
	Exchange string           `json:"exchange,omitempty"`
	Errors   []exchange.Field `json:"errors,omitempty"`
	// Challenge is where the client can prove that it has worked.
	Challenge string `json:"challenge,omitempty"`
}

// refuse answers with a problem. It is the only place that does.
func (x *serving) refuse(v exchange.Verdict) {
	x.e.Verdict = v
	if x.gone {
		x.status, x.abort = statusClientGone, true
		return
	}
	x.wait = v.Hold
	if x.status != 0 { // an answer has begun: it must not look complete
		x.abort = true
		return
	}
	status := v.Reason.Status
	if v.Status != 0 {
		status = v.Status
	}
	h := x.w.Header()
	closes := h["Connection"] // the listener's, who saw the framing
	clear(h)                  // whatever was prepared belongs to an answer that is not sent
	if closes != nil {
		h["Connection"] = closes
	}
	for _, f := range v.Header {
		h.Add(f.Name, f.Value)
	}
	if v.Retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(v.Retry.Seconds()))))
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Request-Id", x.e.ID)
	if policy := x.e.Client.HSTS; policy != "" {
		h.Set("Strict-Transport-Security", policy)
	}
	if x.framingInDoubt(v) {
		h.Set("Connection", "close")
		listen.Abandon(x.r)
	}
	x.crossOrigin(h)
	body, _ := json.Marshal(problem{TypeBase + v.Reason.Code, v.Reason.Title, status, v.Reason.Code, x.e.ID, first(v.Fields, maxFields), x.endpoint(v)}) // plain strings always marshal
	body = visible(body)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.write(status, body)
}

// visible escapes what does not print in JSON text: names in a stranger's message may turn around how a terminal shows
// the rest (U+202E), or delete it. json.Marshal has escaped the rest of the control characters, and markup.
func visible(text []byte) []byte {
	if bytes.IndexFunc(text, invisible) < 0 {
		return text
	}
	var b []byte
	for _, r := range string(text) {
		if !invisible(r) {
			b = utf8.AppendRune(b, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			b = fmt.Appendf(b, `\u%04x`, unit)
		}
	}
	return b
}

func invisible(r rune) bool { return r >= 0x7f && !unicode.IsPrint(r) }

// statusClientGone is what the record says where nobody is left to answer; the number is nginx's.
const statusClientGone = 499

// framingInDoubt reports whether the connection must not carry another request: its head was refused, or its body has
// not been read to the end.
func (x *serving) framingInDoubt(v exchange.Verdict) bool {
	switch v.Reason {
	case exchange.BadFraming, exchange.BadHeader, exchange.HeadTooLarge, exchange.PlainHTTP, exchange.BadTarget, exchange.BadMethod, exchange.BodyTooLarge, exchange.BodyIncomplete,
		exchange.Banned: // the next one is not let in
		return true
	}
	return x.e.Body == nil && x.r.Body != nil && x.r.Body != http.NoBody
}

// crossOrigin lets a page of an allowed origin read why it was refused.
func (x *serving) crossOrigin(h http.Header) {
	if x.plan != nil && x.plan.corsMode == config.Enforce {
		x.plan.cors.Expose(x.r.Header.Get("Origin"), h)
	}
}
