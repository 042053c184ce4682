//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a gateway that was started with a spec and an upstream, and nothing else, opens to the world: nothing. The data
// listener and the admin listener are on loopback, there is no third, and the token is another one each time. Lesson 24 of
// docs/lessons.md.
func TestLesson24(t *testing.T) {
	t.Parallel()
	tokens := map[string]bool{}
	for range 2 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), []byte(siegeSpec), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.Command("sallyport", "run", "--spec", "openapi.yaml", "--upstream", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
		c.Dir = dir
		out, err := c.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
		var admin, token string
		for lines := bufio.NewScanner(out); token == "" && lines.Scan(); {
			if _, url, ok := strings.Cut(lines.Text(), "sallyport: admin http"); ok {
				admin = "http" + url
			}
			if _, told, ok := strings.Cut(lines.Text(), "kept as a hash): "); ok {
				token = told
			}
		}
		if len(token) < 40 || tokens[token] {
			t.Errorf("the token is %q", token)
		}
		tokens[token] = true
		open := listening(t, c.Process.Pid)
		if len(open) != 2 || slices.ContainsFunc(open, func(a net.IP) bool { return !a.IsLoopback() }) {
			t.Errorf("sockets at %v", open)
		}
		if limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", c.Process.Pid)); err != nil || !coreless.Match(limits) {
			t.Errorf("a crash may leave a core file: %v %s", err, limits)
		}
		if status := get(admin + "/api/v1/posture"); status != http.StatusUnauthorized {
			t.Errorf("without the token: %d", status)
		}
	}
	for _, args := range [][]string{{"--admin", "0.0.0.0:0"}, {"--admin", "[::]:0"}, {"--listen", "0.0.0.0:0"}} {
		c := exec.Command("sallyport", append([]string{"run", "--upstream", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args...)...)
		c.Dir = t.TempDir()
		stop := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
		text, err := c.CombinedOutput()
		stop.Stop()
		if err == nil || !bytes.Contains(text, []byte("loopback")) {
			t.Errorf("%v: %v %s", args, err, text)
		}
	}
}

// coreless is what the system says of a process that leaves no core file.
var coreless = regexp.MustCompile(`Max core file size +0 +0 `)

// listening are the addresses on which a process accepts connections or takes datagrams.
func listening(t *testing.T, pid int) (all []net.IP) {
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	mine := map[string]bool{}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, "socket:[") {
			mine[strings.Trim(to, "socket:[]")] = true
		}
	}
	for table, state := range map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == state && mine[f[9]] {
				all = append(all, hexAddress(f[1]))
			}
		}
	}
	return all
}

// hexAddress reads what /proc/net/tcp says: words of four bytes, the last one first.
func hexAddress(s string) net.IP {
	text, _, _ := strings.Cut(s, ":")
	ip, _ := hex.DecodeString(text) // by the kernel
	for word := range slices.Chunk(ip, 4) {
		slices.Reverse(word)
	}
	return ip
}
