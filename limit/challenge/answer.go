package challenge

import (
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sallyport/sallyport/exchange"
)

// Where a client finds the endpoint, below the base path of the API, and where it shows what it got.
const (
	Path   = "/.well-known/sallyport/challenge"
	Script = Path + ".js"
	Field  = "Sallyport-Challenge"
	Cookie = "__Host-sallyport-challenge"
)

// maxAnswer bounds the body of an answer, which has 135 bytes.
const maxAnswer = 512

//go:embed challenge.js
var script []byte

var segments = strings.Split(strings.TrimPrefix(Path, "/"), "/")

// At reports whether a path, as segments below the base path, is the endpoint or its script.
func At(rest []string) bool {
	n := len(segments) - 1
	return len(rest) == n+1 && (rest[n] == segments[n] || rest[n] == segments[n]+".js") && slices.Equal(rest[:n], segments[:n])
}

// A Reply is what the endpoint answers.
type Reply struct {
	Header http.Header
	Body   []byte
}

// Answer answers a request to the endpoint: GET gives out a challenge or the script, POST takes an answer.
func (k *Keeper) Answer(e *exchange.Exchange, rest []string, body io.Reader) (Reply, exchange.Verdict) {
	read := e.Request.Method == http.MethodGet || e.Request.Method == http.MethodHead
	asset := strings.HasSuffix(rest[len(rest)-1], ".js")
	switch {
	case asset && read:
		return reply("text/javascript; charset=utf-8", "no-cache", script), exchange.Pass
	case asset:
		return Reply{}, notAllowed(e, "GET, HEAD")
	case read:
		return k.give(e), exchange.Pass
	case e.Request.Method == http.MethodPost:
		return k.take(e, body)
	}
	return Reply{}, notAllowed(e, "GET, HEAD, POST")
}

func notAllowed(e *exchange.Exchange, methods string) exchange.Verdict {
	return exchange.Refuse(exchange.MethodNotAllowed, e.Request.Method+" of a challenge").WithHeader("Allow", methods)
}

func (k *Keeper) give(e *exchange.Exchange) Reply {
	text, until := k.issue(e.Client.Addr)
	return object(struct {
		Challenge  string    `json:"challenge"`
		Algorithm  string    `json:"algorithm"`
		Difficulty uint8     `json:"difficulty"`
		Expires    time.Time `json:"expires"`
	}{text, "sha-256", k.difficulty, until.UTC().Truncate(time.Second)})
}

func (k *Keeper) take(e *exchange.Exchange, body io.Reader) (Reply, exchange.Verdict) {
	data, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return Reply{}, exchange.Refuse(exchange.BodyIncomplete, "the answer to a challenge was not there as a whole")
	}
	if len(data) > maxAnswer {
		return Reply{}, exchange.Refuse(exchange.BodyTooLarge, fmt.Sprintf("an answer to a challenge has no more than %d bytes", maxAnswer))
	}
	var answer struct {
		Challenge string `json:"challenge"`
		Answer    string `json:"answer"`
	}
	if json.Unmarshal(data, &answer, json.RejectUnknownMembers(true)) != nil {
		return Reply{}, unsolved("the answer to a challenge is no JSON object of challenge and answer")
	}
	token, until, err := k.redeem(e.Request.Context(), e.Client.Addr, answer.Challenge, answer.Answer)
	if err != nil {
		return Reply{}, unsolved("an answer to a challenge is not taken: " + err.Error())
	}
	r := object(struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires"`
	}{token, until.UTC().Truncate(time.Second)})
	c := http.Cookie{Name: Cookie, Value: token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: int(k.lifetime.Seconds())}
	r.Header.Set("Set-Cookie", c.String())
	return r, exchange.Pass
}

func unsolved(detail string) exchange.Verdict {
	return exchange.Refuse(exchange.ChallengeUnsolved, detail).WithChallenge()
}

func object(v any) Reply {
	body, _ := json.Marshal(v) // plain structs always marshal
	return reply("application/json", "no-store", body)
}

func reply(kind, cache string, body []byte) Reply {
	return Reply{http.Header{"Content-Type": {kind}, "Cache-Control": {cache}, "X-Content-Type-Options": {"nosniff"}}, body}
}

// Solved reports whether the request shows a token that its client got for an answer: in the field or the cookie, of which there must
// be no more than one.
func (k *Keeper) Solved(e *exchange.Exchange) bool {
	if k == nil {
		return false
	}
	if shown := e.Request.Header[Field]; shown != nil {
		return len(shown) == 1 && k.good(e.Client.Addr, shown[0])
	}
	token, found := "", 0
	for _, line := range e.Request.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "="); name == Cookie {
				token = value
				found++
			}
		}
	}
	return found == 1 && k.good(e.Client.Addr, token)
}
