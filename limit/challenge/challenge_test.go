package challenge

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/limit/once"
)

var (
	one = netip.MustParseAddr("192.0.2.1")
	two = netip.MustParseAddr("192.0.2.2")
)

// solve works, as a client does.
func solve(text string, difficulty int) string {
	for n := 0; ; n++ {
		if zeros(sha256.Sum256([]byte(text+"."+strconv.Itoa(n)))) >= difficulty {
			return strconv.Itoa(n)
		}
	}
}

func keeper(t testing.TB, now *time.Time) *Keeper {
	t.Helper()
	i := NewIssuer(Options{Now: func() time.Time { return *now }})
	return i.Keeper("shop", &config.Challenge{Difficulty: 8})
}

func TestSolved(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	k := keeper(t, &now)
	text, until := k.issue(one)
	if until.Sub(now) != expiry {
		t.Error(until)
	}
	answer := solve(text, 8)
	token, until, err := k.redeem(t.Context(), one, text, answer)
	if err != nil || until.Sub(now) != time.Hour || !k.good(one, token) {
		t.Fatal(err, until)
	}
	if _, _, err := k.redeem(t.Context(), one, text, answer); !errors.Is(err, once.ErrUsed) {
		t.Error("one answer is taken twice", err)
	}
	if other := k.issuer.Keeper("other", &config.Challenge{}); k.good(two, token) || other.good(one, token) || keeper(t, &now).good(one, token) {
		t.Error("a token is good for another client, another API or another process")
	}
	if now = now.Add(time.Hour - time.Second); !k.good(one, token) {
		t.Error("a token ends early")
	}
	if now = now.Add(time.Second); k.good(one, token) {
		t.Error("a token does not end")
	}
}

func TestAnswersThatAreNotTaken(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	k := keeper(t, &now)
	text, _ := k.issue(one)
	good := solve(text, 8)
	wrong := 0
	for zeros(sha256.Sum256([]byte(text+"."+strconv.Itoa(wrong)))) >= 8 {
		wrong++
	}
	changed := func(i int) string {
		b, _ := encoding.DecodeString(text)
		b[i] ^= 1
		return encoding.EncodeToString(b)
	}
	easy := changed(ends) // another difficulty
	token := encoding.EncodeToString(make([]byte, tokenLen))
	for name, c := range map[string]struct {
		client netip.Addr
		text   string
		answer string
		want   error
	}{
		"another client": {two, text, good, errChallenge}, "wrong": {one, text, strconv.Itoa(wrong), errWrong}, "empty": {one, text, "", errNumber},
		"hexadecimal": {one, text, "a", errNumber}, "signed": {one, text, "-" + good, errNumber}, "leading space": {one, text, " " + good, errNumber}, "long": {one, text, strings.Repeat("1", 21), errNumber},
		"ends later": {one, changed(7), solve(changed(7), 8), errChallenge}, "easier": {one, easy, solve(easy, 8), errChallenge}, "of nobody": {one, changed(20), solve(changed(20), 8), errChallenge},
		"mac": {one, changed(challengeLen - 1), solve(changed(challengeLen-1), 8), errChallenge}, "no challenge": {one, "", good, errChallenge}, "a token": {one, token, good, errChallenge},
		"padded": {one, text + "==", good, errChallenge}, "another spelling": {one, text[:len(text)-1] + "*", good, errChallenge},
	} {
		if _, _, err := k.redeem(t.Context(), c.client, c.text, c.answer); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	now = now.Add(expiry)
	if _, _, err := k.redeem(t.Context(), one, text, good); !errors.Is(err, errOver) {
		t.Error(err)
	}
	now = now.Add(-time.Second)
	if _, _, err := k.redeem(t.Context(), one, text, good); err != nil {
		t.Error("what was wrong has used the challenge up:", err)
	}
}

// A challenge is no token, whatever it says.
func TestKindsDiffer(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	k := keeper(t, &now)
	said := make([]byte, ends)
	said[0] = 0x7f
	if k.good(one, encoding.EncodeToString(append(said, k.mac('c', said, one)...))) || !k.good(one, encoding.EncodeToString(append(said, k.mac('t', said, one)...))) {
		t.Error("the MAC of a challenge is that of a token")
	}
}

// A client is the /64 of an IPv6 address, and an IPv4 address however it is written.
func TestClients(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	k := keeper(t, &now)
	for _, c := range []struct {
		a, b string
		same bool
	}{{"2001:db8::1", "2001:db8::ffff:1", true}, {"2001:db8::1", "2001:db8:0:1::1", false}, {"::ffff:192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", "192.0.2.129", false}} {
		text, _ := k.issue(netip.MustParseAddr(c.a))
		if _, _, err := k.redeem(t.Context(), netip.MustParseAddr(c.b), text, solve(text, 8)); (err == nil) != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, err)
		}
	}
}

func TestWhereATokenIsShown(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	k := keeper(t, &now)
	text, _ := k.issue(one)
	token, _, _ := k.redeem(t.Context(), one, text, solve(text, 8))
	for name, c := range map[string]struct {
		field, cookie []string
		want          bool
	}{
		"nowhere": {nil, nil, false}, "field": {[]string{token}, nil, true}, "cookie": {nil, []string{"a=b; " + Cookie + "=" + token}, true}, "second line": {nil, []string{"a=b", Cookie + "=" + token}, true},
		"wrong field": {[]string{"x"}, []string{Cookie + "=" + token}, false}, "two fields": {[]string{token, token}, nil, false}, "two cookies": {nil, []string{Cookie + "=" + token + ";" + Cookie + "=x"}, false},
		"other cookie": {nil, []string{"sallyport-challenge=" + token}, false},
	} {
		e := &exchange.Exchange{Request: httptest.NewRequest("GET", "/", nil), Client: exchange.Client{Addr: one}}
		if c.field != nil {
			e.Request.Header[Field] = c.field
		}
		if c.cookie != nil {
			e.Request.Header["Cookie"] = c.cookie
		}
		if got := k.Solved(e); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if (*Keeper)(nil).Solved(e) {
			t.Error("nobody asked")
		}
	}
}

func TestProcessesWithOneSecret(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	with := func(secret string) *Keeper {
		return NewIssuer(Options{Secret: []byte(secret), Now: func() time.Time { return now }}).Keeper("shop", &config.Challenge{Difficulty: 8})
	}
	a, b, c := with("one"), with("one"), with("two")
	text, _ := a.issue(one)
	token, _, err := b.redeem(t.Context(), one, text, solve(text, 8))
	if err != nil || !a.good(one, token) || c.good(one, token) {
		t.Error(err)
	}
}

func TestAt(t *testing.T) {
	for path, want := range map[string]bool{Path: true, Script: true, Path + "/": false, "/": false, Path + ".json": false, "/v1" + Path: false, "/.well-known/sallyport": false, "/.well-known/sallyport/challenge.js/x": false} {
		if got := At(strings.Split(strings.TrimPrefix(path, "/"), "/")); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// Strangers' bytes: no answer is taken that is not one, and no token that was not given.
func FuzzAnswer(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	k := keeper(f, &now)
	text, _ := k.issue(two)
	f.Add(fmt.Sprintf(`{"challenge":%q,"answer":%q}`, text, solve(text, 8)), text)
	f.Add(`{"challenge":"","answer":"1","more":[]}`, "")
	rest := strings.Split(strings.TrimPrefix(Path, "/"), "/")
	f.Fuzz(func(t *testing.T, body, token string) {
		e := &exchange.Exchange{Request: httptest.NewRequest("POST", "/", nil), Client: exchange.Client{Addr: one}}
		e.Request.Header[Field] = []string{token}
		if _, v := k.Answer(e, rest, strings.NewReader(body)); v.Passed() || k.Solved(e) {
			t.Fatalf("%q %q", body, token)
		}
	})
}

func BenchmarkKeeper(b *testing.B) {
	now := time.Unix(1_800_000_000, 0)
	k := keeper(b, &now)
	text, _ := k.issue(one)
	token, _, _ := k.redeem(b.Context(), one, text, solve(text, 8))
	e := &exchange.Exchange{Request: httptest.NewRequest("GET", "/", nil), Client: exchange.Client{Addr: one}}
	e.Request.Header[Field] = []string{token}
	b.Run("issue", func(b *testing.B) {
		for b.Loop() {
			k.issue(one)
		}
	})
	b.Run("solved", func(b *testing.B) {
		for b.Loop() {
			k.Solved(e)
		}
	})
	wrong := 0
	for zeros(sha256.Sum256([]byte(text+"."+strconv.Itoa(wrong)))) >= 8 {
		wrong++
	}
	b.Run("wrong", func(b *testing.B) {
		for b.Loop() {
			_, _, _ = k.redeem(b.Context(), one, text, strconv.Itoa(wrong))
		}
	})
}
