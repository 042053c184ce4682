package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// KafkaOptions are those of a topic.
type KafkaOptions struct {
	Brokers   []string
	Topic     string
	User      string
	Password  string
	Mechanism string      // scram-sha-512, scram-sha-256, plain
	TLS       *tls.Config // nil: none
}

type kafka struct {
	client *kgo.Client
}

// NewKafka makes a client; it connects when the first batch is sent. All in-sync replicas must have what is acknowledged.
func NewKafka(o KafkaOptions) (Sink, error) {
	options := []kgo.Opt{kgo.SeedBrokers(o.Brokers...), kgo.DefaultProduceTopic(o.Topic), kgo.ClientID("sallyport"),
		kgo.ProducerLinger(0)} // no delivery timeout, which counts from the time of the event: the context ends what takes too long
	if o.TLS != nil {
		options = append(options, kgo.DialTLSConfig(o.TLS))
	}
	if o.User != "" {
		m, err := mechanism(o)
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.SASL(m))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	return &kafka{client}, nil
}

func mechanism(o KafkaOptions) (sasl.Mechanism, error) {
	switch auth := (scram.Auth{User: o.User, Pass: o.Password}); o.Mechanism {
	case "", "scram-sha-512":
		return auth.AsSha512Mechanism(), nil
	case "scram-sha-256":
		return auth.AsSha256Mechanism(), nil
	case "plain":
		return plain.Auth{User: o.User, Pass: o.Password}.AsMechanism(), nil
	}
	return nil, fmt.Errorf("there is no mechanism %s", o.Mechanism)
}

func (k *kafka) Batch() Batch {
	return Batch{Messages: 4096, Bytes: 4 << 20, Wait: 100 * time.Millisecond}
}

// Send produces the batch and waits for every acknowledgement.
func (k *kafka) Send(ctx context.Context, batch []Message) error {
	records := make([]*kgo.Record, len(batch))
	index := make(map[*kgo.Record]int, len(batch))
	for i := range batch {
		records[i] = &kgo.Record{Value: batch[i].Body, Timestamp: batch[i].Time}
		index[records[i]] = i
	}
	var large []int
	for _, r := range k.client.ProduceSync(ctx, records...) {
		switch {
		case errors.Is(r.Err, kerr.MessageTooLarge), errors.Is(r.Err, kerr.InvalidRecord):
			large = append(large, index[r.Record])
		case r.Err != nil:
			return r.Err
		}
	}
	if large != nil {
		return &Refused{Messages: large, Err: kerr.MessageTooLarge}
	}
	return nil
}

func (k *kafka) Close() error {
	k.client.Close()
	return nil
}
