package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// requests are what attackers of a kind send over HTTP/1.1, on a connection that they keep; n counts them all.
var requests = map[string]func(f *force, n int64) string{
	"anonymous": func(*force, int64) string { return "GET /orders HTTP/1.1\r\nHost: api\r\n\r\n" },
	"forged": func(f *force, n int64) string {
		return "GET /orders HTTP/1.1\r\nHost: api\r\nAuthorization: " + forged(f.Token, n%forgeries) + "\r\n\r\n"
	},
	"bodies": func(f *force, _ int64) string {
		body := `{"note":"` + costly(1000) + `"}`
		return fmt.Sprintf("POST /orders HTTP/1.1\r\nHost: api\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", f.Other, len(body), body)
	},
}

const (
	forgeries  = 50_000
	floodFrom  = 200 // addresses
	floodEach  = 20  // requests a second of one address
	shakesEach = 10  // handshakes a second of one address
)

// forged is a token with a signature that is none, of which there are so many.
func forged(token string, n int64) string {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	signature := make([]byte, 86)
	for i := range signature {
		const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		signature[i] = base64url[random.IntN(64)]
	}
	signature[85] = "AQgw"[random.IntN(4)] // 64 bytes leave four bits of the last letter unused
	return token[:strings.LastIndexByte(token, '.')+1] + string(signature)
}

// costly is a text that never comes again and is full of what rules look for, without being an attack.
func costly(n int) string {
	words := []string{"select", "the", "union", "of", "workers", "script", "from", "where", "order", "by", "sleep", "(mm)", "eval", "2=3?", "exec", "javascript", "alert", "drop", "table", "/etc", "insert", "into", "like", "or", "and", "it's", "--", "cmd", "bash"}
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%s%d ", words[rand.IntN(len(words))], rand.IntN(1000))
	}
	return b.String()[:n]
}

// keepAsking sends requests of a kind at the rate of one address, until the connection ends or the attack does.
func (f *force) keepAsking(c *tls.Conn, request func(*force, int64) string) {
	answers := bufio.NewReader(c)
	for f.pause(time.Second / floodEach) {
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(c, request(f, f.asked.Add(1))); err != nil {
			return
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			return
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if f.pieces.Add(1); err != nil || resp.Close {
			return
		}
	}
}

// floodNet is where attackers are: addresses for benchmarks (RFC 2544), because clients of loopback are spared much.
const floodNet = "198.18.0.0/15"

func flooder(n int64) net.IP { return net.IPv4(198, 18, 0, byte(n%floodFrom+1)) }

// shake begins connections and leaves them after the handshake.
func (f *force) shake(n int64) {
	f.all.Go(func() {
		for f.pause(time.Second / shakesEach) {
			c, err := f.dialFrom(flooder(n), "http/1.1")
			if err != nil {
				f.denied.Add(1)
				continue
			}
			f.pieces.Add(1)
			c.NetConn().Close()
		}
	})
}

// shakeQUIC does the same by QUIC.
func (f *force) shakeQUIC(n int64) {
	f.overQUIC(n, func(dial func() (*quic.Conn, error)) {
		for f.pause(time.Second / shakesEach) {
			c, err := dial()
			if err != nil {
				f.denied.Add(1)
				continue
			}
			f.pieces.Add(1)
			_ = c.CloseWithError(0, "") // whatever becomes of it
		}
	})
}

// askHTTP3 sends requests without a token, over connections that are kept.
func (f *force) askHTTP3(n int64) {
	f.overQUIC(n, func(dial func() (*quic.Conn, error)) {
		for f.pause(time.Duration(50+n%50) * time.Millisecond) {
			c, err := dial()
			if err != nil {
				f.denied.Add(1)
				continue
			}
			f.held.Add(1)
			f.keepAskingHTTP3(c)
			f.held.Add(-1)
			f.cut.Add(1)
		}
	})
}

func (f *force) keepAskingHTTP3(c *quic.Conn) {
	way := new(http3.Transport).NewClientConn(c)
	defer c.CloseWithError(0, "")
	for f.pause(time.Second / floodEach) {
		r, err := http.NewRequest(http.MethodGet, "https://api/orders", nil)
		if err != nil {
			return
		}
		resp, err := way.RoundTrip(r)
		if err != nil {
			return
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if f.pieces.Add(1); err != nil {
			return
		}
	}
}

// overQUIC lets one more attacker dial from a socket of an address that few others have.
func (f *force) overQUIC(n int64, act func(dial func() (*quic.Conn, error))) {
	f.all.Go(func() {
		socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: flooder(n)})
		if err != nil {
			f.denied.Add(1)
			return
		}
		defer socket.Close()
		way := &quic.Transport{Conn: socket}
		defer way.Close()
		at := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(f.Target))
		act(func() (*quic.Conn, error) {
			ctx, end := context.WithTimeout(context.Background(), 5*time.Second)
			defer end()
			return way.Dial(ctx, at, &tls.Config{InsecureSkipVerify: true, ServerName: "127.0.0.1", NextProtos: []string{http3.NextProtoH3}}, &quic.Config{MaxIdleTimeout: 10 * time.Second})
		})
	})
}

// ask lets one more attacker send requests from an address that few others have.
func (f *force) ask(kind string, n int64) {
	f.all.Go(func() {
		for f.pause(time.Duration(50+n%50) * time.Millisecond) {
			c, err := f.dialFrom(flooder(n), "http/1.1")
			if err != nil {
				f.denied.Add(1)
				continue
			}
			f.held.Add(1)
			f.keepAsking(c, requests[kind])
			c.NetConn().Close()
			f.held.Add(-1)
			f.cut.Add(1)
		}
	})
}
