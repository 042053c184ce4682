package gateway

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sallyport/sallyport/exchange"
)

const grpcSpec = `
openapi: 3.1.0
info: { title: Calls, version: "1" }
paths:
  /test.Calls/Unary: { post: { x-sallyport: { streaming: grpc }, responses: { "200": { description: one } } } }
  /test.Calls/Server: { post: { x-sallyport: { streaming: grpc }, responses: { "200": { description: many } } } }
  /test.Plain/Unary: { post: { responses: { "200": { description: one } } } }
`

// calls are a unary method, which fails when it is asked to, and one that answers each message of a client's pace
// with five more.
func calls(name string) *grpc.ServiceDesc {
	return &grpc.ServiceDesc{ServiceName: name, HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Unary", Handler: func(_ any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var in wrapperspb.StringValue
			if err := read(&in); err != nil {
				return nil, err
			}
			_ = grpc.SetTrailer(ctx, metadata.Pairs("x-count", "1"))
			if in.Value == "fail" {
				return nil, status.Error(codes.FailedPrecondition, "asked to")
			}
			return wrapperspb.String(in.Value + in.Value), nil
		}}},
		Streams: []grpc.StreamDesc{{StreamName: "Server", ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			var in wrapperspb.StringValue
			if err := s.RecvMsg(&in); err != nil {
				return err
			}
			s.SetTrailer(metadata.Pairs("x-count", "5"))
			for range 5 {
				if err := s.SendMsg(&in); err != nil {
					return err
				}
			}
			if in.Value == "wait" {
				<-s.Context().Done()
			}
			return nil
		}}},
	}
}

// dialCalls serves the calls behind a gateway and connects to it.
func dialCalls(t *testing.T) (*gate, *grpc.ClientConn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	server.RegisterService(calls("test.Calls"), nil)
	server.RegisterService(calls("test.Plain"), nil)
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() { server.Stop(); <-done })
	g := newGate(t, grpcSpec, "{ targets: [ \"http://"+l.Addr().String()+"\" ], h2c: true }", open, "").open(t)
	conn, err := grpc.NewClient(strings.TrimPrefix(g.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return g, conn
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestUnaryCalls(t *testing.T) {
	g, conn := dialCalls(t)
	var out wrapperspb.StringValue
	var trailer metadata.MD
	if err := conn.Invoke(within(t), "/test.Calls/Unary", wrapperspb.String("a"), &out, grpc.Trailer(&trailer)); err != nil || out.Value != "aa" || len(trailer["x-count"]) != 1 {
		t.Errorf("%v %q %v", err, out.Value, trailer)
	}
	if r := g.record(t); r.Refused || r.Operation != "POST /test.Calls/Unary" || r.BytesIn == 0 || r.BytesOut == 0 {
		t.Errorf("%+v", r)
	}
	if err := conn.Invoke(within(t), "/test.Calls/Unary", wrapperspb.String("fail"), &out); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("%v", err)
	}
	g.record(t)
}

// Messages come one by one, trailers at the end; a client that leaves ends the call at the upstream.
func TestServerStream(t *testing.T) {
	g, conn := dialCalls(t)
	for _, word := range []string{strings.Repeat("x", 100<<10), "wait"} {
		ctx, cancel := context.WithCancel(within(t))
		s, err := conn.NewStream(ctx, &calls("").Streams[0], "/test.Calls/Server")
		if err != nil {
			t.Fatal(err)
		}
		_ = s.SendMsg(wrapperspb.String(word))
		_ = s.CloseSend()
		var out wrapperspb.StringValue
		for range 5 {
			if err := s.RecvMsg(&out); err != nil || out.Value != word {
				t.Fatalf("%v, %d bytes", err, len(out.Value))
			}
		}
		if word == "wait" {
			cancel()
		}
		if err := s.RecvMsg(&out); err == nil || word != "wait" && (err != io.EOF || s.Trailer()["x-count"] == nil) {
			t.Errorf("end: %v, trailer %v", err, s.Trailer())
		}
		g.record(t) // which comes when the call has ended
		cancel()
	}
}

// Without the declaration a call is a message like any other, and its body one that the operation does not expect.
func TestCallsUndeclared(t *testing.T) {
	g, conn := dialCalls(t)
	var out wrapperspb.StringValue
	if err := conn.Invoke(within(t), "/test.Plain/Unary", wrapperspb.String("a"), &out); err == nil {
		t.Errorf("answered with %q", out.Value)
	}
	if r := g.record(t); r.Code != exchange.BodyUnexpected.Code || r.Upstream != nil {
		t.Errorf("%+v", r)
	}
}
