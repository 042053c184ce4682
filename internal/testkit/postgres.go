package testkit

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Postgres starts a PostgreSQL server of its own for the test, on a socket in a temporary folder, and returns what makes
// URLs of new, empty databases. It skips where Debian's package postgresql is not installed. The server runs without
// fsync, and for tests in memory, which takes it half of the time: it outlives nothing.
func Postgres(t testing.TB) (database func() string) {
	t.Helper()
	bin, ok := postgresBin()
	if !ok {
		t.Skip("there is no PostgreSQL: apt-get install postgresql")
	}
	dir, err := os.MkdirTemp(memory(t), "pg") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir, cmd.SysProcAttr = dir, unprivileged(t, dir)
		return cmd
	}
	data := filepath.Join(dir, "data")
	if out, err := run("initdb", "-D", data, "-U", "sallyport", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	server := run("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60", "-c", "shared_buffers=256MB")
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // at once
		_ = server.Wait()                          // it was told to
	})
	psql := func(statement string) error {
		out, err := run("psql", "-h", dir, "-U", "sallyport", "-d", "postgres", "-qc", statement).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	for deadline := time.Now().Add(time.Minute); psql("SELECT 1") != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("PostgreSQL doesn't start:\n%s", text)
		}
	}
	n := 0
	return func() string {
		n++
		name := "test" + strconv.Itoa(n)
		if err := psql("CREATE DATABASE " + name); err != nil {
			t.Fatal(err)
		}
		return "postgres:///" + name + "?" + url.Values{"host": {dir}, "user": {"sallyport"}}.Encode()
	}
}

// memory is a folder in memory with room for the database of a test, or "" for that of temporary files. Benchmarks are on the
// disk, as operators are. Containers have 64 MiB there by default.
func memory(t testing.TB) string {
	const folder, room = "/dev/shm", 2 << 30
	var s unix.Statfs_t
	if _, bench := t.(*testing.B); bench || unix.Statfs(folder, &s) != nil || s.Bavail*uint64(s.Bsize) < room || unix.Access(folder, unix.W_OK) != nil {
		return ""
	}
	return folder
}

// HasPostgres tells whether [Postgres] would not skip.
func HasPostgres() bool {
	_, ok := postgresBin()
	return ok
}

// postgresBin is where the server's programs are; Debian keeps them out of the path.
func postgresBin() (dir string, ok bool) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		path, err := exec.LookPath("initdb")
		return filepath.Dir(path), err == nil
	}
	return filepath.Dir(found[len(found)-1]), true
}

// unprivileged lets another user own dir and run the server where the test runs as root, as which it refuses to.
func unprivileged(t testing.TB, dir string) *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	t.Skip("PostgreSQL does not run as root, and there is nobody else")
	return nil
}
