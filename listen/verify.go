package listen

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/sallyport/sallyport/config"
)

// Verify says what would keep [New] from serving l, but for the socket, which it does not open.
func Verify(l config.Listener) error {
	_, err := understand(l, nil)
	return err
}

// understood is what the configuration of a listener means.
type understood struct {
	addr                 *net.TCPAddr
	proxies, introducers []netip.Prefix
	tls                  *security // nil on plain listeners
}

func understand(l config.Listener, host func(string) (bool, *Demand)) (u understood, err error) {
	if u.addr, err = net.ResolveTCPAddr("tcp", l.Address); err != nil {
		return u, fmt.Errorf("couldn't resolve listen address %q: %w", l.Address, err)
	}
	if l.TLS == nil && !l.Insecure && !u.addr.IP.IsLoopback() {
		return u, fmt.Errorf("plain HTTP on %s is not on loopback: set tls for this listener, or insecure: true where something in front terminates TLS", l.Address)
	}
	if u.proxies, err = parseProxies("trusted_proxies", l.TrustedProxies); err != nil {
		return u, err
	}
	if u.introducers, err = parseProxies("proxy_protocol", l.ProxyProtocol); err != nil {
		return u, err
	}
	if l.TLS != nil {
		u.tls, err = newSecurity(*l.TLS, host)
	}
	return u, err
}
