package forward

import (
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 1.3 uses it as a checksum
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/exchange"
)

// CheckUpgrade judges a WebSocket handshake (RFC 6455 section 4.2.1). A browser's Origin must be allowed: allow says
// so; nil allows only the origin of the request's own host. Requests without Origin do not come from browsers and
// pass. HTTP/2 has another handshake (RFC 8441), which is not supported.
func CheckUpgrade(r *http.Request, allow func(origin string) bool) exchange.Verdict {
	if detail := badHandshake(r); detail != "" {
		return exchange.Refuse(exchange.BadUpgrade, detail)
	}
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return exchange.Pass
	}
	if allow == nil {
		allow = func(origin string) bool { return sameHost(origin, r.Host) }
	}
	if len(origins) > 1 || !allow(origins[0]) {
		return exchange.Refuse(exchange.CORSRefused, "the handshake's Origin is not allowed")
	}
	return exchange.Pass
}

func badHandshake(r *http.Request) string {
	key := r.Header["Sec-Websocket-Key"]
	switch {
	case r.Method != http.MethodGet || !r.ProtoAtLeast(1, 1) || r.ProtoMajor != 1:
		return "a WebSocket handshake is GET with HTTP/1.1"
	case r.ContentLength != 0:
		return "a WebSocket handshake has no body"
	case !upgrades(r.Header):
		return "a WebSocket handshake has Connection: Upgrade and Upgrade: websocket"
	case len(r.Header["Sec-Websocket-Version"]) != 1 || r.Header["Sec-Websocket-Version"][0] != "13":
		return "Sec-WebSocket-Version is not 13"
	case len(key) != 1 || !validKey(key[0]):
		return "Sec-WebSocket-Key is not 16 bytes in base64"
	}
	return ""
}

func upgrades(h http.Header) bool {
	up := h["Upgrade"]
	return len(up) == 1 && strings.EqualFold(up[0], "websocket") && hasToken(h["Connection"], "upgrade")
}

func validKey(key string) bool {
	raw, err := base64.StdEncoding.DecodeString(key)
	return err == nil && len(raw) == 16
}

// sameHost takes an origin as browsers write it (RFC 6454, section 6.2), scheme, host and port and nothing else: it is
// never parsed as a URL, in which a fragment or user could stand.
func sameHost(origin, host string) bool {
	scheme, at, found := strings.Cut(origin, "://")
	return found && (scheme == "http" || scheme == "https") && host != "" && strings.EqualFold(at, host)
}

// Upgrade sends a WebSocket handshake that [CheckUpgrade] has passed. The answer is either a 101 whose fields were
// verified against the handshake, to be given to [Tunnel], or one without upgrade, to be handled like any other. An
// answer that claims an upgrade without performing it is Broken and never becomes a tunnel (SECURITY-LESSONS 20).
// ctx bounds the handshake. Errors are *[Error], as those of [Upstream.RoundTrip], of which the rest holds too.
func (u *Upstream) Upgrade(ctx context.Context, e *exchange.Exchange, out *Request) (*http.Response, error) {
	if err := out.valid(); err != nil {
		return nil, &Error{Kind: Broken, Err: err}
	}
	h := outgoing(e, out)
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	resp, err := u.send(ctx, e, out, h, true)
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// badAccept compares the answer with the handshake (RFC 6455 section 4.1).
func badAccept(asked, got http.Header) string {
	accept, protocol := got["Sec-Websocket-Accept"], got["Sec-Websocket-Protocol"]
	switch {
	case !upgrades(got):
		return "no Upgrade: websocket"
	case len(asked["Sec-Websocket-Key"]) != 1 || len(accept) != 1 || accept[0] != acceptKey(asked["Sec-Websocket-Key"][0]):
		return "Sec-WebSocket-Accept does not match"
	case len(protocol) > 1 || len(protocol) == 1 && !hasToken(asked["Sec-Websocket-Protocol"], protocol[0]):
		return "a subprotocol that was not asked for"
	case len(got["Sec-Websocket-Extensions"]) > 0 && !offered(asked["Sec-Websocket-Extensions"], got["Sec-Websocket-Extensions"]):
		return "an extension that was not asked for"
	}
	return ""
}

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

// offered reports whether the names of all extensions in got were asked for.
func offered(asked, got []string) bool {
	names := extensions(asked)
	for _, name := range extensions(got) {
		if !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

func extensions(lines []string) []string {
	var names []string
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(element, ";")
			names = append(names, strings.ToLower(strings.Trim(name, " \t")))
		}
	}
	return names
}
