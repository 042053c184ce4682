package listen

import (
	"net"
	"time"
)

// patient is a listener whose connections fail a write that makes no progress for so long. A client that asks for
// large answers and does not read them would otherwise hold each of them for ever: http.Server.WriteTimeout bounds
// whole answers, and so would cut streams.
type patient struct {
	net.Listener
	stall time.Duration
}

func (l patient) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stalling{c, l.stall}, nil
}

// stalling is one such connection. net/http writes at most some ten kilobytes at once, so that even a slow client
// reads them in time.
type stalling struct {
	net.Conn
	stall time.Duration
}

func (c *stalling) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// CloseWrite lets net/http and tunnels end one direction only.
func (c *stalling) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
