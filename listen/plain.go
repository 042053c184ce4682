package listen

// forgotten is the connection of a client that forgot TLS. It is served as plain HTTP, of which strict lets no request
// pass, so that the client reads a problem and the operator a record of who it was and what it asked for.
func (c *held) forgotten() *wire {
	c.greeting = false
	w := newWire(&again{c, c.heard}, c)
	w.preface = -1 // HTTP/1 answers also the preface of HTTP/2
	w.strict.plain = true
	return w
}

// again is a connection whose first bytes were read before.
type again struct {
	*held
	first []byte
}

func (a *again) Read(p []byte) (int, error) {
	if len(a.first) == 0 {
		return a.held.Read(p)
	}
	n := copy(p, a.first)
	a.first = a.first[n:]
	return n, nil
}
