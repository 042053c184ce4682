package testkit

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	return redis(t, servers(), "--port", args)
}

// RedisTLS is [Redis] behind TLS, with a certificate of the authority for its address. Debian's servers know TLS, and come first.
func RedisTLS(t testing.TB, a *Authority) *RedisServer {
	t.Helper()
	pair := a.Server("127.0.0.1")
	cert, key := WriteFile(t, "cert.pem", CertPEM(pair.Leaf)), WriteFile(t, "key.pem", KeyPEM(t, pair))
	bins := servers()
	slices.Reverse(bins)
	return redis(t, bins, "--tls-port", []string{"--port", "0", "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"})
}

func redis(t testing.TB, bins []string, port string, args []string) *RedisServer {
	t.Helper()
	if len(bins) == 0 {
		t.Skip("there is neither Valkey nor Redis: apt-get install redis-server")
	}
	s := &RedisServer{Addr: FreeAddress(t), bin: bins[0], dir: t.TempDir(), args: args, port: port}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.Kill()
		}
	})
	s.Start(t)
	return s
}

// onServer names the one of the servers to a process whose tests are to be on it.
const onServer = "SALLYPORT_TEST_REDIS"

// servers are the paths of those that are installed, Valkey first; or the one that this process is to test on.
func servers() (bins []string) {
	if bin := os.Getenv(onServer); bin != "" {
		return []string{bin}
	}
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			bins = append(bins, path)
		}
	}
	return bins
}

// OnRedis runs every test of the package once more, on Redis, where they ran on Valkey before. It skips where not both are installed.
func OnRedis(t *testing.T) {
	bins := servers()
	switch {
	case os.Getenv(onServer) != "":
		t.Skip("this is the second time")
	case len(bins) < 2:
		t.Skip("not both of Valkey and Redis are installed")
	}
	again := exec.CommandContext(t.Context(), os.Args[0])
	again.Env = append(os.Environ(), onServer+"="+bins[1])
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatalf("on Redis: %v\n%s", err, out)
	}
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
