package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event/sink"
)

func newRoute(c config.AlertRoute, o Options) (route, error) {
	if c.Name == "" {
		return nil, errors.New("a route needs a name")
	}
	var found []route
	var errs []error
	add := func(r route, err error) { found, errs = append(found, r), append(errs, err) }
	if w := c.Webhook; w != nil {
		add(newWebhook(*w, o))
	}
	if s := c.Slack; s != nil {
		add(newSlack(*s, o))
	}
	if p := c.PagerDuty; p != nil {
		add(newPagerDuty(*p, o))
	}
	if e := c.Email; e != nil {
		add(newMail(*e))
	}
	if len(found) != 1 {
		return nil, errors.New("a route is exactly one of webhook, slack, pagerduty and email")
	}
	return found[0], errors.Join(errs...)
}

// endpoint is where something is posted.
type endpoint struct {
	url     string
	client  *http.Client
	version string
}

// newEndpoint demands https and a public address, unless the config says otherwise: an alert must not become a way into
// the network behind the gateway.
func newEndpoint(ref string, private bool, o Options) (*endpoint, error) {
	where, err := config.Secret(ref)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(where)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("this is not an https URL") // it may hold a secret, and so is not shown
	}
	client, err := sink.Outside(sink.WebhookOptions{URL: where, AllowPrivate: private})
	return &endpoint{where, client, o.Version}, err
}

// post sends a body. An error never names the URL: those of webhooks are secrets.
func (e *endpoint) post(ctx context.Context, body any, sign func(http.Header, []byte)) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(text))
	if err != nil {
		return errors.New("the URL is not valid")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sallyport/"+e.version)
	if sign != nil {
		sign(req.Header, text)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return err
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the answer was %s: %.200q", resp.Status, said)
	}
	return nil
}
