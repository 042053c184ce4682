package listen

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// linger is how long a client that was answered in plain HTTP may take to notice.
const linger = 500 * time.Millisecond

// correct tells a client that speaks plain HTTP to a listener with TLS. Closing over bytes that nobody has read would
// reset the answer away.
func (d *door) correct(h *held) {
	_, _ = h.Conn.Write(d.plain) // a courtesy: what cannot be told need not be
	_ = closeWrite(h.Conn, h)
	_ = h.SetReadDeadline(time.Now().Add(linger))
	_, _ = io.Copy(io.Discard, io.LimitReader(h.Conn, 64<<10))
}

// plainAnswer is a problem as a whole answer, and the end of the connection.
func plainAnswer(problem []byte) []byte {
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
		http.StatusBadRequest, http.StatusText(http.StatusBadRequest), len(problem))
	return append([]byte(head), problem...)
}
