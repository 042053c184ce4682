package sink

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sallyport/sallyport/exchange"
)

// otlp exports logs by OTLP over HTTP, with protobuf, compressed.
type otlp struct {
	WebhookOptions
	client *http.Client
}

// NewOTLP checks the URL. Nothing is sent yet. Secret and JSON of the options have no meaning here.
func NewOTLP(o WebhookOptions) (Sink, error) {
	client, err := Outside(o)
	if err != nil {
		return nil, err
	}
	return &otlp{o, client}, nil
}

func (s *otlp) Batch() Batch {
	return Batch{Messages: 1000, Bytes: 1 << 20, Wait: 200 * time.Millisecond}
}

// Send posts the batch.
func (s *otlp) Send(ctx context.Context, batch []Message) error {
	data, err := proto.Marshal(s.request(batch))
	if err != nil {
		return &Refused{Err: err}
	}
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	_, err = z.Write(data)
	if err := errors.Join(err, z.Close()); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, &body)
	if err != nil {
		return err
	}
	for name, value := range s.Header {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("User-Agent", "sallyport/"+s.Version)
	return post(s.client, req, s.judge)
}

// judge reads a partial success. It says how many records are refused, not which, and that they are not to be sent again.
func (s *otlp) judge(answer io.Reader) error {
	data, err := io.ReadAll(answer)
	if err != nil {
		return err
	}
	var r collector.ExportLogsServiceResponse
	if proto.Unmarshal(data, &r) != nil { // a 2xx is one, whatever it says
		return nil
	}
	n := r.GetPartialSuccess().GetRejectedLogRecords()
	if n <= 0 {
		return nil
	}
	refused := &Refused{Err: fmt.Errorf("%d records of the batch: %s", n, r.GetPartialSuccess().GetErrorMessage())}
	for i := range min(n, int64(s.Batch().Messages)) {
		refused.Messages = append(refused.Messages, int(i))
	}
	return refused
}

var severityNumbers = map[exchange.Severity]logs.SeverityNumber{exchange.Info: logs.SeverityNumber_SEVERITY_NUMBER_INFO, exchange.Low: logs.SeverityNumber_SEVERITY_NUMBER_INFO4,
	exchange.Medium: logs.SeverityNumber_SEVERITY_NUMBER_WARN, exchange.High: logs.SeverityNumber_SEVERITY_NUMBER_ERROR, exchange.Critical: logs.SeverityNumber_SEVERITY_NUMBER_FATAL}

func (s *otlp) request(batch []Message) *collector.ExportLogsServiceRequest {
	records := make([]*logs.LogRecord, len(batch))
	for i := range batch {
		m := &batch[i]
		records[i] = &logs.LogRecord{TimeUnixNano: uint64(m.Time.UnixNano()), ObservedTimeUnixNano: uint64(m.Time.UnixNano()), SeverityNumber: severityNumbers[m.Severity], SeverityText: string(m.Severity),
			Body: text(string(m.Body)), Attributes: []*common.KeyValue{{Key: "log.record.uid", Value: text(m.ID)}}}
	}
	return &collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource:  &resource.Resource{Attributes: []*common.KeyValue{{Key: "service.name", Value: text("sallyport")}}},
		ScopeLogs: []*logs.ScopeLogs{{Scope: &common.InstrumentationScope{Name: "sallyport", Version: s.Version}, LogRecords: records}},
	}}}
}

func text(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}

func (s *otlp) Close() error {
	s.client.CloseIdleConnections()
	return nil
}
