package spool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	fast "github.com/go-json-experiment/json"
	json1 "github.com/go-json-experiment/json/v1"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/event/encode"
	"github.com/sallyport/sallyport/exchange"
)

// A frame is an entry of the journal as it lies on disk:
//
//	4 bytes  length of what follows the checksum, big endian like all numbers here
//	4 bytes  CRC-32C of it
//	8 bytes  sequence number
//	1 byte   what it is: record, refused, findings, event
//	4 bytes  length of the sealed part
//	…        what is personal, sealed under the person's key; nothing where nothing is
//	…        the rest, as JSON
const (
	frameHead = 8
	entryHead = 8 + 1 + 4
	// maxFrame bounds a frame; records and events are bounded where they are made, far below.
	maxFrame = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// kind tells what an entry is, so that nobody needs to read it for that.
type kind byte

const (
	isRecord kind = 1 << iota
	isRefused
	isFinding
	isEvent
)

func kindOf(i encode.Item) kind {
	if i.Event != nil {
		return isEvent
	}
	k := isRecord
	if i.Record.Refused {
		k |= isRefused
	}
	if len(i.Record.Findings) > 0 {
		k |= isFinding
	}
	if _, code := i.Record.Settled(); code != "" && !i.Record.Refused {
		k |= isFinding // what a guard in monitor would have refused
	}
	return k
}

// errTooLarge is an entry that no frame holds.
var errTooLarge = errors.New("the entry is too large")

// sealItem makes a frame of i that has no number and lies nowhere yet.
func sealItem(i encode.Item, seal event.Sealer) (f frame, err error) {
	whose, public, personal, err := part(i)
	if err != nil {
		return f, err
	}
	f = frame{kind: kindOf(i), public: public}
	if len(personal) > len("{}") {
		if f.sealed, err = seal.Seal(whose, personal); err != nil {
			return f, fmt.Errorf("couldn't seal what is personal: %w", err)
		}
	}
	if f.size = frameHead + entryHead + len(f.sealed) + len(public); f.size > maxFrame+frameHead {
		return f, errTooLarge
	}
	return f, nil
}

// append appends the frame as the entry seq.
func (f frame) append(b []byte, seq uint64) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(f.size-frameHead))
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, seq)
	b = append(b, byte(f.kind))
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.sealed)))
	b = append(b, f.sealed...)
	b = append(b, f.public...)
	binary.BigEndian.PutUint32(b[start+4:], crc32.Checksum(b[start+frameHead:], castagnoli))
	return b
}

func part(i encode.Item) (whose string, public, personal []byte, err error) {
	var p exchange.Personal
	if i.Event != nil {
		var e exchange.Event
		whose = i.Event.Whose()
		e, p = i.Event.Part()
		public, err = json.Marshal(&e)
	} else {
		var r exchange.Record
		whose = i.Record.Whose()
		r, p = i.Record.Part()
		public, err = json.Marshal(&r)
	}
	if err != nil {
		return "", nil, nil, err
	}
	personal, err = json.Marshal(&p)
	return whose, public, personal, err
}

// A frame is read back without a copy: its parts are those of what was read.
type frame struct {
	seq            uint64
	kind           kind
	sealed, public []byte
	size           int
}

// errDamaged is what cannot be read as a frame: cut off, or changed.
var errDamaged = errors.New("not a whole frame")

// parseFrame reads the frame that b begins with. It allocates nothing and believes nothing.
func parseFrame(b []byte) (f frame, err error) {
	if len(b) < frameHead {
		return f, errDamaged
	}
	size := binary.BigEndian.Uint32(b)
	if size < entryHead || size > maxFrame || int(size) > len(b)-frameHead {
		return f, errDamaged
	}
	body := b[frameHead : frameHead+int(size)]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return f, errDamaged
	}
	sealed := binary.BigEndian.Uint32(body[9:])
	if int64(sealed) > int64(len(body)-entryHead) {
		return f, errDamaged
	}
	rest := body[entryHead:]
	return frame{binary.BigEndian.Uint64(body), kind(body[8]), rest[:sealed], rest[sealed:], frameHead + int(size)}, nil
}

// asWritten reads what encoding/json wrote, in half the time that it takes to read it: a sink that lags has much to read.
var asWritten = json1.FormatDurationAsNano(true)

// item restores what the frame holds. What was erased stays away, which is no error.
func (f frame) item(seal event.Sealer) (i encode.Item, err error) {
	var p exchange.Personal
	if len(f.sealed) > 0 {
		plain, err := seal.Open(f.sealed)
		switch {
		case errors.Is(err, event.ErrErased):
		case err != nil:
			return i, fmt.Errorf("couldn't open what is personal: %w", err)
		default:
			if err := fast.Unmarshal(plain, &p, asWritten); err != nil {
				return i, err
			}
		}
	}
	if f.kind&isEvent != 0 {
		i.Event = &exchange.Event{}
		if err := fast.Unmarshal(f.public, i.Event, asWritten); err != nil {
			return encode.Item{}, err
		}
		i.Event.Restore(p)
		return i, nil
	}
	i.Record = &exchange.Record{}
	if err := fast.Unmarshal(f.public, i.Record, asWritten); err != nil {
		return encode.Item{}, err
	}
	i.Record.Restore(p)
	return i, nil
}
