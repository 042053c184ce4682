package alert

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// webhook posts the alerts of a group in one message: {"type": "alerts", "timestamp": …, "data": [ … ]}, signed as Standard
// Webhooks (version 1) has it.
type webhook struct {
	*endpoint
	secret []byte
}

func newWebhook(c config.AlertWebhook, o Options) (route, error) {
	e, err := newEndpoint(c.URL, c.AllowPrivate, o)
	if err != nil {
		return nil, err
	}
	text, err := secret(c.Secret)
	if err != nil {
		return nil, err
	}
	key := []byte(text)
	if encoded, ok := strings.CutPrefix(text, "whsec_"); ok {
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, errors.New("the secret begins with whsec_, but what follows is not base64")
		}
	}
	return &webhook{e, key}, nil
}

func (w *webhook) send(ctx context.Context, list []Alert) error {
	now := time.Now()
	body := struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      []Alert   `json:"data"`
	}{"alerts", now.UTC(), list}
	return w.post(ctx, body, func(h http.Header, text []byte) {
		if len(w.secret) == 0 {
			return
		}
		id, stamp := "msg_"+rand.Text(), strconv.FormatInt(now.Unix(), 10)
		mac := hmac.New(sha256.New, w.secret)
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, text)
		h.Set("Webhook-Id", id)
		h.Set("Webhook-Timestamp", stamp)
		h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	})
}

// slack posts one text.
type slack struct{ *endpoint }

func newSlack(c config.AlertURL, o Options) (route, error) {
	e, err := newEndpoint(c.URL, c.AllowPrivate, o)
	return &slack{e}, err
}

// slackEscapes are the three that Slack asks for, so that no text becomes a mention of everybody.
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (s *slack) send(ctx context.Context, list []Alert) error {
	return s.post(ctx, map[string]string{"text": slackEscapes.Replace(textOf(list))}, nil)
}

// textOf lists alerts for people.
func textOf(list []Alert) string {
	var b strings.Builder
	for i, a := range list {
		if i == 20 {
			fmt.Fprintf(&b, "and %d more\n", len(list)-i)
			break
		}
		state := string(a.Severity)
		if !a.Resolved.IsZero() {
			state = "resolved"
		}
		fmt.Fprintf(&b, "[%s] %s\n", state, a.Summary)
		if a.Hint != "" && a.Resolved.IsZero() {
			fmt.Fprintf(&b, "    %s\n", a.Hint)
		}
		if len(a.Examples) > 0 && a.Resolved.IsZero() {
			fmt.Fprintf(&b, "    sallyport explain %s\n", a.Examples[len(a.Examples)-1])
		}
	}
	return b.String()
}

// pagerDuty sends each alert as an event of the Events API v2: trigger and resolve, told apart by rule and key.
type pagerDuty struct {
	*endpoint
	key string
}

func newPagerDuty(c config.AlertPagerDuty, o Options) (route, error) {
	where := c.URL
	if where == "" {
		where = "https://events.pagerduty.com/v2/enqueue"
	}
	e, err := newEndpoint(where, c.AllowPrivate, o)
	if err != nil {
		return nil, err
	}
	key, err := secret(c.RoutingKey)
	if err == nil && key == "" {
		err = errors.New("pagerduty needs a routing_key")
	}
	return &pagerDuty{e, key}, err
}

// pagerGrades are our severities in its words.
var pagerGrades = map[exchange.Severity]string{exchange.Info: "info", exchange.Low: "info", exchange.Medium: "warning", exchange.High: "error", exchange.Critical: "critical"}

func (p *pagerDuty) send(ctx context.Context, list []Alert) error {
	for _, a := range list {
		sum := sha256.Sum256([]byte(a.Rule + "\x00" + a.Key))
		body := map[string]any{"routing_key": p.key, "event_action": "trigger", "dedup_key": "sallyport-" + base64.RawURLEncoding.EncodeToString(sum[:12])}
		if !a.Resolved.IsZero() {
			body["event_action"] = "resolve"
		} else {
			body["payload"] = map[string]any{"summary": first(a.Summary, 1024), "source": "sallyport", "severity": pagerGrades[a.Severity],
				"timestamp": a.Since.UTC().Format(time.RFC3339), "class": a.Rule, "custom_details": a}
		}
		if err := p.post(ctx, body, nil); err != nil {
			return err
		}
	}
	return nil
}

func first(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
