package event

import (
	"fmt"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store/keyring"
)

// A Sealer keeps what is personal unreadable without the key of the person whom it concerns: a [keyring.Ring]. It may be
// used concurrently.
type Sealer interface {
	// Seal encrypts plain under the subject's own key, which is made on first use.
	Seal(subject string, plain []byte) (sealed []byte, err error)
	// Open decrypts what Seal made. The error is ErrErased where the subject's key was destroyed.
	Open(sealed []byte) (plain []byte, err error)
}

// Nobody seals nothing, so that what is personal stays away.
type Nobody struct{}

// Seal returns nothing.
func (Nobody) Seal(string, []byte) ([]byte, error) { return nil, nil }

// Open opens nothing.
func (Nobody) Open([]byte) ([]byte, error) { return nil, ErrErased }

// ErrErased is personal data whose key was destroyed: nobody can read it any more.
var ErrErased = keyring.ErrErased

// PartEvent returns the event without what is personal, and that, which is to be sealed for [exchange.Event.Whose]. Whoever did
// what concerns somebody else is sealed here, under a key of their own: to erase one of the two leaves the other.
func PartEvent(e *exchange.Event, s Sealer) (exchange.Event, exchange.Personal, error) {
	public, p := e.Part()
	if p.Actor == "" || p.Actor == e.Whose() {
		return public, p, nil
	}
	by, err := s.Seal(p.Actor, []byte(p.Actor))
	if err != nil {
		return public, p, fmt.Errorf("couldn't seal who did it: %w", err)
	}
	public.By, p.Actor = by, ""
	return public, p, nil
}

// RestoreEvent puts back what [PartEvent] took out. The error is ErrErased where only the actor's key was destroyed: the rest is
// there then.
func RestoreEvent(e *exchange.Event, p exchange.Personal, s Sealer) error {
	sealed := e.By
	e.By = nil
	e.Restore(p)
	if len(sealed) == 0 {
		return nil
	}
	actor, err := s.Open(sealed)
	e.Actor = string(actor)
	return err
}
