package forward

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sallyport/sallyport/config"
)

// streams is the shortest gateway for streaming operations.
func streams(u *Upstream) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := u.RoundTrip(r.Context(), stranger(), &Request{
			Method: r.Method, Path: r.URL.EscapedPath(), Host: r.Host, Header: r.Header, Stream: r.Body, Length: r.ContentLength, Trailer: r.Trailer,
		})
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		if _, err := CopyStream(w, resp); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
}

// front serves h over HTTP/1.1 and h2c.
func front(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// Each event arrives before the upstream writes the next: it waits until the client says that it has the last.
func TestSSE(t *testing.T) {
	seen := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		<-seen // the head
		for range 3 {
			io.WriteString(w, "data: tick\n\n")
			w.(http.Flusher).Flush()
			select {
			case <-seen:
			case <-time.After(5 * time.Second):
				t.Error("the event was kept back")
			}
		}
	}))
	defer upstream.Close()
	srv := front(t, streams(startUpstream(t, config.Upstream{}, upstream.URL)))
	resp, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Error(resp.Header)
	}
	seen <- struct{}{}
	events := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if lines.Text() == "data: tick" {
			events++
			seen <- struct{}{}
		}
	}
	if events != 3 {
		t.Errorf("%d events", events)
	}
}

// A stream that breaks off upstream breaks off for the client too; it does not look whole.
func TestStreamBreaks(t *testing.T) {
	addr := scripted(t, func(c net.Conn, _ int) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n5\r\n")
	})
	srv := front(t, streams(startUpstream(t, config.Upstream{}, addr)))
	srv.Config.ErrorLog = nil
	resp, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil || string(body) != "hi" {
		t.Errorf("%q looked whole", body)
	}
}

// Trailers arrive, announced or not, and request trailers too.
func TestTrailers(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.Copy(w, r.Body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Client-Sum"))
		if r.URL.Path == "/more" {
			w.Header().Set(http.TrailerPrefix+"X-Late", "1")
		}
	}))
	defer upstream.Close()
	srv := front(t, streams(startUpstream(t, config.Upstream{}, upstream.URL)))
	defer http.DefaultClient.CloseIdleConnections()
	for _, path := range []string{"/", "/more"} {
		r, _ := http.NewRequest("POST", srv.URL+path, io.NopCloser(strings.NewReader("hello")))
		r.Trailer = http.Header{"X-Client-Sum": {"42"}}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != "hello" || resp.Trailer.Get("X-Sum") != "42" || (resp.Trailer.Get("X-Late") == "1") != (path == "/more") {
			t.Errorf("%s: %v %q %v", path, err, body, resp.Trailer)
		}
	}
}

// echo is a bidirectional gRPC method without generated code: it doubles what it gets until it gets "fail".
var echo = grpc.ServiceDesc{
	ServiceName: "test.Echo", HandlerType: (*any)(nil),
	Streams: []grpc.StreamDesc{{StreamName: "Both", ServerStreams: true, ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
		for {
			var in wrapperspb.StringValue
			if err := s.RecvMsg(&in); err == io.EOF {
				s.SetTrailer(metadata.Pairs("x-count", "done"))
				return nil
			} else if err != nil {
				return err
			}
			if in.Value == "fail" {
				return status.Error(codes.FailedPrecondition, "asked to")
			}
			if err := s.SendMsg(wrapperspb.String(in.Value + in.Value)); err != nil {
				return err
			}
		}
	}}},
}

// Messages go back and forth on one stream, so nothing is buffered; status and trailers arrive.
func TestGRPC(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	server.RegisterService(&echo, nil)
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	defer func() { server.Stop(); <-done }()
	srv := front(t, streams(startUpstream(t, config.Upstream{H2C: true}, "http://"+l.Addr().String())))
	conn, err := grpc.NewClient(strings.TrimPrefix(srv.URL, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	open := func() grpc.ClientStream {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		t.Cleanup(cancel)
		s, err := conn.NewStream(ctx, &echo.Streams[0], "/test.Echo/Both")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	for _, word := range []string{"a", "bc", strings.Repeat("x", 100<<10)} {
		var out wrapperspb.StringValue
		if err := s.SendMsg(wrapperspb.String(word)); err != nil {
			t.Fatal(err)
		}
		if err := s.RecvMsg(&out); err != nil || out.Value != word+word {
			t.Fatalf("%v, %d bytes", err, len(out.Value))
		}
	}
	s.CloseSend()
	if err := s.RecvMsg(&wrapperspb.StringValue{}); err != io.EOF || len(s.Trailer()["x-count"]) != 1 {
		t.Errorf("end: %v, trailer %v", err, s.Trailer())
	}
	s = open()
	s.SendMsg(wrapperspb.String("fail"))
	if err := s.RecvMsg(&wrapperspb.StringValue{}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("status: %v", err)
	}
}

// calls is a client's side that notes what it is asked to do.
type calls struct {
	http.ResponseWriter
	list []string
}

func (c *calls) WriteHeader(int)             { c.list = append(c.list, "head") }
func (c *calls) Write(p []byte) (int, error) { c.list = append(c.list, string(p)); return len(p), nil }
func (c *calls) Flush()                      { c.list = append(c.list, "flush") }

// pieces is a body that arrives bit by bit; the end comes after the last.
type pieces []string

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	*p = (*p)[1:]
	return n, nil
}

// What is there at once goes at once, in one write where the length is known; what comes later does not hold it up.
func TestFlushes(t *testing.T) {
	for name, c := range map[string]struct {
		length int64
		body   pieces
		want   string
	}{
		"small":          {4, pieces{"abcd"}, "head abcd"},
		"none":           {0, nil, "head"},
		"slow":           {4, pieces{"ab", "cd"}, "head ab flush cd"},
		"unknown length": {-1, pieces{"ab", "cd"}, "head flush ab flush cd flush"},
	} {
		w := &calls{ResponseWriter: httptest.NewRecorder()}
		if _, err := CopyStream(w, &http.Response{StatusCode: 200, ContentLength: c.length, Body: io.NopCloser(&c.body)}); err != nil {
			t.Error(err)
		}
		if got := strings.Join(w.list, " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
