package lab

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var webhookRoutes = []route{
	{"GET /v1/webhooks", signedIn, listWebhooks},
	{"POST /v1/webhooks", signedIn, createWebhook},
	{"GET /v1/webhooks/{webhookId}", signedIn, getWebhook},
	{"DELETE /v1/webhooks/{webhookId}", signedIn, deleteWebhook},
	{"POST /v1/webhooks/{webhookId}/test", signedIn, testWebhook},
}

func (c *call) webhook() *webhook {
	h := find(c.s.webhooks, func(h *webhook) bool { return h.ID == c.r.PathValue("webhookId") })
	if h == nil {
		c.missing("webhook")
	}
	return h
}

// ownWebhook is webhook, and 404 when it belongs to somebody else.
func (c *call) ownWebhook() *webhook {
	h := c.webhook()
	if h != nil && !c.owns(h.CustomerID) {
		c.missing("webhook")
		return nil
	}
	return h
}

func listWebhooks(c *call) {
	c.json(http.StatusOK, map[string]any{"items": filter(c.s.webhooks, func(h *webhook) bool { return h.CustomerID == c.me.ID })})
}

func createWebhook(c *call) {
	var in webhook
	if !c.read(&in) {
		return
	}
	if find(c.s.webhooks, func(h *webhook) bool { return h.CustomerID == c.me.ID && h.URL == in.URL }) != nil {
		c.problem(http.StatusConflict, "There is a webhook with this URL")
		return
	}
	n := c.s.next("webhook")
	in.ID, in.CustomerID, in.CreatedAt = fmt.Sprintf("00000000-0000-4000-b000-%012x", n), c.me.ID, c.s.now()
	shown := in
	shown.Secret = "whsec_" + strings.TrimSuffix(tagOf([]byte(in.ID))[1:], `"`)
	c.s.webhooks = append(c.s.webhooks, &in)
	c.w.Header().Set("Location", "/v1/webhooks/"+in.ID)
	c.w.Header().Set("Cache-Control", "no-store")
	c.json(http.StatusCreated, &shown)
}

func getWebhook(c *call) {
	if h := c.ownWebhook(); h != nil {
		c.json(http.StatusOK, h)
	}
}

// deleteWebhook removes a webhook.
// flaw BOLA-9: anybody's.
func deleteWebhook(c *call) {
	h := c.webhook()
	if h == nil {
		return
	}
	c.s.webhooks = slices.DeleteFunc(c.s.webhooks, func(o *webhook) bool { return o == h })
	c.w.WriteHeader(http.StatusNoContent)
}

// testWebhook delivers a sample event.
// flaw SSRF-1, SSRF-3, SSRF-4: to any address that the server can reach, and shows the answer.
func testWebhook(c *call) {
	h := c.ownWebhook()
	if h == nil {
		return
	}
	var got fetched
	var err error
	sample := []byte(`{"event":"` + h.Events[0] + `","sample":true}`)
	c.outside(func() { got, err = c.l.net.fetch(c.r.Context(), http.MethodPost, h.URL, sample) })
	if err != nil {
		c.json(http.StatusOK, map[string]any{"delivered": false, "error": "no route to the receiver"})
		return
	}
	c.json(http.StatusOK, map[string]any{"delivered": got.status < 300, "status": got.status, "excerpt": got.excerpt(500)})
}
