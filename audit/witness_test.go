package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// witness is one by the letter of C2SP tlog-witness, with the formats and proofs of transparency-dev.
type witness struct {
	Witness
	log    note.Verifier
	signer *f_note.Signer
	mu     sync.Mutex
	last   f_log.Checkpoint
	down   bool
}

func newWitness(t *testing.T, name string, log note.Verifier) *witness {
	t.Helper()
	secret, vkey, err := note.GenerateKey(rand.Reader, name)
	must(t, err)
	signer, err := f_note.NewSignerForCosignatureV1(secret)
	must(t, err)
	cosign, err := f_note.VKeyToCosignatureV1(vkey)
	must(t, err)
	w := &witness{log: log, signer: signer}
	w.Key, err = NewCosigner(cosign)
	must(t, err)
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	w.URL = s.URL + "/"
	return w
}

func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	head, signed, _ := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	c, _, n, err := f_log.ParseCheckpoint([]byte(signed), w.log.Name(), w.log)
	if w.down || r.URL.Path != "/add-checkpoint" || err != nil {
		http.Error(out, fmt.Sprint(err), http.StatusForbidden)
		return
	}
	var path [][]byte
	for _, l := range lines[1:] {
		h, _ := base64.StdEncoding.DecodeString(l)
		path = append(path, h)
	}
	switch {
	case lines[0] != fmt.Sprintf("old %d", w.last.Size):
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(http.StatusConflict)
		fmt.Fprintf(out, "%d\n", w.last.Size)
		return
	case w.last.Size > 0 && proof.VerifyConsistency(rfc6962.DefaultHasher, w.last.Size, c.Size, path, w.last.Hash, c.Hash) != nil:
		http.Error(out, "not consistent", http.StatusUnprocessableEntity)
		return
	}
	cosigned, err := note.Sign(&note.Note{Text: n.Text}, w.signer)
	if err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	w.last = *c
	_, lineOf, _ := bytes.Cut(cosigned, []byte("\n\n"))
	_, _ = out.Write(lineOf)
}

// Witnesses cosign what grows; what they have seen cannot be rolled back or forked, not even by who has the key.
func TestWitnesses(t *testing.T) {
	k, dir := newKey(t, "log.example/a"), t.TempDir()
	a, b := newWitness(t, "witness.example/a", k.Verifier), newWitness(t, "witness.example/b", k.Verifier)
	told := make(chan error, 10)
	o := Options{Dir: dir, Key: k, Witnesses: Witnesses{List: []Witness{a.Witness, b.Witness}, Every: time.Millisecond, Told: func(err error) { told <- err }}}
	both := Verification{Key: k.Verifier, Witnesses: []note.Verifier{a.Key, b.Key}}
	l := open(t, o)
	fill(t, l, 0, 300)
	cosigned(t, l, 300)
	fill(t, l, 300, 700)
	cosigned(t, l, 700)
	if r := verify(t, dir, both); len(r.Findings) > 0 || r.Cosigned != 700 {
		t.Errorf("%+v", r)
	}
	p, err := Prove(os.DirFS(dir), k.Verifier, 5)
	must(t, err)
	if _, _, n, err := f_log.ParseCheckpoint(p.Checkpoint, k.Verifier.Name(), k.Verifier, a.Key, b.Key); err != nil || len(n.Sigs) != 3 {
		t.Errorf("the proof has not all signatures: %v", err)
	}
	b.mu.Lock()
	b.down = true
	b.mu.Unlock()
	fill(t, l, 700, 800) // nobody waits for witnesses
	if err := <-told; err == nil || !strings.Contains(err.Error(), "1 of 2 witnesses cosigned") {
		t.Errorf("told: %v", err)
	}
	b.mu.Lock()
	b.down = false
	b.mu.Unlock()
	if err := <-told; err != nil {
		t.Errorf("told: %v", err)
	}
	cosigned(t, l, 800)
	l.Close()

	seen := read(t, dir, cosignedPath)
	x := take(t, dir, 800)
	x.leaves[20] = []byte("another")
	x.all(&k)
	write(t, dir, cosignedPath, seen)
	if r := verify(t, dir, both); !has(r, Forked, 0) {
		t.Errorf("a fork: %+v", r)
	}
	must(t, os.Remove(filepath.Join(dir, cosignedPath)))
	if r := verify(t, dir, both); !has(r, Unseen, 0) {
		t.Errorf("a fork without the cosigned checkpoint: %+v", r)
	}
	x.leaves = x.leaves[:600]
	x.all(&k)
	write(t, dir, cosignedPath, seen)
	if r := verify(t, dir, both); !has(r, RolledBack, 600) {
		t.Errorf("a rollback: %+v", r)
	}
	o.Witnesses.Told = func(err error) { told <- err }
	l = open(t, o) // there is nothing kept beside the key: only the witnesses remember
	fill(t, l, 600, 601)
	if err := <-told; !errors.Is(err, ErrRolledBack) {
		t.Errorf("told: %v", err)
	}
}

func cosigned(t *testing.T, l *Log, size int64) {
	t.Helper()
	for start := time.Now(); l.Stats().Cosigned != size; time.Sleep(time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("not cosigned: %+v", l.Stats())
		}
	}
}

// A witness that answers nonsense, or with somebody else's signature, has not cosigned.
func TestHostileWitness(t *testing.T) {
	k := newKey(t, "log.example/a")
	other := newWitness(t, "witness.example/a", k.Verifier)
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"nothing":                 func(http.ResponseWriter, *http.Request) {},
		"nonsense":                func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "— \x00 x\n") },
		"endless":                 func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) },
		"conflict without size":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) },
		"conflict for ever":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict); fmt.Fprint(w, "0\n") },
		"a redirect":              func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"another key's signature": other.ServeHTTP,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWitness(t, "witness.example/a", k.Verifier)
			s := httptest.NewServer(http.HandlerFunc(answer))
			defer s.Close()
			told := make(chan error, 1)
			l := open(t, Options{Dir: t.TempDir(), Key: k, Witnesses: Witnesses{List: []Witness{{URL: s.URL, Key: w.Key}}, Told: func(err error) { told <- err }}})
			fill(t, l, 0, 10)
			if err := <-told; err == nil || l.Stats().Cosigned != 0 {
				t.Errorf("told %v, %+v", err, l.Stats())
			}
			must(t, l.Close())
		})
	}
}

// The example of C2SP signed-note is verified; what is near a verifier key is none.
func TestCosignerKeys(t *testing.T) {
	for _, bad := range []string{"", "x", "a+b+c", "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"} {
		if _, err := NewCosigner(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzCheckpoint(f *testing.F) {
	secret, _ := NewKey("x")
	k, _ := ParseKey(secret)
	signed, _ := Checkpoint{Origin: "x", Size: 3}.sign(k.Signer)
	f.Add(string(signed))
	f.Add("x\n03\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCheckpoint(text)
		if err == nil && !strings.HasPrefix(text, c.text()) {
			t.Fatalf("%q is read as %q", text, c.text())
		}
		_, _, _ = OpenCheckpoint([]byte(text), k.Verifier)
	})
}

// Whatever stands in the files of a log, to verify it ends, with findings.
func FuzzVerify(f *testing.F) {
	k := newKey(f, "log.example/a")
	dir, _ := build(f, k, 300)
	f.Add([]byte("\x00\x01x"), "tile/entries/001.p/44")
	f.Add([]byte{}, "tile/0/000")
	f.Add([]byte("\xff\xff"), "tile/entries/000")
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		for _, p := range []string{"tile/entries/000", "tile/entries/001.p/44", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"} {
			if p != path {
				continue
			}
			whole := read(t, dir, p)
			if bytes.Equal(whole, data) {
				return
			}
			write(t, dir, p, data)
			r, err := Verify(context.Background(), os.DirFS(dir), Verification{Key: k.Verifier})
			write(t, dir, p, whole)
			if err != nil || len(r.Findings) == 0 && !bytes.HasPrefix(data, whole) {
				t.Fatalf("%s is %q: %v, %v", p, data, r, err)
			}
		}
	})
}
