package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/listen"
)

// listener is one open socket.
type listener struct {
	server *listen.Server
	url    string
}

func (v *service) openSockets() error {
	plain := &struct{ http.Handler }{v.gateway}
	v.line = listen.NewLine(v.standing)
	for _, l := range v.config.Listen {
		var handler http.Handler = v.gateway
		if l.TLS == nil {
			handler = plain
		}
		server, err := listen.New(l, handler, listen.Options{Checked: true, Log: slog.Default(), Host: v.gateway.Host, Banned: v.banned, Line: v.line,
			Folder: filepath.Join(v.config.Store.Path, "acme"), HTTPPort: plainPort(v.config.Listen), Inherited: v.inherited})
		if err != nil {
			return hinted(err, "--listen")
		}
		v.listeners = append(v.listeners, &listener{server, address(server, l.TLS)})
	}
	for _, l := range v.listeners {
		plain.Handler = l.server.Challenges(plain.Handler)
	}
	if v.config.Admin.Address != "off" {
		if err := v.openAdmin(); err != nil {
			return err
		}
	}
	return v.inherited.Close()
}

func (v *service) openAdmin() error {
	handler, err := v.adminHandler()
	if err != nil {
		return err
	}
	l := config.Listener{Address: v.config.Admin.Address, TLS: v.config.Admin.TLS}
	server, err := listen.New(l, handler, listen.Options{Log: slog.Default(), Inherited: v.inherited})
	if err != nil {
		return hinted(fmt.Errorf("admin: %w", err), "--admin")
	}
	v.admin = &listener{server, address(server, l.TLS)}
	return nil
}

// plainPort is that of the first listener without TLS, on which HTTP-01 challenges of ACME are answered, or 0.
func plainPort(list []config.Listener) int {
	for _, l := range list {
		if at, err := net.ResolveTCPAddr("tcp", l.Address); err == nil && l.TLS == nil {
			return at.Port
		}
	}
	return 0
}

// hinted says what can be done about an address that cannot be bound.
func hinted(err error, flag string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w\n    hint: something else serves there; %s HOST:PORT names another address", err, flag)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w\n    hint: ports below 1024 need a privilege; %s HOST:PORT names another address", err, flag)
	}
	return err
}

func address(s *listen.Server, t *config.TLS) string {
	if t != nil {
		return "https://" + s.Addr().String()
	}
	return "http://" + s.Addr().String()
}

// accept begins to serve the sockets that were opened here.
func (v *service) accept() {
	v.failed = make(chan error, len(v.sockets()))
	v.serveSockets(false)
}

// acceptInherited begins to serve the others. Until this process is ready, their clients wait, or are served by the one
// that it replaces.
func (v *service) acceptInherited() { v.serveSockets(true) }

func (v *service) serveSockets(inherited bool) {
	for _, l := range v.sockets() {
		if l.server.Inherited() == inherited {
			go func() { v.failed <- l.server.Serve() }()
		}
	}
}

// serve waits until ctx ends or a socket fails.
func (v *service) serve(ctx context.Context) error {
	return v.serveUntilReplaced(ctx, nil, nil)
}

// serveUntilReplaced is serve, until upgrade, which every signal of usr2 begins, succeeds.
func (v *service) serveUntilReplaced(ctx context.Context, usr2 <-chan os.Signal, upgrade func() error) error {
	for {
		select {
		case err := <-v.failed:
			return err
		case <-ctx.Done():
			v.notifier.tell("STOPPING=1")
			return nil
		case <-usr2:
			err := upgrade()
			if v.replaced = err == nil; v.replaced {
				return nil
			}
			slog.Error("the upgrade failed, and this process serves on", "error", err)
		}
	}
}

func (v *service) sockets() []*listener {
	list := v.listeners
	if v.admin != nil {
		list = append(list[:len(list):len(list)], v.admin)
	}
	return list
}

// farewell is how long connections that are kept, but idle, stay open after the sockets have closed: a request that comes
// over one of them meanwhile is served, and its answer ends the connection in order.
const farewell = 5 * time.Second

// drain fails readiness, gives load balancers delay to notice, and lets requests in flight end. The admin listener answers
// until the last of them has. Where a successor serves already there is nothing to notice, and operators ask that one.
func (v *service) drain(delay, timeout time.Duration) {
	v.gateway.Drain()
	if v.replaced {
		delay = 0
	}
	time.Sleep(delay)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var all sync.WaitGroup
	for _, l := range v.sockets() {
		if l == v.admin && !v.replaced {
			continue
		}
		all.Go(func() {
			l.server.Leave(ctx, min(farewell, timeout/2))
			if err := l.server.Shutdown(ctx); err != nil {
				slog.Error("couldn't drain", "error", err)
			}
		})
	}
	all.Wait()
	if v.admin != nil {
		_ = v.admin.server.Shutdown(ctx) // nobody waits for the admin listener
	}
}

// expiries tells of each certificate once, though several listeners show it.
func (v *service) expiries(add func(string, float64)) {
	told := map[string]bool{}
	for _, l := range v.sockets() {
		for _, c := range l.server.Certificates() {
			if !told[c.Certificate] {
				told[c.Certificate] = true
				add(c.Certificate, float64(c.NotAfter.Unix()))
			}
		}
	}
}
