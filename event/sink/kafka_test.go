package sink

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A cluster in memory that speaks Kafka's protocol has what was acknowledged, and says which message is too large.
func TestKafka(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "events"), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "gate", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	k, err := NewKafka(KafkaOptions{Brokers: cluster.ListenAddrs(), Topic: "events", User: "gate", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	batch := messages(0, 5)
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise)
	batch[3].Body = bytes.Repeat([]byte(hex.EncodeToString(noise)), 2) // not to be compressed to less than a batch may have
	var refused *Refused
	if err := k.Send(t.Context(), batch); !errors.As(err, &refused) || len(refused.Messages) != 1 || refused.Messages[0] != 3 {
		t.Fatalf("%v", err)
	}
	mechanism, err := mechanism(KafkaOptions{User: "gate", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("events"), kgo.SASL(mechanism))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got := map[string]bool{}
	for len(got) < 4 {
		client.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) { got[string(r.Value)] = true })
	}
	if !got[`{"n":0}`] || !got[`{"n":4}`] {
		t.Error(got)
	}
}

// Who is not let in does not lose the batch.
func TestKafkaRefusesTheUser(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "gate", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	k, err := NewKafka(KafkaOptions{Brokers: cluster.ListenAddrs(), Topic: "events", User: "gate", Password: "wrong", Mechanism: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var refused *Refused
	if err := k.Send(ctx, messages(0, 1)); err == nil || errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}
