package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// httpCmd sends METHOD URL [NAME:VALUE …] [@FILE | =BODY] and prints status line, header and body. $ID is set to the
// exchange's id. With !, there must be no answer.
func httpCmd(ts *testscript.TestScript, neg bool, args []string) {
	status, header, body, err := exchanged(client(ts), request(ts, args))
	if neg {
		if err == nil {
			ts.Fatalf("it was answered: %s", status)
		}
		fmt.Fprintln(ts.Stderr(), err)
		return
	}
	ts.Check(err)
	show(ts, status, header, body)
}

// timesCmd sends N requests, one after the other, with their numbers in place of {n}.
func timesCmd(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	c := client(ts)
	for i := range n {
		numbered := make([]string, len(args)-1)
		for j, a := range args[1:] {
			numbered[j] = strings.ReplaceAll(a, "{n}", strconv.Itoa(i+1))
		}
		_, _, _, err := exchanged(c, request(ts, numbered))
		ts.Check(err)
	}
}

func request(ts *testscript.TestScript, args []string) *http.Request {
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
	req.Header, req.Host = header, header.Get("Host")
	return req
}

// client trusts the certificate of the story, if it has one, and nobody else. Names under .example are this machine's.
func client(ts *testscript.TestScript) *http.Client {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, port, _ := net.SplitHostPort(address); strings.HasSuffix(host, ".example") {
			address = net.JoinHostPort("127.0.0.1", port)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	transport := &http.Transport{DialContext: dial, DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool(), GetClientCertificate: showing(ts)}}
	if pem := ts.Getenv("CA"); pem != "" {
		transport.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(pem))
	}
	return &http.Client{Timeout: time.Minute, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func exchanged(c *http.Client, req *http.Request) (status string, header http.Header, body []byte, err error) {
	resp, err := c.Do(req)
	if err != nil {
		return "", nil, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.Status, resp.Header, body, err
}

func show(ts *testscript.TestScript, status string, header http.Header, body []byte) {
	fmt.Fprintln(ts.Stdout(), status)
	_ = header.Write(ts.Stdout())
	fmt.Fprintf(ts.Stdout(), "\n%s\n", body)
	ts.Setenv("ID", header.Get("X-Request-Id"))
}

// calls are requests under way, by story and name.
type calls struct{ under sync.Map }

type answered struct {
	status string
	header http.Header
	body   []byte
	err    error
}

func (c *calls) begin(ts *testscript.TestScript, _ bool, args []string) {
	done := make(chan answered, 1)
	c.under.Store(ts.Name()+"/"+args[0], done)
	client, req := client(ts), request(ts, args[1:])
	go func() {
		var a answered
		a.status, a.header, a.body, a.err = exchanged(client, req)
		done <- a
	}()
}

func (c *calls) finish(ts *testscript.TestScript, neg bool, args []string) {
	done, _ := c.under.LoadAndDelete(ts.Name() + "/" + args[0])
	a := <-done.(chan answered)
	if neg {
		if a.err == nil {
			ts.Fatalf("a whole answer: %s", a.status)
		}
		return
	}
	ts.Check(a.err)
	show(ts, a.status, a.header, a.body)
}

// rawCmd sends FILE to the gateway as bytes, its lines ended by CRLF, and prints what comes back.
func rawCmd(ts *testscript.TestScript, _ bool, args []string) {
	conn, err := net.DialTimeout("tcp", ts.Getenv("GATE"), 5*time.Second)
	ts.Check(err)
	defer conn.Close()
	ts.Check(conn.SetDeadline(time.Now().Add(time.Minute)))
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
	show(ts, resp.Proto+" "+resp.Status, resp.Header, body)
}

// valuesCmd prints every leaf of FILE, which may be stdout, as a line: JSON pointer, space, JSON value.
func valuesCmd(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(d.Decode(&v))
	if _, err := d.Token(); err != io.EOF {
		ts.Fatalf("more than one JSON value")
	}
	leaves(ts.Stdout(), "", v)
}

// pasteCmd puts the exclusions that a refusal's JSON proposes before the line "# paste here" of a config.
func pasteCmd(ts *testscript.TestScript, _ bool, args []string) {
	var refusal struct{ Setting string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &refusal))
	entries, found := strings.CutPrefix(refusal.Setting, "apis[].inspect.exclude:\n")
	before, after, marked := strings.Cut(ts.ReadFile(args[1]), "# paste here")
	if !found || !marked {
		ts.Fatalf("there is nothing to paste, or no place for it: %q", refusal.Setting)
	}
	indent := before[strings.LastIndexByte(before, '\n')+1:]
	text := before + strings.ReplaceAll(entries, "\n", "\n"+indent) + "\n" + indent + "# paste here" + after
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

func leaves(w io.Writer, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			leaves(w, at+"/"+name, v[name])
		}
	case []any:
		for i, e := range v {
			leaves(w, fmt.Sprintf("%s/%d", at, i), e)
		}
	default:
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(v) // it has just been decoded
		fmt.Fprintf(w, "%s %s", at, b.String())
	}
}
