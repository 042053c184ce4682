package testkit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Ports of tests lie below those that the kernel gives to connections (32768 and up, on Linux): else a connection of
// another test may take one between here and its use. Of those below, each is given away once by a process.
const (
	firstPort = 20_000
	lastPort  = 32_000
)

var given sync.Map // ports, of this process

// FreeAddress is an address on loopback on which nobody listens.
func FreeAddress(t testing.TB) string {
	t.Helper()
	address, err := FindAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// FindAddress is FreeAddress for whoever has no test at hand.
func FindAddress() (string, error) {
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			continue
		}
		return l.Addr().String(), l.Close()
	}
	return "", errors.New("there is no free port")
}
