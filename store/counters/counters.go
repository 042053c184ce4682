// Package counters adds up in Valkey or Redis what the processes of one service have spent of their limits.
//
// One value is kept per key of a limit: its theoretical arrival time by the server's clock (see limit), and how many processes
// spend under it. A process tells what it spent since it last told, and gets to know what all have spent, for all keys
// together in one script. The server learns no names: keys are 128 bits of a keyed hash. A value expires when its TAT is past,
// so that the memory is that of the keys in use: about 200 bytes each.
package counters

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

//go:embed exchange.lua
var exchange string

// Alive is for how long a process counts after it was last heard of.
const Alive = 3 * time.Second

// MaxItems is how many keys one call may have: some milliseconds of the server's time, in which it serves nobody else.
const MaxItems = 512

// dialTimeout bounds what a context does not: a connection, its TLS handshake and its greeting.
const dialTimeout = time.Second

// An Item is one key of a limit in an exchange.
type Item struct {
	Key [16]byte
	// Spent is what was spent since the last exchange, as the time in which it comes back.
	Spent time.Duration
	// Since is how long ago the first of that was.
	Since time.Duration
	// Known is how far ahead the process knows the common TAT to be: what the server has lost it gets to know again.
	Known time.Duration
	// Most is how far ahead the common TAT may be.
	Most time.Duration
	// Window is that of the last answer; 0 at first.
	Window int64

	Ahead time.Duration // answer: how far ahead the common TAT is now; 0 where it is past
	Nodes int           // answer: processes that spend under the key, this one included
}

// Options of a Client.
type Options struct {
	// URL is redis://user:password@host:6379/0, or rediss:// with TLS.
	URL string
	// CA is a PEM file of the authorities that are believed for the server's certificate; "" are those of the system.
	CA string
	// Service keeps services apart that use one server.
	Service string
	// Node names the process among the others.
	Node string
}

// A Client talks with one server. It connects when it is first used, and again after it was lost. It is safe for concurrent use.
type Client struct {
	option rueidis.ClientOption
	prefix string
	node   string

	mu     sync.Mutex
	client rueidis.Client // nil: not connected
	clock  int64          // the server's, in microseconds, as it was last told …
	told   time.Time      // … and when that was; so it is rather later by now than this says, and no TAT is told later than it is
}

// New makes a client. The error is of the options only: the server may be away.
func New(o Options) (*Client, error) {
	option, err := rueidis.ParseURL(o.URL)
	if err != nil {
		return nil, errors.New("not the URL of a Valkey or Redis server") // the cause may quote the password
	}
	option.ForceSingleClient, option.DisableCache, option.DisableRetry = true, true, true
	option.ClientSetInfo = rueidis.DisableClientSetInfo
	option.Dialer.Timeout, option.ConnWriteTimeout = dialTimeout, dialTimeout
	if o.CA != "" {
		if option.TLSConfig == nil {
			return nil, errors.New("a CA is of use with rediss:// only")
		}
		if option.TLSConfig.RootCAs, err = authorities(o.CA); err != nil {
			return nil, err
		}
		option.TLSConfig.MinVersion = tls.VersionTLS12
	}
	// The braces keep all keys of a service in one slot of a cluster: one script touches them together.
	return &Client{option: option, prefix: "sallyport:1:{" + o.Service + "}:", node: o.Node}, nil
}

func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", file)
	}
	return pool, nil
}

// Exchange tells the server of the items, at most [MaxItems], as they were at a time just now, writes the answers into them, and
// returns how many processes there are. It may be called without items. After an error nobody knows whether the server has heard
// what was told.
func (c *Client) Exchange(ctx context.Context, at time.Time, items []Item) (nodes int, err error) {
	client, clock, err := c.connect(at)
	if err != nil {
		return 0, err
	}
	keys, args := make([]string, 1, 1+len(items)), make([]string, 2, 2+5*len(items))
	keys[0], args[0], args[1] = c.prefix+"nodes", c.node, number(Alive.Microseconds())
	for i := range items {
		x := &items[i]
		keys = append(keys, c.prefix+base64.RawURLEncoding.EncodeToString(x.Key[:]))
		since, known := int64(0), int64(0)
		if clock != 0 {
			since, known = clock-x.Since.Microseconds(), clock+x.Known.Microseconds()
		}
		args = append(args, number(int64((x.Spent+time.Microsecond-1)/time.Microsecond)), number(since), number(known), number(x.Most.Microseconds()), number(x.Window))
	}
	answer, err := script.Exec(ctx, client, keys, args).AsIntSlice()
	if err != nil {
		return 0, err
	}
	if len(answer) != 2+3*len(items) {
		return 0, fmt.Errorf("the server answers with %d numbers of %d", len(answer), 2+3*len(items))
	}
	for i := range items {
		a := answer[2+3*i:]
		items[i].Ahead, items[i].Nodes, items[i].Window = time.Duration(a[0])*time.Microsecond, int(a[1]), a[2]
	}
	c.mu.Lock()
	c.clock, c.told = answer[1], time.Now()
	c.mu.Unlock()
	return int(answer[0]), nil
}

var script = rueidis.NewLuaScript(exchange)

func number(n int64) string { return strconv.FormatInt(n, 10) }

// Leave takes the process off the list: the others need not wait until it is missed.
func (c *Client) Leave(ctx context.Context) error {
	client, _, err := c.connect(time.Now())
	if err != nil {
		return err
	}
	return client.Do(ctx, client.B().Zrem().Key(c.prefix+"nodes").Member(c.node).Build()).Error()
}

// connect makes the connection, where there is none, in at most the time of dialing; rueidis keeps it from then on. It returns the
// server's clock at a time as well, 0 where it is not known.
func (c *Client) connect(at time.Time) (client rueidis.Client, clock int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil {
		if c.client, err = rueidis.NewClient(c.option); err != nil {
			c.client = nil
			return nil, 0, err
		}
	}
	if c.clock != 0 {
		clock = c.clock + at.Sub(c.told).Microseconds()
	}
	return c.client, clock, nil
}

// Close ends the connection.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.Close()
		c.client = nil
	}
}
