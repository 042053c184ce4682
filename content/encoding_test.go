package content_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/sallyport/sallyport/content"
)

// codings encodes with each content coding that is accepted.
var codings = map[string]func(io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"br":      func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, 5) },
	"zstd": func(w io.Writer) io.WriteCloser {
		e, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err)
		}
		return e
	},
}

func encode(t testing.TB, open func(io.Writer) io.WriteCloser, data []byte, times int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := open(&out)
	for range times {
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func encoded(coding string) content.Header {
	return content.Header{ContentType: []string{"text/plain"}, ContentEncoding: []string{coding}}
}

func TestEncodings(t *testing.T) {
	short := []byte("grüße aus der pforte")
	long := bytes.Repeat([]byte("one two three four five six seven eight nine ten eleven twelve\n"), 1000)
	for coding, open := range codings {
		for _, text := range [][]byte{short, long, {}} {
			raw := encode(t, open, text, 1)
			for _, name := range []string{coding, strings.ToUpper(coding), " " + coding + "\t"} {
				b, err := content.New(raw, encoded(name), content.Limits{Ratio: 1000})
				if err != nil || !bytes.Equal(b.Bytes(), text) || !bytes.Equal(b.Raw(), raw) {
					t.Errorf("%s, %d bytes: %v", name, len(text), err)
				}
			}
			for _, cut := range []int{1, len(raw) / 2, len(raw) - 1} {
				if cut < 1 || cut >= len(raw) {
					continue
				}
				if b, err := content.New(raw[:cut], encoded(coding), content.Limits{Ratio: 1000}); err == nil {
					t.Errorf("%s, %d of %d bytes: accepted as %.20q", coding, cut, len(raw), b.Bytes())
				}
			}
			for _, more := range [][]byte{{0}, []byte("x"), {0, 0, 0, 0, 0, 0, 0, 0}} {
				if _, err := content.New(append(bytes.Clone(raw), more...), encoded(coding), content.Limits{Ratio: 1000}); err == nil {
					t.Errorf("%s, %d bytes and %q: accepted", coding, len(text), more)
				}
			}
		}
	}
	wide := encode(t, func(w io.Writer) io.WriteCloser {
		e, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
		if err != nil {
			t.Fatal(err)
		}
		return flusher{e}
	}, short, 2)
	if b, err := content.New(wide, encoded("zstd"), content.Limits{Bytes: 100}); err != nil || len(b.Bytes()) != 2*len(short) {
		t.Errorf("a window larger than the limit: %v", err)
	}
	if b, err := content.New(short, encoded("Identity"), content.Limits{}); err != nil || !bytes.Equal(b.Bytes(), short) {
		t.Errorf("identity: %v", err)
	}
}

// A zstd body may have several frames and frames to skip (RFC 8878, section 3.1): all of them are read, and what is
// forwarded is what was read, decoded.
func TestZstdFrames(t *testing.T) {
	one, two := encode(t, codings["zstd"], []byte("one "), 1), encode(t, codings["zstd"], []byte("two"), 1)
	skippable := []byte{0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'}
	b, err := content.New(slices.Concat(one, skippable, two), encoded("zstd"), content.Limits{})
	if err != nil || string(b.Bytes()) != "one two" || string(b.Result()) != "one two" {
		t.Errorf("%q, %v", b.Bytes(), err)
	}
	skippable[4] = 4 // longer than the rest
	if b, err := content.New(slices.Concat(one, skippable), encoded("zstd"), content.Limits{}); err == nil {
		t.Errorf("a frame to skip that is cut off: %q", b.Bytes())
	}
}

// flusher flushes after each write, as an encoder does that does not know the size of a body.
type flusher struct{ *zstd.Encoder }

func (f flusher) Write(p []byte) (int, error) {
	n, err := f.Encoder.Write(p)
	return n, errors.Join(err, f.Flush())
}

func TestEncodingsRefused(t *testing.T) {
	text := []byte("one")
	zipped := encode(t, codings["gzip"], text, 1)
	damaged := bytes.Clone(zipped)
	damaged[len(damaged)-5] ^= 1 // the checksum
	bare := encode(t, func(w io.Writer) io.WriteCloser {
		f, err := flate.NewWriter(w, 9)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}, text, 1)
	wide := encode(t, func(w io.Writer) io.WriteCloser {
		return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: 5, LGWin: 24})
	}, bytes.Repeat([]byte("abc"), 100), 1)
	widest := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68, 0x01, 0x00, 0x00} // an empty frame with a window of 8 MiB
	if _, err := content.New(widest, encoded("zstd"), content.Limits{}); err != nil {
		t.Errorf("the widest zstd window: %v", err)
	}
	for name, c := range map[string]struct {
		coding string
		raw    []byte
	}{
		"two gzip members":         {"gzip", append(bytes.Clone(zipped), zipped...)},
		"gzip with a bad checksum": {"gzip", damaged},
		"zlib as gzip":             {"gzip", encode(t, codings["deflate"], text, 1)},
		"bare deflate":             {"deflate", bare},
		"gzip as zstd":             {"zstd", zipped},
		"wide brotli window":       {"br", wide},
		"wide zstd window":         {"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70, 0x01, 0x00, 0x00}},
		"huge zstd frame":          {"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0}},
	} {
		if b, err := content.New(c.raw, encoded(c.coding), content.Limits{}); err == nil {
			t.Errorf("%s: accepted as %.20q", name, b.Bytes())
		}
	}
}

// TestBombs sends 32 MiB of zeros in less than 100 KiB. The memory it takes must not grow with the bomb.
func TestBombs(t *testing.T) {
	for coding, open := range codings {
		raw := encode(t, open, make([]byte, 1<<20), 32)
		for name, lim := range map[string]content.Limits{"size": {Ratio: 1 << 20}, "ratio": {Bytes: 1 << 30, Ratio: 10}} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := content.New(raw, encoded(coding), lim)
			runtime.ReadMemStats(&after)
			var e *content.Error
			if !errors.As(err, &e) || e.Code != content.TooLarge {
				t.Errorf("%s, %s: %v", coding, name, err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 24<<20 {
				t.Errorf("%s, %s: %d bytes allocated for a body of %d", coding, name, used, len(raw))
			}
		}
	}
}

// TestWindows sends a few bytes that claim a large window. Memory must follow what is decoded, not what is claimed, but
// for what is kept for the next body.
func TestWindows(t *testing.T) {
	for coding, open := range map[string]func(io.Writer) io.WriteCloser{
		"zstd": func(w io.Writer) io.WriteCloser {
			e, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
			if err != nil {
				t.Fatal(err)
			}
			return flusher{e}
		},
		"br": func(w io.Writer) io.WriteCloser {
			return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: 5, LGWin: 22})
		},
	} {
		raw := encode(t, open, []byte("small"), 2)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 200 {
			if _, err := content.New(raw, encoded(coding), content.Limits{}); err != nil {
				t.Errorf("%s: %v", coding, err)
			}
		}
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) / 200; used > 4<<20 { // the race detector makes the pool forget some
			t.Errorf("%s: %d bytes allocated for each body of %d", coding, used, len(raw))
		}
	}
}

// TestRatio lets what is small pass, however well it is compressed.
func TestRatio(t *testing.T) {
	for coding, open := range codings {
		for size, accepted := range map[int]bool{64 << 10: true, 300 << 10: false} {
			_, err := content.New(encode(t, open, make([]byte, size), 1), encoded(coding), content.Limits{})
			if (err == nil) != accepted {
				t.Errorf("%s, %d bytes: %v", coding, size, err)
			}
		}
	}
}
