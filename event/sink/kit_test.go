package sink

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

func messages(from, n int) (batch []Message) {
	for i := from; i < from+n; i++ {
		batch = append(batch, Message{ID: fmt.Sprintf("R%04d", i), Time: time.Date(2026, 11, 30, 8, 0, 0, 123456000, time.UTC), Severity: exchange.High, Name: "GET /orders/{id}", Body: fmt.Appendf(nil, `{"n":%d}`, i)})
	}
	return batch
}

func send(t *testing.T, s Sink, batch []Message) {
	t.Helper()
	if err := s.Send(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}
