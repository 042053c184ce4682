package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/admin/desk"
)

// asked.go is what pages whose answers take long have in common: they tell how far one is, and why there is none.

// follow tells how far a run is, as server-sent events, until it ends.
func follow(w http.ResponseWriter, r *http.Request, running func() (desk.Progress, bool)) {
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		p, goesOn := running()
		if !goesOn {
			_ = send(w, "event: end\ndata: \n\n") // the reader has gone
			return
		}
		at := ""
		if !p.At.IsZero() {
			at = ", up to " + p.At.UTC().Format("2006-01-02 15:04:05")
		}
		if send(w, fmt.Sprintf("event: progress\ndata: %.4f %s exchanges%s\n\n", p.Share, number(int64(p.N)), at)) != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(watchPace):
		}
	}
}

// trouble is why there is no answer, and which command has no bound of time.
func trouble(err error, command string) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "It was stopped before its end."
	case errors.Is(err, context.DeadlineExceeded):
		return "It took too long. Choose a shorter time; " + command + " takes as long as it takes."
	}
	return err.Error()
}
