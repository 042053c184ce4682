package listen

import (
	"errors"
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

// understand reads all of it; the error joins what is wrong.
func understand(l config.Listener, host func(string) (bool, *Demand)) (u understood, err error) {
	errs := make([]error, 4)
	if u.addr, err = net.ResolveTCPAddr("tcp", l.Address); err != nil {
		errs[0] = fmt.Errorf("couldn't resolve listen address %q: %w", l.Address, err)
	} else if l.TLS == nil && !l.Insecure && !u.addr.IP.IsLoopback() {
		errs[0] = fmt.Errorf("plain HTTP on %s is not on loopback: set tls for this listener, or insecure: true where something in front terminates TLS", l.Address)
	}
	u.proxies, errs[1] = parseProxies("trusted_proxies", l.TrustedProxies)
	u.introducers, errs[2] = parseProxies("proxy_protocol", l.ProxyProtocol)
	if l.TLS != nil {
		u.tls, errs[3] = newSecurity(*l.TLS, host)
	}
	return u, errors.Join(errs...)
}
