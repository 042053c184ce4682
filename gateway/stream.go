package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/forward"
	"github.com/sallyport/sallyport/listen"
)

// streamIdle closes a tunnel on which nothing moves.
const streamIdle = 5 * time.Minute

// stream serves an operation that declares streaming: its head was judged like any other; bodies pass as they arrive.
// An answer that is not the declared stream (an error, say) is judged like any other answer. ctx bounds what comes
// before the stream; itself it lives as long as both ends want it to.
func (x *serving) stream(ctx context.Context) exchange.Verdict {
	x.span.Propagate(&x.e.Outgoing)
	switch x.plan.streaming {
	case "websocket":
		return x.upgrade(ctx)
	case "sse":
		if v := x.readBody(ctx); !v.Passed() {
			return v
		}
		if v := x.ask(ctx, x.plan.phases[exchange.OnBody]); !v.Passed() {
			return v
		}
	}
	ctx, cancel := context.WithCancel(x.r.Context())
	defer cancel()
	resp, err := x.api.upstream.RoundTrip(ctx, &x.e, x.outgoing())
	if err != nil {
		return x.failed(err)
	}
	defer resp.Body.Close()
	return x.streamed(ctx, resp)
}

func (x *serving) streamed(ctx context.Context, resp *http.Response) exchange.Verdict {
	x.describe(resp)
	if v := x.ask(ctx, x.plan.phases[exchange.OnResponseHead]); !v.Passed() {
		return v
	}
	judged := x.plan.streaming == "sse" && !events(resp) || x.plan.streaming == "websocket"
	if judged && len(x.plan.phases[exchange.OnResponseBody]) > 0 && !bodiless(x.method, resp) {
		return x.judge(ctx, resp)
	}
	if v := x.overEvents(resp); !v.Passed() {
		return v
	}
	return x.pass(resp)
}

func (x *serving) upgrade(ctx context.Context) exchange.Verdict {
	if v := x.checkUpgrade(); !v.Passed() {
		return v
	}
	resp, err := x.api.upstream.Upgrade(ctx, &x.e, x.outgoing())
	if err != nil {
		return x.failed(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return x.streamed(ctx, resp)
	}
	x.describe(resp)
	x.e.Reply.Apply(x.w.Header())
	x.status = http.StatusSwitchingProtocols
	moved, err := forward.Tunnel(x.r.Context(), x.w, resp, streamIdle, listen.Leaving(x.r))
	x.abort = err != nil && moved == (forward.Traffic{}) // never opened; later, either end may cut it at any time
	x.bytesIn, x.bytesOut = moved.FromClient, moved.FromUpstream
	return exchange.Pass
}

// checkUpgrade judges the handshake. Whether its origin may be a foreign one is a matter of protect.cors, and so of its
// mode; what else is wrong with it leaves it without a single meaning.
func (x *serving) checkUpgrade() exchange.Verdict {
	var allowed func(origin string) bool // nil: pages of the same host
	if x.plan.cors != nil {
		allowed = x.plan.cors.Allows
	}
	v := forward.CheckUpgrade(x.r, allowed)
	if v.Passed() || v.Reason != exchange.CORSRefused || x.plan.corsMode == config.Enforce {
		return v
	}
	if x.plan.corsMode == config.Monitor {
		x.note("protect.cors", v)
	}
	return exchange.Pass
}
