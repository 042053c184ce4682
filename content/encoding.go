package content

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

const (
	freeRatio    = 64 << 10 // decoded bytes that are not held against Limits.Ratio
	zstdWindow   = 8 << 20  // RFC 9659
	brotliWindow = 22       // bits, 4 MiB: what encoders choose by default; memory for it is taken at the first block
)

// codingOf returns the one content coding of a message in lower case, "" for identity.
func codingOf(values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	coding := strings.ToLower(trim(values[0]))
	if len(values) > 1 || strings.Contains(coding, ",") {
		return "", nowhere(UnsupportedEncoding, "more than one content coding", nil)
	}
	switch coding {
	case "identity":
		return "", nil
	case "gzip", "deflate", "br", "zstd":
		return coding, nil
	}
	return "", nowhere(UnsupportedEncoding, "an unknown content coding", nil)
}

// decode undoes one content coding. Memory beyond the result is bounded by the window of the coding.
func decode(raw []byte, coding string, lim Limits) ([]byte, error) {
	if coding == "" {
		return raw, nil
	}
	limit := min(lim.Bytes, max(freeRatio, int64(lim.Ratio)*int64(len(raw))))
	src := bytes.NewReader(raw)
	r, err := decoder(coding, src)
	if err != nil {
		return nil, undecodable(err)
	}
	defer r.Close()
	data, err := readAll(r, limit)
	if e := (*Error)(nil); errors.As(err, &e) && e.Code == TooLarge {
		return nil, nowhere(TooLarge, "the body decodes to more than allowed", nil)
	}
	if err != nil {
		return nil, undecodable(err)
	}
	if src.Len() > 0 { // another reader could take it for a second body
		return nil, nowhere(Ambiguous, "data after the end of the encoded body", nil)
	}
	if data == nil {
		data = []byte{}
	}
	return data, nil
}

// zstdDecoders keeps decoders between bodies. Each holds memory for the largest window that a body claimed in its
// first bytes; without the pool, 50 bytes sent could cost 8 MiB of garbage, again and again.
var zstdDecoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
}}

// A pooledZstd goes back to the pool when it is closed.
type pooledZstd struct{ *zstd.Decoder }

func openZstd(src io.Reader) (io.ReadCloser, error) {
	d := zstdDecoders.Get().(*zstd.Decoder)
	return pooledZstd{d}, d.Reset(src)
}

func (p pooledZstd) Close() error {
	err := p.Reset(nil) // lets go of the body
	zstdDecoders.Put(p.Decoder)
	return err
}

// decoder opens one content coding. That "deflate" means the zlib format is what RFC 9110, section 8.4.1.2 says; a
// bare deflate stream is refused. Only the first member of a gzip file is read, because readers disagree on the rest.
func decoder(coding string, src *bytes.Reader) (io.ReadCloser, error) {
	switch coding {
	case "gzip":
		r, err := gzip.NewReader(src)
		if err != nil {
			return nil, err
		}
		r.Multistream(false)
		return r, nil
	case "deflate":
		return zlib.NewReader(src)
	case "zstd":
		return openZstd(src)
	default:
		if brotliBits(src) > brotliWindow {
			return nil, errWindow
		}
		return io.NopCloser(brotli.NewReader(src)), nil
	}
}

var errWindow = errors.New("the window is larger than allowed")

// brotliBits reads the size of the window from the first byte of a stream (RFC 7932, section 9.1).
func brotliBits(src *bytes.Reader) int {
	first, err := src.ReadByte()
	if err != nil {
		return 0
	}
	_ = src.UnreadByte() // cannot fail after ReadByte
	switch {
	case first&1 == 0:
		return 16
	case first>>1&7 != 0:
		return 17 + int(first>>1&7)
	default:
		return 17 // or 10 to 15; what is no valid stream is refused by the decoder
	}
}

// undecodable maps an error of a decoder.
func undecodable(err error) error {
	switch {
	case errors.Is(err, errWindow), errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nowhere(TooLarge, "the body decodes to more than allowed", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nowhere(Malformed, "the encoded body ends early", err)
	}
	return nowhere(Malformed, "the body does not decode as its content coding says", err)
}
