package event

import "github.com/sallyport/sallyport/store/keyring"

// A Sealer keeps what is personal unreadable without the key of the person whom it concerns: a [keyring.Ring]. It may be
// used concurrently.
type Sealer interface {
	// Seal encrypts plain under the subject's own key, which is made on first use.
	Seal(subject string, plain []byte) (sealed []byte, err error)
	// Open decrypts what Seal made. The error is ErrErased where the subject's key was destroyed.
	Open(sealed []byte) (plain []byte, err error)
}

// ErrErased is personal data whose key was destroyed: nobody can read it any more.
var ErrErased = keyring.ErrErased
