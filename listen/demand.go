package listen

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/trust"
)

// A Demand is what a listener, or an API in its place, asks of clients in the handshake. It is immutable.
type Demand struct {
	mode    tls.ClientAuthType
	anchors *trust.Anchors // nil: any certificate is taken, and judged later
}

// NewDemand reads authorities and revocation lists. There is no Demand where there is no setting.
func NewDemand(c *config.Clients) (*Demand, error) {
	if c == nil {
		return nil, nil
	}
	d := &Demand{mode: tls.RequireAnyClientCert}
	if c.Mode == "optional" {
		d.mode = tls.RequestClientCert
	}
	if len(c.CA) == 0 {
		return d, nil
	}
	var err error
	if d.anchors, err = trust.Load(c.CA, c.CRL, time.Now()); err != nil {
		var errs []error
		for _, err := range config.Each(err) {
			errs = append(errs, fmt.Errorf("clients: %w", err))
		}
		return nil, errors.Join(errs...)
	}
	return d, nil
}

// on is base for a connection of which d is demanded. The judgement is ours alone, so that it is the same for resumed
// sessions, which crypto/tls would resume on the strength of an earlier one.
func (d *Demand) on(base *tls.Config) *tls.Config {
	c := base.Clone()
	c.ClientAuth = d.mode
	if d.anchors == nil {
		return c
	}
	c.ClientCAs = d.anchors.Pool()
	c.VerifyConnection = func(st tls.ConnectionState) error {
		if len(st.PeerCertificates) == 0 && d.mode == tls.RequestClientCert {
			return nil
		}
		return d.anchors.Verify(st.PeerCertificates, time.Now())
	}
	return c
}
