package gateway

import (
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/sallyport/sallyport/exchange"
)

const big = 100 << 20

// A large transfer in either direction allocates next to nothing where the operation declares it.
func TestLargeTransfers(t *testing.T) {
	g := serve(t, streamSpec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			if n, err := io.Copy(io.Discard, r.Body); n != big || err != nil {
				t.Errorf("%d bytes arrived, %v", n, err)
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = io.CopyN(w, zeros{}, big)
	}), open)
	for _, method := range []string{http.MethodPut, http.MethodGet} {
		r, _ := http.NewRequest(method, g.url+"/file", nil)
		if method == http.MethodPut {
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeros{}, big)), big
			r.Header.Set("Content-Type", "application/octet-stream")
		}
		before := allocated()
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if grown := allocated() - before; grown > big/10 {
			t.Errorf("%s: %d bytes allocated", method, grown)
		}
		record := g.record(t)
		if method == http.MethodGet && (n != big || err != nil || record.BytesOut != big) {
			t.Errorf("%d bytes, %v; recorded: %+v", n, err, record)
		}
		if method == http.MethodPut && (resp.StatusCode != http.StatusNoContent || record.BytesIn != big) {
			t.Errorf("%s; recorded: %+v", resp.Status, record)
		}
	}
}

// Where it is not declared, what is larger than the limits is refused.
func TestLargeTransfersUndeclared(t *testing.T) {
	g := serve(t, streamSpec, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			t.Error("the upload reached the upstream")
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = io.CopyN(w, zeros{}, 10<<20)
	}), open)
	for method, want := range map[string]*exchange.Reason{http.MethodPut: exchange.BodyTooLarge, http.MethodGet: exchange.ResponseInvalid} {
		r, _ := http.NewRequest(method, g.url+"/plain/file", nil)
		if method == http.MethodPut {
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeros{}, 2<<20)), 2<<20
			r.Header.Set("Content-Type", "application/octet-stream")
			r.Header.Set("Expect", "100-continue") // who sends all at once may find the connection closed before it reads the answer
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if record := g.record(t); resp.StatusCode != want.Status || record.Code != want.Code {
			t.Errorf("%s: %s; recorded: %+v", method, resp.Status, record)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
