// Package listen owns the sockets on which clients are served: TLS, time and size limits of HTTP/1.1 and HTTP/2, the
// client's address behind trusted proxies, and the hardening of what net/http lets pass.
package listen

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// Options are what a Server needs besides its configuration.
type Options struct {
	// Log receives what the HTTP server has to say. Nil discards it.
	Log *slog.Logger
}

// A Server is one socket with its handler. Its methods are safe for concurrent use.
type Server struct{}

// New opens the socket of l and prepares to serve h on it. Everything that can fail does so here.
func New(l config.Listener, h http.Handler, o Options) (*Server, error) { panic("not built yet") }

// Addr is the address that the socket is bound to.
func (s *Server) Addr() net.Addr { panic("not built yet") }

// Serve accepts connections until Shutdown; it returns nil after Shutdown.
func (s *Server) Serve() error { panic("not built yet") }

// Shutdown stops accepting, waits for requests in flight until ctx is done, then closes what is left.
func (s *Server) Shutdown(ctx context.Context) error { panic("not built yet") }

// Reload reads certificate and key again. On failure the old ones stay in use.
func (s *Server) Reload() error { panic("not built yet") }

// Client tells who is at the other end of r: the address behind trusted proxies, and the facts of the transport.
func Client(r *http.Request) exchange.Client { panic("not built yet") }

// Check judges what net/http has let pass and says Pass or refuses with BadHeader, BadFraming, BadMethod, BadTarget
// or BadUpgrade. It removes header fields that nobody may rely on (names with other characters than letters, digits
// and "-"; fields named by Connection), so call it once, before anybody else looks at r.
func Check(r *http.Request) exchange.Verdict { panic("not built yet") }
