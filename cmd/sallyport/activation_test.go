//go:build unix

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/testkit"
)

// activated is a gateway that is started with a socket, as systemd does, and told where its manager listens.
type activated struct {
	t       *testing.T
	gate    *net.TCPListener
	manager *net.UnixConn
	mu      sync.Mutex
	told    []string
}

func newActivated(t *testing.T) *activated {
	t.Helper()
	a := &activated{t: t}
	gate, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gate.Close() })
	a.gate = gate
	dir, err := os.MkdirTemp("", "notify") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	at := &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unixgram"}
	if a.manager, err = net.ListenUnixgram("unixgram", at); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.manager.Close() })
	go a.listen()
	return a
}

func (a *activated) listen() {
	for buf := make([]byte, 4096); ; {
		n, err := a.manager.Read(buf)
		if err != nil {
			return
		}
		a.mu.Lock()
		a.told = append(a.told, strings.Split(string(buf[:n]), "\n")...)
		a.mu.Unlock()
	}
}

// hears waits until the manager was told something that begins so, and forgets everything before it.
func (a *activated) hears(prefix string) {
	a.t.Helper()
	await(a.t, prefix, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		i := slices.IndexFunc(a.told, func(s string) bool { return strings.HasPrefix(s, prefix) })
		a.told = a.told[i+1:]
		return i >= 0
	})
}

// start starts the gateway for listeners on address with this socket: the shell knows its process id before it becomes
// the gateway.
func (a *activated) start(address string, flags ...string) *exec.Cmd {
	a.t.Helper()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") }))
	a.t.Cleanup(up.Close)
	cmd := exec.Command("sh", append([]string{"-c", `export LISTEN_PID=$$; exec "$@"`, "sh", "sallyport", "run",
		"--upstream", up.URL, "--listen", address, "--admin", "off"}, flags...)...)
	cmd.Dir = a.t.TempDir()
	cmd.Env = append(os.Environ(), "LISTEN_FDS=1", "LISTEN_FDNAMES=gate.socket", "NOTIFY_SOCKET="+a.manager.LocalAddr().String(), "WATCHDOG_USEC=200000")
	f, err := a.gate.File()
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { f.Close() })
	cmd.ExtraFiles = []*os.File{f}
	return cmd
}

// A client that comes while no gateway runs waits in the socket and is served by the one that is started; the service
// manager hears how it stands.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	a := newActivated(t)
	answered := make(chan int, 1)
	patient := &http.Client{Timeout: time.Minute}
	go func() {
		resp, err := patient.Get("http://" + a.gate.Addr().String())
		if err != nil {
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	var log counting
	cmd := a.start(a.gate.Addr().String())
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if status := <-answered; status != http.StatusOK {
		t.Errorf("%d: %s", status, log.tail())
	}
	a.hears("READY=1")
	a.hears("WATCHDOG=1")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	a.hears("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, log.tail())
	}
}

// The manager follows a reload and an upgrade: it hears which process is the main one from now on.
func TestManagerFollows(t *testing.T) {
	t.Parallel()
	a := newActivated(t)
	cmd := a.start(a.gate.Addr().String())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a.hears("READY=1")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"RELOADING=1", "MONOTONIC_USEC=", "READY=1"} {
		a.hears(want)
	}
	if err := cmd.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	var pid int
	await(t, "MAINPID", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, s := range a.told {
			if n, _ := fmt.Sscanf(s, "MAINPID=%d", &pid); n == 1 {
				return true
			}
		}
		return false
	})
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	if err := cmd.Wait(); err != nil {
		t.Errorf("the predecessor ended with %v", err)
	}
	if status := get("http://" + a.gate.Addr().String()); status != http.StatusOK {
		t.Errorf("the successor answers %d", status)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	a.hears("STOPPING=1")
	await(t, "the end of the successor", func() bool { return gone(pid) })
}

// A socket that no listener has would let its clients wait for ever.
func TestForeignSocket(t *testing.T) {
	t.Parallel()
	a := newActivated(t)
	out, err := a.start("127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), a.gate.Addr().String()+" (gate.socket)") {
		t.Errorf("%v: %s", err, out)
	}
}

// systemd's own program agrees with ours on what activation is.
func TestSystemdSocketActivate(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-socket-activate"); err != nil {
		t.Skip("systemd-socket-activate is not installed: apt-get install systemd")
	}
	address, err := testkit.FindAddress()
	if err != nil {
		t.Fatal(err)
	}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") }))
	t.Cleanup(up.Close)
	gateway, err := exec.LookPath("sallyport")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("systemd-socket-activate", "-l", address, gateway, "run", "--upstream", up.URL, "--listen", address, "--admin", "off")
	cmd.Dir = t.TempDir()
	var log counting
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: time.Minute}
	await(t, "an answer", func() bool { // the first one finds nobody who listens, yet
		resp, err := client.Get("http://" + address)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, log.tail())
	}
}
