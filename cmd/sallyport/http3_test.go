package main

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/quic-go/quic-go/http3"
)

// TestHTTP3 asks a real process over HTTP/3: answers and refusals are those of the other versions.
func TestHTTP3(t *testing.T) {
	t.Parallel()
	g, _, secure := startEdge(t, http.HandlerFunc(echoOrText))
	tr := &http3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer tr.Close()
	ask := func(method, path string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "https://"+secure+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	if resp, body := ask(http.MethodGet, "/"); resp.StatusCode != http.StatusOK || body != "text" || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s %q %v", resp.Status, body, resp.Header)
	}
	for path, code := range map[string]string{"/nowhere": "openapi.unknown_operation", "/a/%2e%2e/b": "protocol.target"} {
		resp, body := ask(http.MethodGet, path)
		var problem struct{ Code string }
		if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Code != code || resp.Header.Get("Connection") != "" {
			t.Errorf("%s: %s %s %v", path, resp.Status, body, resp.Header)
		}
	}
	if n := g.metric("sallyport_connections_open"); n != 1 {
		t.Errorf("%d connections", n)
	}
	older := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer older.CloseIdleConnections()
	resp, err := (&http.Client{Transport: older}).Get("https://" + secure + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Header.Get("Alt-Svc") == "" {
		t.Errorf("%v", resp.Header)
	}
}
