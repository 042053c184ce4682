package keyring

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A Transit is a root key that never leaves a key management service: the API of Vault's transit engine, as OpenBao and
// HashiCorp Vault have it. It may be used concurrently.
type Transit struct {
	url, key string
	token    func() (string, error)
	client   *http.Client
}

// maxTransit bounds an answer, in bytes.
const maxTransit = 64 << 10

// NewTransit is the key of that name, of a type that takes associated data (aes256-gcm96), of the engine at a URL such as
// https://vault.internal:8200/v1/transit. The token is asked for at each call, so that it may be replaced. roots are the
// authorities that are believed; nil: those of the system. An answer has ten seconds, and redirects, which would carry
// the token elsewhere, are not followed.
func NewTransit(url, key string, token func() (string, error), roots *x509.CertPool) *Transit {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return &Transit{strings.TrimSuffix(url, "/"), key, token, &http.Client{Timeout: 10 * time.Second, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Encrypt wraps a key, bound to what it is.
func (t *Transit) Encrypt(plain, what []byte) ([]byte, error) {
	text, err := t.ask("encrypt", map[string]string{"plaintext": base64.StdEncoding.EncodeToString(plain), "associated_data": base64.StdEncoding.EncodeToString(what)}, "ciphertext")
	return []byte(text), err
}

// Decrypt unwraps what Encrypt made, as long as the service has the version of the key that wrapped it.
func (t *Transit) Decrypt(wrapped, what []byte) ([]byte, error) {
	text, err := t.ask("decrypt", map[string]string{"ciphertext": string(wrapped), "associated_data": base64.StdEncoding.EncodeToString(what)}, "plaintext")
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(text)
}

// ask posts a question and returns a field of the answer's data. Errors tell what the service says, never what was sent.
func (t *Transit) ask(what string, question map[string]string, field string) (string, error) {
	token, err := t.token()
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(question)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequest(http.MethodPost, t.url+"/"+what+"/"+t.key, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("X-Vault-Token", token)
	r.Header.Set("X-Vault-Request", "true")
	r.Header.Set("Content-Type", "application/json")
	resp, err := t.client.Do(r)
	if err != nil {
		return "", fmt.Errorf("the key management service: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data   map[string]any `json:"data"`
		Errors []string       `json:"errors"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxTransit)).Decode(&answer)
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the key management service answers %d: %s", resp.StatusCode, strings.Join(answer.Errors, "; "))
	}
	text, _ := answer.Data[field].(string)
	if err == nil && text == "" {
		err = errors.New("there is nothing in it")
	}
	if err != nil {
		return "", fmt.Errorf("the answer of the key management service: %w", err)
	}
	return text, nil
}
