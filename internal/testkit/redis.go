package testkit

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A RedisServer is a real Valkey or Redis server of a test.
type RedisServer struct {
	Addr string
	bin  string
	dir  string
	args []string
	port string // --port or --tls-port
	cmd  *exec.Cmd
}

// Redis starts a Valkey or Redis server of its own for the test, without persistence, on a port of loopback. It skips where neither
// is installed. More arguments are as on its command line.
func Redis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	return redis(t, "--port", args)
}

// RedisTLS is [Redis] behind TLS, with a certificate of the authority for its address.
func RedisTLS(t testing.TB, a *Authority) *RedisServer {
	t.Helper()
	pair := a.Server("127.0.0.1")
	cert, key := WriteFile(t, "cert.pem", CertPEM(pair.Leaf)), WriteFile(t, "key.pem", KeyPEM(t, pair))
	return redis(t, "--tls-port", []string{"--port", "0", "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"})
}

func redis(t testing.TB, port string, args []string) *RedisServer {
	t.Helper()
	bin, ok := redisBin()
	if !ok {
		t.Skip("there is neither Valkey nor Redis: apt-get install redis-server")
	}
	s := &RedisServer{Addr: FreeAddress(t), bin: bin, dir: t.TempDir(), args: args, port: port}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.Kill()
		}
	})
	s.Start(t)
	return s
}

func redisBin() (string, bool) {
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// URL of the server.
func (s *RedisServer) URL() string { return "redis://" + s.Addr }

// Process of the server, to stop and to continue it.
func (s *RedisServer) Process() *os.Process { return s.cmd.Process }

// Start starts the server, empty, and waits until it listens.
func (s *RedisServer) Start(t testing.TB) {
	t.Helper()
	_, port, _ := net.SplitHostPort(s.Addr)
	log := filepath.Join(s.dir, "log")
	s.cmd = exec.Command(s.bin, append([]string{s.port, port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.dir, "--logfile", log}, s.args...)...)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", s.Addr); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log)
			t.Fatalf("%s doesn't start:\n%s", s.bin, text)
		}
	}
}

// Kill ends the server at once; what it knew is lost.
func (s *RedisServer) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // it was killed
	s.cmd = nil
}
