package forward

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
)

// brokenBody ends in the middle, as a body with malformed chunks does, or when a client stalls and the time is over.
type brokenBody struct {
	io.Reader
	after time.Duration
}

func (brokenBody) Close() error { return nil }

func (b brokenBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		time.Sleep(b.after)
		err = errors.New("malformed chunk, or no more in time")
	}
	return n, err
}

// Clients that send bodies which break off, or do not come, are no reason to send nobody's requests any more.
func TestUnreadBodiesOpenNoBreaker(t *testing.T) {
	u := startUpstream(t, config.Upstream{Breaker: config.Breaker{Failures: 2}}, testkit.NewUpstream(t, "").URL)
	for name, after := range map[string]time.Duration{"broken off": 0, "stalled": 200 * time.Millisecond} {
		for range 3 {
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			body := brokenBody{strings.NewReader("ab"), after}
			_, err := u.RoundTrip(ctx, stranger(), &Request{Method: http.MethodPost, Path: "/", Host: "h", Stream: body, Length: -1})
			cancel()
			var failed *Error
			if !errors.As(err, &failed) || failed.Kind != Unread || failed.Reason() != exchange.BodyIncomplete {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, _, err := fetch(u, &Request{Method: http.MethodGet, Path: "/", Host: "h"}); err != nil {
		t.Errorf("after them, an honest request: %v", err)
	}
}
