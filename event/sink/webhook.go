package sink

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// WebhookOptions are those of an HTTP endpoint.
type WebhookOptions struct {
	URL          string
	Secret       []byte            // signs what is sent; empty: it is not signed
	Header       map[string]string // sent as it is: Authorization, say
	JSON         bool              // messages are JSON; else lines of text
	AllowPrivate bool              // the URL may be plain HTTP and lead to a private address
	TLS          *tls.Config
	Version      string // for User-Agent
}

// webhook posts batches, as a JSON array or as lines, signed as Standard Webhooks (version 1) has it: webhook-signature is the
// HMAC-SHA256 of "webhook-id.webhook-timestamp.body". The id of a batch is made anew when it is sent again, because the batch may be
// another one then; whoever must not count twice looks at the ids within.
type webhook struct {
	WebhookOptions
	client *http.Client
}

// NewWebhook checks the URL. Nothing is sent yet.
func NewWebhook(o WebhookOptions) (Sink, error) {
	client, err := Outside(o)
	if err != nil {
		return nil, err
	}
	return &webhook{WebhookOptions: o, client: client}, nil
}

// Outside is a client that reaches public addresses by TLS only, unless it is allowed more. Redirects are answers.
func Outside(o WebhookOptions) (*http.Client, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if !o.AllowPrivate {
		if !strings.HasPrefix(o.URL, "https://") {
			return nil, errors.New("the URL must begin with https://, unless allow_private is true")
		}
		dialer.Control = ssrf.New(ssrf.WithAnyPort()).Safe
	}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: o.TLS, ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

func (w *webhook) Batch() Batch {
	return Batch{Messages: 1000, Bytes: 1 << 20, Wait: 200 * time.Millisecond}
}

// Send posts the batch. 2xx takes it; the statuses by which a server says that this content is wrong are final.
func (w *webhook) Send(ctx context.Context, batch []Message) error {
	kind, join := "text/plain; charset=utf-8", lines
	if w.JSON {
		kind, join = "application/json", array
	}
	body := join(nil, batch) // not to be used again: a server that answers early leaves the transport reading it
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range w.Header {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", "sallyport/"+w.Version)
	Sign(req.Header, w.Secret, "msg_"+rand.Text(), time.Now(), body)
	return post(w.client, req, func(io.Reader) error { return nil })
}

// array joins messages that are JSON.
func array(b []byte, batch []Message) []byte {
	for i := range batch {
		b = append(append(b, "[,"[min(i, 1)]), batch[i].Body...)
	}
	return append(b, ']')
}

// Sign signs a message as Standard Webhooks (version 1) has it; without a secret it does nothing.
func Sign(h http.Header, secret []byte, id string, now time.Time, body []byte) {
	if len(secret) == 0 {
		return
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.", id, stamp)
	mac.Write(body)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// WebhookSecret reads a secret: whsec_ and base64, as Standard Webhooks writes it, or any other text as it is.
func WebhookSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, "whsec_")
	if !ok {
		return []byte(text), nil
	}
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("the secret begins with whsec_, but what follows is not base64")
	}
	return secret, nil
}

// final are the statuses by which a server says that it does not want what was sent, whoever sends it and whenever.
var final = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}

// post sends a request and judges the answer; what a 2xx says is for taken to judge.
func post(client *http.Client, req *http.Request, taken func(io.Reader) error) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	defer func() { _, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) }() // so that the connection can be used again
	if resp.StatusCode/100 == 2 {
		return taken(io.LimitReader(resp.Body, 64<<10))
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
	err = fmt.Errorf("it answered %s: %s", resp.Status, strings.Join(strings.Fields(string(said)), " "))
	if slices.Contains(final, resp.StatusCode) {
		return &Refused{Err: err}
	}
	return err
}

func (w *webhook) Close() error {
	w.client.CloseIdleConnections()
	return nil
}
