package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// newcomers are good clients whom the gateway has never seen: each comes from an address of its own, with a token, and asks once. They
// pay for the handshake, and wait where attackers do until it is clear who they are.
type newcomers struct {
	mu     sync.Mutex
	took   []time.Duration
	failed int
}

const newcomersEach = 100 * time.Millisecond

// come lets one come after the other until quit is closed and all have their answers.
func (n *newcomers) come(s *siege, quit <-chan struct{}) {
	var all sync.WaitGroup
	defer all.Wait()
	tick := time.NewTicker(newcomersEach)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-quit:
			return
		case <-tick.C:
			all.Go(func() { n.ask(s, net.IPv4(198, 19, byte(i>>8), byte(i))) })
		}
	}
}

func (n *newcomers) ask(s *siege, from net.IP) {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	tr := &http.Transport{DialContext: d.DialContext, TLSClientConfig: &tls.Config{RootCAs: s.roots}}
	defer tr.CloseIdleConnections()
	began := time.Now()
	ok := s.ask(&http.Client{Timeout: 10 * time.Second, Transport: tr})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.took = append(n.took, time.Since(began))
	if !ok {
		n.failed++
	}
}
