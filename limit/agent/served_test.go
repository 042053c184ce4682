package agent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/trust/signature"
)

// served is the directory of a handler, which nobody runs: a test loads it.
func served(t *testing.T, m *Memory, of http.HandlerFunc) *directory {
	t.Helper()
	s := httptest.NewServer(of)
	t.Cleanup(s.Close)
	d, err := m.directory("https://agent.test", config.Signer{Keys: s.URL, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// write serves a directory, signed by k for a host.
func write(w http.ResponseWriter, host string, k *pair, text string) {
	params := fmt.Sprintf(`("@authority";req);created=%d;expires=%d;keyid=%q;tag="http-message-signatures-directory"`, noon.Unix(), noon.Unix()+300, k.id)
	sum := ed25519.Sign(k.private, []byte("\"@authority\";req: "+host+"\n\"@signature-params\": "+params))
	w.Header().Set("Content-Type", signature.DirectoryType)
	w.Header().Set("Signature-Input", "a="+params)
	w.Header().Set("Signature", "a=:"+base64.StdEncoding.EncodeToString(sum)+":")
	_, _ = w.Write([]byte(text))
}

// Who copies a directory to another host, with its signatures, does not get its keys believed there; nor who signs with other keys.
func TestMirroredDirectory(t *testing.T) {
	k, other := newPair(t), newPair(t)
	var log bytes.Buffer
	m := NewMemory(Options{Now: func() time.Time { return noon }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	own := ""
	genuine := served(t, m, func(w http.ResponseWriter, r *http.Request) { own = r.Host; write(w, r.Host, k, directoryOf(k, other)) })
	if _, ok := genuine.load(t.Context()); !ok || genuine.ring(noon).Key(k.id, noon) == nil || genuine.ring(noon).Key(other.id, noon) == nil || log.Len() > 0 {
		t.Errorf("a genuine directory: %s", log.String())
	}
	for name, of := range map[string]http.HandlerFunc{
		"mirror": func(w http.ResponseWriter, _ *http.Request) { write(w, own, k, directoryOf(k, other)) },
		"forger": func(w http.ResponseWriter, r *http.Request) {
			write(w, r.Host, &pair{other.private, k.id, k.jwk}, directoryOf(k, other))
		},
	} {
		log.Reset()
		d := served(t, m, of)
		if _, ok := d.load(t.Context()); !ok || d.ring(noon).Key(k.id, noon) != nil || d.ring(noon).Key(other.id, noon) == nil {
			t.Errorf("%s: the key is believed, or another is not", name)
		}
		if !strings.Contains(log.String(), "its signature of the directory proves nothing") || !strings.Contains(log.String(), k.id) {
			t.Errorf("%s: nobody is told: %s", name, log.String())
		}
		a := &Agents{memory: m, signers: map[string]*signer{"https://agent.test": {origin: "https://agent.test", keys: d}}}
		if e := signing(k, name).signed(k); ask(t, a, e) != "signature.unknown" || e.Agent != nil {
			t.Errorf("%s: %+v", name, e.Findings)
		}
	}
}

// A directory is asked whether it has changed, and lives by what it says of itself; what it says of something else is nothing.
func TestUnchangedDirectory(t *testing.T) {
	k, other := newPair(t), newPair(t)
	at := noon
	m := NewMemory(Options{Now: func() time.Time { return at }})
	var answer func(w http.ResponseWriter, r *http.Request)
	asked := ""
	d := served(t, m, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("If-None-Match")
		answer(w, r)
	})
	whole := func(tag, control string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", tag)
			w.Header().Set("Cache-Control", control)
			write(w, r.Host, k, directoryOf(k))
		}
	}
	unchanged := func(tag, control string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			if tag != "" {
				w.Header().Set("ETag", tag)
			}
			w.Header().Set("Cache-Control", control)
			w.WriteHeader(http.StatusNotModified)
		}
	}
	long := `"` + strings.Repeat("x", 300) + `"`
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		asks   string
		fresh  time.Duration
		ok     bool
	}{
		{"unasked before anything", unchanged("", ""), "", 0, false},
		{"whole", whole(`"a"`, "max-age=600"), "", 10 * time.Minute, true},
		{"unchanged", unchanged(`W/"a"`, "max-age=1200"), `"a"`, 20 * time.Minute, true},
		{"unchanged, of nothing", unchanged("", ""), `"a"`, time.Hour, true},
		{"unchanged, and must not be kept", unchanged(`"a"`, "no-store"), `"a"`, time.Minute, true},
		{"unchanged, of something else", unchanged(`"b"`, ""), `"a"`, 0, false},
		{"unasked", unchanged(`"a"`, ""), "", 0, false}, {"unasked, of nothing", unchanged("", ""), "", 0, false},
		{"without a tag", whole("", "max-age=99999999"), "", 24 * time.Hour, true},
		{"with a long one", whole(long, ""), "", time.Hour, true},
		{"with a weak one", whole(`W/"c"`, ""), "", time.Hour, true},
		{"broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, `W/"c"`, 0, false},
		{"whole again", whole(`"d"`, ""), "", time.Hour, true},
	} {
		at, answer = at.Add(time.Second), c.answer
		fresh, ok := d.load(t.Context())
		if ok != c.ok || fresh != c.fresh || asked != c.asks {
			t.Errorf("%s: fresh for %v %v, asked with %q; want %v %v, %q", c.name, fresh, ok, asked, c.fresh, c.ok, c.asks)
		}
		if ring := d.ring(at); ok && (ring == nil || ring.Key(k.id, at) == nil || d.ring(at.Add(fresh+lastGood)) == nil || d.ring(at.Add(fresh+lastGood+1)) != nil) {
			t.Errorf("%s: the key does not hold as long as the directory, and a day more", c.name)
		}
	}

	// A key that is left out for its signature may be signed anew, with the same tag.
	answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"d"`)
		write(w, "mirror.test", k, directoryOf(k, other))
	}
	for _, want := range []string{`"d"`, ""} {
		if _, ok := d.load(t.Context()); !ok || asked != want || d.ring(at).Key(k.id, at) != nil || d.ring(at).Key(other.id, at) == nil {
			t.Errorf("asked with %q, want %q", asked, want)
		}
	}
}

// The setting stands above what the directory says.
func TestRefreshIsTheOperators(t *testing.T) {
	m := NewMemory(Options{Now: func() time.Time { return noon }})
	d := served(t, m, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=86400")
		write(w, r.Host, newPair(t), directoryOf())
	})
	d.every = 5 * time.Minute
	if fresh, ok := d.load(t.Context()); !ok || fresh != 5*time.Minute {
		t.Error(fresh, ok)
	}
}
