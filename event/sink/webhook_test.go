package sink

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// The receiver's side is the reference implementation of Standard Webhooks.
func TestWebhook(t *testing.T) {
	judge, err := webhooks.NewWebhook(whsec)
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]int
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := judge.Verify(body, r.Header); err != nil || r.Header.Get("Authorization") != "Bearer x" || r.Header.Get("Content-Type") != "application/json" {
			t.Error(err, r.Header)
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
		if judge.Verify(append(body, ' '), r.Header) == nil {
			t.Error("a changed body has the same signature")
		}
	}))
	defer hook.Close()
	secret, err := WebhookSecret(whsec)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWebhook(WebhookOptions{URL: hook.URL, Secret: secret, Header: map[string]string{"Authorization": "Bearer x"}, JSON: true, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	send(t, w, messages(0, 3))
	if len(got) != 3 || got[2]["n"] != 2 {
		t.Error(got)
	}
	if _, err := WebhookSecret("whsec_%"); err == nil {
		t.Error("a secret that is none is accepted")
	}
}

// What a server does not want is refused for good; what it cannot do now is tried again.
func TestWebhookAnswers(t *testing.T) {
	status := http.StatusOK
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer hook.Close()
	w, err := NewWebhook(WebhookOptions{URL: hook.URL, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for code, final := range map[int]bool{400: true, 413: true, 422: true, 401: false, 404: false, 429: false, 500: false, 302: false} {
		status = code
		err := w.Send(t.Context(), messages(0, 2))
		var refused *Refused
		if err == nil || errors.As(err, &refused) != final {
			t.Errorf("%d: %v", code, err)
		}
	}
}

// Nobody makes the gateway post to addresses inside by a name that leads there.
func TestWebhookStaysOutside(t *testing.T) {
	reached := false
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer inside.Close()
	if _, err := NewWebhook(WebhookOptions{URL: "http://192.0.2.1/"}); err == nil {
		t.Error("plain HTTP is accepted")
	}
	w, err := NewWebhook(WebhookOptions{URL: inside.URL, TLS: inside.Client().Transport.(*http.Transport).TLSClientConfig})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Send(t.Context(), messages(0, 1)); err == nil || reached {
		t.Errorf("a loopback address was reached: %v", err)
	}
}
