package gateway

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/challenge"
	"github.com/sallyport/sallyport/listen"
)

// answerWithin is how long an answer to a challenge may take to arrive.
const answerWithin = 5 * time.Second

// challenge answers in place of the upstream, which never sees who works for its answer. Admission has been asked; what the spec says is
// not, since it knows nothing of it.
func (x *serving) challenge() exchange.Verdict {
	var body io.Reader = strings.NewReader("")
	if x.r.Body != nil {
		body = x.r.Body
		readUntil(x.w, x.e.Start.Add(answerWithin))
	}
	reply, v := x.api.challenge.Answer(&x.e, x.rest, body)
	if !v.Passed() {
		return v
	}
	readUntil(x.w, time.Time{})
	h := x.w.Header()
	maps.Copy(h, reply.Header)
	h.Set("X-Request-Id", x.e.ID)
	if policy := x.e.Client.HSTS; policy != "" {
		h.Set("Strict-Transport-Security", policy)
	}
	if x.r.Method != http.MethodPost && x.r.Body != nil && x.r.Body != http.NoBody { // nobody has read it
		h.Set("Connection", "close")
		listen.Abandon(x.r)
	}
	x.write(http.StatusOK, reply.Body)
	return exchange.Pass
}

// endpoint is where a client that is refused finds challenges, "" where none would let it in.
func (x *serving) endpoint(v exchange.Verdict) string {
	if !v.Challenge || x.api == nil || x.api.challenge == nil {
		return ""
	}
	base := x.e.Target.Segments[:len(x.e.Target.Segments)-len(x.rest)]
	return strings.Join(append([]string{""}, base...), "/") + challenge.Path
}
