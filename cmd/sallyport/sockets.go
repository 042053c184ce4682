package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/gateway"
	"github.com/sallyport/sallyport/listen"
)

// listener is one open socket.
type listener struct {
	server *listen.Server
	url    string
}

func (v *service) openSockets() error {
	for _, l := range v.config.Listen {
		server, err := listen.New(l, v.gateway, listen.Options{Checked: true, Log: slog.Default(), Host: v.gateway.Host, Plain: gateway.Plain()})
		if err != nil {
			return hinted(err, "--listen")
		}
		v.listeners = append(v.listeners, &listener{server, address(server, l.TLS)})
	}
	if v.config.Admin.Address == "off" {
		return nil
	}
	handler, err := v.adminHandler()
	if err != nil {
		return err
	}
	l := config.Listener{Address: v.config.Admin.Address, TLS: v.config.Admin.TLS}
	server, err := listen.New(l, handler, listen.Options{Log: slog.Default(), Plain: gateway.Plain()})
	if err != nil {
		return hinted(fmt.Errorf("admin: %w", err), "--admin")
	}
	v.admin = &listener{server, address(server, l.TLS)}
	return nil
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

// accept begins to serve all sockets.
func (v *service) accept() {
	sockets := v.sockets()
	v.failed = make(chan error, len(sockets))
	for _, l := range sockets {
		go func() { v.failed <- l.server.Serve() }()
	}
}

// serve waits until ctx ends or a socket fails.
func (v *service) serve(ctx context.Context) error {
	select {
	case err := <-v.failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

func (v *service) sockets() []*listener {
	list := v.listeners
	if v.admin != nil {
		list = append(list[:len(list):len(list)], v.admin)
	}
	return list
}

// drain fails readiness, waits for load balancers to notice, and lets requests in flight end. The admin listener
// answers until the last of them has.
func (v *service) drain(delay, timeout time.Duration) {
	v.gateway.Drain()
	time.Sleep(delay)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var all sync.WaitGroup
	for _, l := range v.listeners {
		all.Go(func() {
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
