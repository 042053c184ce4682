//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// receivers are a file, on a disk of its own where it is to be down, a webhook and a cluster that speaks Kafka's protocol, which can be down, all at once.
type receivers struct {
	t       testing.TB
	folder  string
	url     string
	cluster *kfake.Cluster
	down    atomic.Bool
	deaf    bool // what is posted is not looked at

	posts sync.Mutex
	hook  receipt
}

func newReceivers(t testing.TB, folder string) *receivers {
	r := &receivers{t: t, folder: folder, hook: newReceipt()}
	server := httptest.NewServer(http.HandlerFunc(r.post))
	t.Cleanup(server.Close)
	r.url = server.URL
	var err error
	if r.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "events")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.cluster.Close)
	r.cluster.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		if r.down.Load() {
			return nil, errors.New("it is down"), true
		}
		return nil, nil, false
	})
	return r
}

func (r *receivers) post(w http.ResponseWriter, q *http.Request) {
	if r.down.Load() {
		http.Error(w, "it is down", http.StatusServiceUnavailable)
		return
	}
	if r.deaf {
		_, _ = io.Copy(io.Discard, q.Body) // who sends notices
		return
	}
	var batch []json.RawMessage
	if err := json.NewDecoder(q.Body).Decode(&batch); err != nil { // the gateway was killed within
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.posts.Lock()
	defer r.posts.Unlock()
	for _, line := range batch {
		r.hook.add(r.t, line)
	}
}

// set takes them down, or up.
func (r *receivers) set(down bool) {
	r.t.Helper()
	r.down.Store(down)
	filler := filepath.Join(r.folder, "filler")
	if down {
		fill(r.t, filler)
	} else if err := os.Remove(filler); err != nil {
		r.t.Fatal(err)
	}
}

// smallDisk is a folder with so many megabytes.
func smallDisk(t testing.TB, room int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", room)); err != nil {
		t.Skipf("a small disk cannot be mounted, which takes root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// gathered is what each sink has got, once it is told of so many losses.
func (r *receivers) gathered(lost int64) map[string]receipt {
	r.t.Helper()
	all := map[string]receipt{}
	await(r.t, "the losses to be told", func() bool {
		r.posts.Lock()
		defer r.posts.Unlock()
		return r.hook.lost >= int(lost)
	})
	all["hook"] = r.hook
	await(r.t, "the others", func() bool {
		all["file"], all["bus"] = r.written(), r.produced()
		return all["file"].lost >= int(lost) && all["bus"].lost >= int(lost)
	})
	return all
}

func (r *receivers) written() receipt {
	got := newReceipt()
	f, err := os.Open(filepath.Join(r.folder, "out.log"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var line json.RawMessage
		if err := d.Decode(&line); err == io.EOF {
			return got
		} else if err != nil {
			r.t.Fatal(err)
		}
		got.add(r.t, line)
	}
}

func (r *receivers) produced() receipt {
	r.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.cluster.ListenAddrs()...), kgo.ConsumeTopics("events"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer client.Close()
	for got := newReceipt(); ; {
		ctx, cancel := context.WithTimeout(r.t.Context(), 3*time.Second)
		fetches := client.PollRecords(ctx, 100_000)
		cancel()
		if fetches.NumRecords() == 0 {
			return got
		}
		fetches.EachRecord(func(k *kgo.Record) { got.add(r.t, k.Value) })
	}
}

// receipt is what one sink has got: ids, each once, and what events say of losses.
type receipt struct {
	ids               map[string]bool
	lost, interrupted int
}

func newReceipt() receipt { return receipt{ids: map[string]bool{}} }

// add reads a line, of OCSF or of our own form.
func (g *receipt) add(t testing.TB, line []byte) {
	type said struct {
		Object string
		Data   map[string]string
	}
	var l struct {
		ID, Kind string
		said
		Metadata struct{ UID string }
		Finding  struct{ Title string } `json:"finding_info"`
		Unmapped said
	}
	if err := json.Unmarshal(line, &l); err != nil {
		t.Errorf("%s: %v", line, err)
		return
	}
	if l.ID == "" {
		l.ID, l.Kind, l.said = l.Metadata.UID, l.Finding.Title, l.Unmapped
	}
	again := g.ids[l.ID]
	if g.ids[l.ID] = true; again || l.Kind != "event.dropped" || l.Object != "" {
		return
	}
	n, err := strconv.Atoi(l.Data["count"])
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
	if l.Data["at_most"] != "" {
		g.interrupted += n
	} else {
		g.lost += n
	}
}
