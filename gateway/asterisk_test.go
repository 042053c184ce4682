package gateway

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// "OPTIONS *" is about the server and names no operation: not that of "/", and not one that nobody declared.
func TestAsteriskIsNoOperation(t *testing.T) {
	spec := "openapi: 3.1.0\ninfo: { title: root, version: \"1\" }\npaths: { /: { options: { responses: { \"200\": { description: root } } } } }\n"
	for _, unknown := range []string{"refuse", "inspect"} {
		g := serve(t, spec, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the upstream was asked") }),
			open+"    unknown: "+unknown+"\n")
		c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(15 * time.Second))
		fmt.Fprint(c, "OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		answer, _ := io.ReadAll(c)
		c.Close()
		if r := g.record(t); r.Status != http.StatusNotFound || r.Code != "openapi.unknown_operation" || !strings.HasPrefix(string(answer), "HTTP/1.1 404 ") {
			t.Errorf("unknown: %s: %s\n%+v", unknown, answer, r)
		}
	}
}
