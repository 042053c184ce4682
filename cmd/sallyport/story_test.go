package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sallyport": main})
}

// Each file in testdata is a story: real processes of the real binary, told by its commands. Beside those of
// testscript there are: upstream DIR (a service that answers METHOD/path from files), http (one request), await URL.
func TestStories(t *testing.T) {
	issuer := newStoryIssuer(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"GATE", "ADMIN"} {
				address, err := freeAddress()
				if err != nil {
					return err
				}
				env.Setenv(name, address)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"upstream": upstreamCmd, "http": httpCmd, "await": awaitCmd, "raw": rawCmd, "issuer": issuer.publish, "token": issuer.token},
	})
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// upstreamCmd serves DIR: a file "status" beside an answer changes 200, one named "type" its media type.
// What was received is appended to DIR/received.
func upstreamCmd(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	received, err := os.Create(filepath.Join(dir, "received"))
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(received, "%s %s\n", r.Method, r.RequestURI)
		_ = r.Header.Write(received)
		fmt.Fprintf(received, "\n%s\n", body)
		file := filepath.Join(dir, r.Method, filepath.FromSlash(r.URL.Path))
		data, err := os.ReadFile(file)
		if err != nil {
			http.Error(w, "no such file", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", or(file+".type", "application/json"))
		w.Header().Set("Server", "shop/1.2.3")
		var status int
		_, _ = fmt.Sscan(or(file+".status", "200"), &status)
		w.WriteHeader(status)
		_, _ = w.Write(bytes.TrimSpace(data))
	}))
	ts.Defer(server.Close)
	ts.Defer(func() { received.Close() })
	ts.Setenv("UP", server.URL)
}

func or(file, otherwise string) string {
	if data, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(data))
	}
	return otherwise
}

// httpCmd sends METHOD URL [NAME:VALUE …] [@FILE | =BODY] and prints status line, header and body. $ID is set to the
// exchange's id.
func httpCmd(ts *testscript.TestScript, _ bool, args []string) {
	var body io.Reader
	header := http.Header{}
	for _, a := range args[2:] {
		switch name, value, _ := strings.Cut(a, ":"); {
		case strings.HasPrefix(a, "@"):
			body = strings.NewReader(strings.TrimSuffix(ts.ReadFile(a[1:]), "\n"))
		case strings.HasPrefix(a, "="):
			body = strings.NewReader(a[1:])
		default:
			header.Add(name, value)
		}
	}
	req, err := http.NewRequest(args[0], args[1], body)
	ts.Check(err)
	req.Header = header
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), resp.Status)
	_ = resp.Header.Write(ts.Stdout())
	fmt.Fprintf(ts.Stdout(), "\n%s\n", data)
	ts.Setenv("ID", resp.Header.Get("X-Request-Id"))
}

// rawCmd sends FILE to the gateway as bytes, its lines ended by CRLF, and prints what comes back.
func rawCmd(ts *testscript.TestScript, _ bool, args []string) {
	conn, err := net.DialTimeout("tcp", ts.Getenv("GATE"), 5*time.Second)
	ts.Check(err)
	defer conn.Close()
	ts.Check(conn.SetDeadline(time.Now().Add(5 * time.Second)))
	_, err = io.WriteString(conn, strings.ReplaceAll(ts.ReadFile(args[0]), "\n", "\r\n"))
	ts.Check(err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	ts.Check(err)
	defer resp.Body.Close()
	if resp.Close {
		resp.Header.Set("Connection", "close")
	}
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s %s\n", resp.Proto, resp.Status)
	_ = resp.Header.Write(ts.Stdout())
	fmt.Fprintf(ts.Stdout(), "\n%s\n", body)
}

// storyIssuer is an identity provider for stories.
type storyIssuer struct {
	t      *testing.T
	issuer *testkit.Issuer
	key    testkit.Key
}

func newStoryIssuer(t *testing.T) storyIssuer {
	i := storyIssuer{t, testkit.NewIssuer(t), testkit.NewKey(t, "story", "ES256")}
	i.issuer.Rotate(i.key)
	return i
}

// publish writes the key set: issuer FILE.
func (i storyIssuer) publish(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), i.issuer.Set(), 0o600))
	ts.Setenv("ISSUER", i.issuer.Claims()["iss"].(string))
}

// token signs a token: token VARIABLE [CLAIM=VALUE …]; a value is JSON where it can be, "-" removes the claim, @N is
// N seconds from now, and header.NAME sets a header member.
func (i storyIssuer) token(ts *testscript.TestScript, _ bool, args []string) {
	claims, header := i.issuer.Claims(), map[string]any{"typ": "at+jwt"}
	for _, a := range args[1:] {
		name, text, _ := strings.Cut(a, "=")
		var value any
		seconds := 0
		switch n, _ := fmt.Sscanf(text, "@%d", &seconds); {
		case text == "-":
		case n == 1:
			value = time.Now().Unix() + int64(seconds)
		case json.Unmarshal([]byte(text), &value) != nil:
			value = text
		}
		if member, ok := strings.CutPrefix(name, "header."); ok {
			header[member] = value
		} else if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	ts.Setenv(args[0], "Bearer "+i.key.Sign(i.t, header, claims))
}

// awaitCmd waits until URL answers 200.
func awaitCmd(ts *testscript.TestScript, _ bool, args []string) {
	for range 400 {
		if resp, err := http.Get(args[0]); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	ts.Fatalf("%s does not answer", args[0])
}

// Every reason is documented, and told by a story or named here with where it is tested instead.
func TestEveryReasonHasAStory(t *testing.T) {
	elsewhere := elsewhereTested()
	var stories []byte
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		stories = append(stories, data...)
	}
	docs, err := os.ReadFile("../../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range exchange.Catalogue() {
		told := regexp.MustCompile(`\b` + regexp.QuoteMeta(r.Code) + `\b`).Match(stories)
		if where := elsewhere[r.Code]; told == (where != "") {
			t.Errorf("%s: in a story: %v, elsewhere: %q", r.Code, told, where)
		}
		if where := elsewhere[r.Code]; where != "" {
			if _, err := os.Stat("../../" + where); err != nil {
				t.Errorf("%s: %v", r.Code, err)
			}
		}
		if !bytes.Contains(docs, []byte("`"+r.Code+"`")) {
			t.Errorf("%s is not in docs/reasons.md: make golden", r.Code)
		}
	}
}
