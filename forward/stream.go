package forward

import (
	"io"
	"net/http"
	"sync"
)

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// CopyStream sends status, body and trailers of resp to w and returns the number of body bytes. The caller has filled
// w.Header. Every piece is flushed as it arrives, so that events (SSE) and messages (gRPC) are not kept waiting; where
// the length is unknown, the head is flushed before the first piece. Where it is known, the head goes with the first
// piece, and the last piece goes when the handler returns: a small answer is one write instead of three.
// It does not close resp.Body.
//
// After an error the caller must abort the connection with panic(http.ErrAbortHandler): returning would end the
// message as if it were whole.
func CopyStream(w http.ResponseWriter, resp *http.Response) (int64, error) {
	announced := len(resp.Trailer)
	for name := range resp.Trailer {
		w.Header().Add("Trailer", name)
	}
	w.WriteHeader(resp.StatusCode)
	to := http.NewResponseController(w)
	if resp.ContentLength < 0 {
		if err := to.Flush(); err != nil {
			return 0, err
		}
	}
	n, err := copyFlushing(w, to, resp)
	if err != nil {
		return n, err
	}
	prefix := ""
	if len(resp.Trailer) != announced { // some came unannounced
		prefix = http.TrailerPrefix
	}
	for name, values := range resp.Trailer {
		w.Header()[prefix+name] = values
	}
	return n, nil
}

func copyFlushing(w io.Writer, to *http.ResponseController, resp *http.Response) (int64, error) {
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	var total int64
	for {
		n, err := resp.Body.Read(buf[:])
		if n > 0 {
			wrote, werr := w.Write(buf[:n])
			total += int64(wrote)
			if werr == nil && total != resp.ContentLength {
				werr = to.Flush()
			}
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
