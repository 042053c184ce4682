package testkit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// An OP is an OpenID provider that lets everybody in at once, as whoever Claims says. It is strict where relying parties
// are to be: a code is good once, for its client, its redirect URI and the verifier of its challenge.
type OP struct {
	URL    string // the issuer
	Client string
	Secret string

	mu     sync.Mutex
	key    Key
	claims map[string]any // of the next ID token, over the right ones; nil values remove
	codes  map[string]url.Values
	server *httptest.Server
}

// NewOP starts a provider with one client, "sallyport"; it ends with the test.
func NewOP(t testing.TB) *OP {
	t.Helper()
	o := &OP{Client: "sallyport", Secret: "op-s3cret", key: NewKey(t, "op1", "RS256"), codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", o.describe)
	mux.HandleFunc("GET /authorize", o.authorize)
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) { o.token(t, w, r) })
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{o.key.Public()}}) // the client has gone
	})
	o.server = httptest.NewServer(mux)
	o.URL = o.server.URL
	t.Cleanup(o.server.Close)
	return o
}

// Claims changes the ID tokens from now on: pairs of name and value; nil removes a claim.
func (o *OP) Claims(pairs ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claims = map[string]any{}
	for n := 0; n+1 < len(pairs); n += 2 {
		o.claims[pairs[n].(string)] = pairs[n+1]
	}
}

func (o *OP) describe(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client has gone
		"issuer": o.URL, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token", "jwks_uri": o.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
	})
}

func (o *OP) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != o.Client || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" || q.Get("nonce") == "" {
		http.Error(w, "not a request as it should be", http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	code := fmt.Sprintf("code%d", len(o.codes))
	o.codes[code] = q
	o.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {o.URL}}.Encode(), http.StatusFound)
}

func (o *OP) token(t testing.TB, w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	o.mu.Lock()
	q := o.codes[r.FormValue("code")]
	o.codes[r.FormValue("code")] = nil
	claims := map[string]any{
		"iss": o.URL, "aud": o.Client, "sub": "248289761001", "email": "Alice@example.com", "email_verified": true, "roles": []string{"security-team"},
		"nonce": q.Get("nonce"), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	maps.Copy(claims, o.claims)
	o.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if q == nil || id != o.Client || secret != o.Secret || r.FormValue("redirect_uri") != q.Get("redirect_uri") || base64.RawURLEncoding.EncodeToString(challenge[:]) != q.Get("code_challenge") {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": o.key.Sign(t, nil, claims)}) // the client has gone
}
