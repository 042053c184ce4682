package differential

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"
)

//go:embed reader.js
var nodeReader string

//go:embed reader.py
var pythonReader string

func startNode(t testing.TB) *Upstream {
	return scripted(t, "node", installed(t, "node", "nodejs"), "-e", nodeReader)
}

func startPython(t testing.TB) *Upstream {
	return scripted(t, "python", installed(t, "python3"), "-c", pythonReader)
}

// scripted starts a script that writes its port, and then a line of JSON for each request before it answers.
func scripted(t testing.TB, name, program string, args ...string) *Upstream {
	c := exec.Command(program, args...)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	lines := bufio.NewReader(out)
	var port int
	if _, err := fmt.Fscanln(lines, &port); err != nil {
		t.Fatalf("%s did not start: %v", name, err)
	}
	u := newUpstream(name, fmt.Sprintf("http://127.0.0.1:%d", port))
	go u.listen(lines)
	return u
}

// said is one line of a script. Bytes are in base64, since what is in fields need not be text.
type said struct {
	Method, Target, Path string
	Query                [][2]string
	Header               [][2][]byte
	Body                 []byte
}

func (u *Upstream) listen(lines io.Reader) {
	for d := json.NewDecoder(lines); ; {
		var s said
		if err := d.Decode(&s); err != nil {
			return
		}
		r := Reading{Method: s.Method, Target: s.Target, Path: s.Path, Query: url.Values{}, Header: http.Header{}, Body: s.Body}
		for _, p := range s.Query {
			r.Query.Add(p[0], p[1])
		}
		for _, f := range s.Header {
			r.Header.Add(string(f[0]), string(f[1]))
		}
		r.Host = r.Header.Get("Host")
		r.Header = EndToEnd(r.Header)
		u.Readings <- r
	}
}

func readAll(r *http.Request) ([]byte, error) { return io.ReadAll(r.Body) }
