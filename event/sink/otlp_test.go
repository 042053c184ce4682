package sink

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"
)

func TestOTLP(t *testing.T) {
	var got collector.ExportLogsServiceRequest
	answer := &collector.ExportLogsServiceResponse{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		data, err := io.ReadAll(z)
		if err == nil {
			err = proto.Unmarshal(data, &got)
		}
		if err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("X-Key") != "k" {
			t.Error(err, r.Header)
		}
		out, _ := proto.Marshal(answer)
		_, _ = w.Write(out)
	}))
	defer server.Close()
	s, err := NewOTLP(WebhookOptions{URL: server.URL, Header: map[string]string{"X-Key": "k"}, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	batch := messages(0, 2)
	send(t, s, batch)
	records := got.ResourceLogs[0].ScopeLogs[0].LogRecords
	if len(records) != 2 || records[1].Body.GetStringValue() != `{"n":1}` || records[0].TimeUnixNano != uint64(batch[0].Time.UnixNano()) || records[0].SeverityText != "high" {
		t.Error(records)
	}
	answer.PartialSuccess = &collector.ExportLogsPartialSuccess{RejectedLogRecords: 1, ErrorMessage: "no room"}
	var refused *Refused
	if err := s.Send(t.Context(), batch); !errors.As(err, &refused) || len(refused.Messages) != 1 {
		t.Errorf("a partial success: %v", err)
	}
	if _, err := NewOTLP(WebhookOptions{URL: server.URL}); err == nil {
		t.Error("plain HTTP is accepted")
	}
}
