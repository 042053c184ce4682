package event

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store/keyring"
)

// dictionary is what records have in common: names of fields and guards, in the order in which they are written. It is
// part of the format of the store: what was packed with it can be read with it alone, so that a better one would be
// another file, under another number.
//
//go:embed pack.dict
var dictionary []byte

const dictionaryID = 1

// A packer turns records into the two parts that are kept: one that names nobody, compressed, and one that is sealed
// under the person's key. It is safe for concurrent use.
type packer struct {
	ring *keyring.Ring
	pack *zstd.Encoder
	open *zstd.Decoder
}

func newPacker(ring *keyring.Ring) packer {
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(dictionaryID, dictionary), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // options of ours
	}
	open, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(dictionaryID, dictionary), zstd.WithDecoderMaxMemory(16<<20), zstd.WithDecoderConcurrency(2))
	if err != nil {
		panic(err) // likewise
	}
	return packer{ring, pack, open}
}

func (p packer) record(r *exchange.Record) (public, sealed []byte, err error) {
	rest, personal := r.Part()
	rest.ID = "" // a column of its own
	return p.parts(rest, personal, r.Whose())
}

func (p packer) event(e *exchange.Event) (public, sealed []byte, err error) {
	rest, personal, err := PartEvent(e, p.ring)
	if err != nil {
		return nil, nil, err
	}
	rest.ID = ""
	return p.parts(rest, personal, e.Whose())
}

func (p packer) parts(rest any, personal exchange.Personal, whose string) (public, sealed []byte, err error) {
	plain, err := json.Marshal(rest)
	if err != nil {
		return nil, nil, err
	}
	secret, err := json.Marshal(personal)
	if err != nil {
		return nil, nil, err
	}
	sealed, err = p.ring.Seal(whose, secret)
	return p.pack.EncodeAll(plain, make([]byte, 0, len(plain)/3)), sealed, err
}

// Erased stands in place of what cannot be read any more because its key was destroyed.
const Erased = "(erased)"

var erased = exchange.Personal{Client: Erased, Path: Erased, Subject: Erased, Actor: Erased}

func (p packer) unpack(id string, public, sealed []byte) (*exchange.Record, error) {
	r := &exchange.Record{}
	personal, err := p.unpart(r, public, sealed)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the record: %w", err)
	}
	r.ID = id
	r.Restore(personal)
	return r, nil
}

func (p packer) unpackEvent(id string, public, sealed []byte) (*exchange.Event, error) {
	e := &exchange.Event{}
	personal, err := p.unpart(e, public, sealed)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the event: %w", err)
	}
	e.ID = id
	if err := RestoreEvent(e, personal, p.ring); errors.Is(err, ErrErased) {
		e.Actor = Erased
	} else if err != nil {
		return nil, fmt.Errorf("couldn't read the event: %w", err)
	}
	return e, nil
}

func (p packer) unpart(rest any, public, sealed []byte) (personal exchange.Personal, err error) {
	plain, err := p.open.DecodeAll(public, nil)
	if err != nil {
		return personal, err
	}
	if err := json.Unmarshal(plain, rest); err != nil {
		return personal, err
	}
	secret, err := p.ring.Open(sealed)
	if errors.Is(err, ErrErased) {
		return erased, nil
	}
	if err != nil {
		return personal, err
	}
	return personal, json.Unmarshal(secret, &personal)
}
