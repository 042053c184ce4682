//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestUpgradesUnderLoad replaces a real process by another one, several times, by SIGUSR2, while clients with kept
// connections send by HTTP/1.1 and HTTP/2, some with a TLS handshake for each request, and others talk over WebSockets. Every request gets its answer, every WebSocket
// ends by Close 1001, and a successor that does not start changes nothing.
func TestUpgradesUnderLoad(t *testing.T) {
	t.Parallel()
	upgrades := 3
	if testing.Short() {
		upgrades = 2
	} else if os.Getenv("SALLYPORT_ALL") != "" {
		upgrades = 50
	}
	binary := filepath.Join(t.TempDir(), "sallyport")
	install(t, binary)
	g := startSoakedAs(t, binary, "--upgrade-timeout", "2m")
	u := &upgraded{soaked: g, pid: g.pid}
	t.Cleanup(u.end)
	defer g.load(8)()
	defer u.chat(4)()
	defer u.knock(2)()
	for i := range upgrades {
		id := u.refusal()
		u.upgrade()
		u.keeps(id, u.refusal())
		switch i {
		case 0:
			u.fails("a binary that ends", func() { replace(t, binary, "#!/bin/sh\nexit 3\n") })
			install(t, binary)
		case 1:
			u.fails("a config that is refused", func() { g.write("sallyport.yaml", "version: 1\nlistne: []\n") })
			g.write("sallyport.yaml", g.config(0))
		}
	}
	g.stop()
	t.Logf("%d upgrades, %d requests, %d failed; %d WebSockets, %d messages, %d ended in another way than by Close 1001, %d messages to be repeated",
		upgrades, g.sent.Load(), g.failed.Load(), u.dialled.Load(), u.messages.Load(), u.cut.Load(), u.repeated.Load())
}

// refusal is the id of a refused request.
func (u *upgraded) refusal() string {
	u.t.Helper()
	resp, err := http.Get(u.gate + "/nothing")
	if err != nil {
		u.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("X-Request-Id")
}

// upgraded is a gateway whose process changes.
type upgraded struct {
	*soaked
	pid      int // of the process that serves
	dialled  atomic.Int64
	messages atomic.Int64
	repeated atomic.Int64
	cut      atomic.Int64
}

// install puts this program to path, as a new file.
func install(t *testing.T, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, path, string(text))
}

// replace puts a program in the place of another one, as package managers do: a running one is not written to.
func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func (u *upgraded) signalTo(outcome string) {
	u.t.Helper()
	seen := u.log.count(outcome)
	if err := syscall.Kill(u.pid, syscall.SIGUSR2); err != nil {
		u.t.Fatal(err)
	}
	await(u.t, "a line of the log: "+outcome, func() bool { return u.log.count(outcome) > seen })
}

// upgrade replaces the process and waits until the old one is gone.
func (u *upgraded) upgrade() {
	u.t.Helper()
	u.signalTo("successor serves")
	old := u.pid
	u.pid = u.successor()
	if u.pid == old {
		u.t.Fatal("there is no other process")
	}
	await(u.t, "the end of the predecessor", func() bool { return gone(old) })
}

var successorPID = regexp.MustCompile(`"the successor serves","pid":(\d+)`)

func (u *upgraded) successor() int {
	all := successorPID.FindAllStringSubmatch(u.log.tail(), -1)
	if len(all) == 0 {
		return u.pid
	}
	pid, _ := strconv.Atoi(all[len(all)-1][1])
	return pid
}

// fails makes an upgrade that cannot succeed: the same process serves on.
func (u *upgraded) fails(what string, spoil func()) {
	u.t.Helper()
	spoil()
	u.signalTo("upgrade failed")
	if gone(u.pid) || get(u.admin+"/readyz") != http.StatusOK {
		u.t.Fatalf("%s took the gateway down", what)
	}
}

// gone tells whether a process has ended. Nobody may wait for it here but its parent, which is not always this test.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) != nil
	}
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return bytes.HasPrefix(state, []byte("Z"))
}

// end ends the last process: it holds what the test waits for, even where it came unasked.
func (u *upgraded) end() {
	u.pid = u.successor()
	_ = syscall.Kill(u.pid, syscall.SIGTERM)
	await(u.t, "the end of the last process", func() bool { return gone(u.pid) })
}

// knock sends with so many clients over TLS, half of them by HTTP/2, the others with a handshake for each request: some are
// under way whenever the process changes.
func (u *upgraded) knock(clients int) (stop func()) {
	for i := range clients {
		u.loop(u.secure, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: u.roots}, ForceAttemptHTTP2: i%2 == 0, DisableKeepAlives: i%2 == 1}, i)
	}
	return u.stop
}

// chat talks over so many WebSockets until stop.
func (u *upgraded) chat(clients int) (stop func()) {
	for range clients {
		u.clients.Go(func() {
			for n := 0; ; {
				select {
				case <-u.quit:
					return
				default:
					n = u.converse(n)
				}
			}
		})
	}
	return u.stop
}

// conversing is how long one message and its answer may take.
const conversing = 2 * time.Minute

// converse sends numbered messages from the n-th on, and returns the number of the one that has to be sent next: the first
// that was not answered.
func (u *upgraded) converse(n int) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	late := time.AfterFunc(conversing, cancel) // for each message anew: how long it is until the next upgrade nobody knows
	defer late.Stop()
	c, _, err := websocket.Dial(ctx, u.gate+"/chat", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {u.token}}})
	if err != nil {
		u.fail("couldn't open a WebSocket: %v", err)
		return n
	}
	defer c.CloseNow()
	u.dialled.Add(1)
	for ; ; n++ {
		late.Reset(conversing)
		word := strings.Repeat("x", n%2000) + strconv.Itoa(n)
		err := c.Write(ctx, websocket.MessageText, []byte(word))
		var got []byte
		if err == nil {
			_, got, err = c.Read(ctx)
		}
		switch {
		case websocket.CloseStatus(err) == websocket.StatusGoingAway:
			u.repeated.Add(1)
			return n
		case err != nil:
			u.cut.Add(1)
			u.fail("a WebSocket ended in another way than by Close 1001: %v", err)
			return n
		case string(got) != word:
			u.fail("%d bytes were answered by %d", len(word), len(got))
		}
		u.messages.Add(1)
		select {
		case <-u.quit:
			_ = c.Close(websocket.StatusNormalClosure, "")
			return n
		case <-time.After(time.Duration(n%5) * 100 * time.Millisecond):
		}
	}
}

// echo answers every message by itself.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, data, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, data) != nil {
			return
		}
	}
}
