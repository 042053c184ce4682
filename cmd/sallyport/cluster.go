package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/limit"
	"github.com/sallyport/sallyport/limit/agent"
	"github.com/sallyport/sallyport/limit/challenge"
	"github.com/sallyport/sallyport/store/counters"
)

// cluster counts limits together with other processes; the zero one does not.
type cluster struct {
	*limit.Cluster
	bans   *limit.BoardBans // of all processes
	client *counters.Client
	end    context.CancelFunc
	done   sync.WaitGroup
}

// openCluster makes the limiter that counts together with others, where the configuration says so. That the server is away keeps
// nobody from starting: the process has its part of the limits until then.
func (v *service) openCluster(c config.Store) error {
	if !c.Together() {
		return nil
	}
	url, err := config.Secret(c.Counters)
	if err != nil {
		return err
	}
	key, err := config.Secret(c.CountersKey)
	if err != nil {
		return err
	}
	if len(key) < 32 {
		return errors.New("store.counters_key is shorter than 32 characters")
	}
	service := sha256.Sum256([]byte("service\x00" + key))
	client, err := counters.New(counters.Options{URL: url, CA: c.CountersCA, Service: hex.EncodeToString(service[:6]), Node: rand.Text()})
	if err != nil {
		return fmt.Errorf("store.counters: %w", err)
	}
	v.parts.Limiter = limit.New(limit.Options{Secret: []byte(key)})
	board, err := client.Board([]byte(key))
	if err != nil {
		return err
	}
	v.cluster.client, v.cluster.Cluster = client, v.parts.Limiter.Cluster(client, c.Processes)
	v.parts.Challenges = challenge.NewIssuer(challenge.Options{Secret: []byte(key), Common: v.cluster.Cluster})
	v.parts.Agents = agent.NewMemory(agent.Options{Log: slog.Default(), Common: v.cluster.Cluster})
	v.cluster.bans = limit.NewBoardBans(v.parts.Limiter.Bans(), board, v.learnBan)
	return nil
}

// startCluster exchanges once before the first request is served, and from then on beside requests.
func (v *service) startCluster(ctx context.Context) {
	c := &v.cluster
	if c.Cluster == nil {
		return
	}
	ctx, c.end = context.WithCancel(ctx)
	if c.Exchange(ctx); c.Stats().Alone != nil {
		slog.Error("limits are not counted together with other processes: this one lets through its part", "error", c.Stats().Alone)
	}
	c.done.Go(func() { c.Run(ctx) })
}

func (v *service) endCluster() {
	c := &v.cluster
	if c.Cluster == nil {
		return
	}
	if c.end != nil {
		c.end()
		c.done.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.client.Leave(ctx) // the others miss it soon enough
	}
	c.client.Close()
}

// partOf is why limits are not counted together now; "" while they are.
func (c *cluster) partOf() string {
	if c.Cluster == nil {
		return ""
	}
	s := c.Stats()
	if s.Alone == nil {
		return ""
	}
	return fmt.Sprintf("they cannot be added up: this process lets through a part of each limit, one of %d (%v)", s.Nodes, s.Alone)
}

// ownBans is why bans of others are not known here, and theirs not there; "" while they are.
func (c *cluster) ownBans() string {
	if c.bans == nil {
		return ""
	}
	if err := c.bans.Failing(); err != nil {
		return fmt.Sprintf("they are not told: those of this process hold here only until then (%v)", err)
	}
	return ""
}

func (v *service) observeCluster() {
	c := &v.cluster
	if c.Cluster == nil {
		return
	}
	m := v.metrics
	m.Gauge("sallyport_cluster_connected", "1 while limits are counted together with other processes; 0 while this one lets through its part of each.", func() float64 {
		if c.Stats().Alone != nil {
			return 0
		}
		return 1
	})
	m.Gauge("sallyport_cluster_bans_connected", "1 while bans of this process are told to the others, and theirs to it.", func() float64 {
		if c.ownBans() != "" {
			return 0
		}
		return 1
	})
	m.Gauge("sallyport_cluster_processes", "Processes that count together, this one included; while it is not connected, those that were last known.", func() float64 { return float64(c.Stats().Nodes) })
	m.Gauge("sallyport_cluster_keys", "Keys of limits that are exchanged.", func() float64 { return float64(c.Stats().Keys) })
	m.Gauge("sallyport_cluster_exchange_seconds", "How long the last exchange took.", func() float64 { return c.Stats().Took.Seconds() })
	m.Counter("sallyport_cluster_exchanges_total", "Exchanges with the server of counters.", func() float64 { return float64(c.Stats().Exchanges) })
	m.Counter("sallyport_cluster_exchange_failures_total", "Exchanges that failed, or were not answered in time.", func() float64 { return float64(c.Stats().Failures) })
	m.Counter("sallyport_cluster_keys_told_total", "Keys of limits that were exchanged.", func() float64 { return float64(c.Stats().Told) })
	m.Counter("sallyport_cluster_untold_total", "Signatures and challenges that were used here while the other processes could not be told, and so may be used once at each of them.", func() float64 { return float64(c.Stats().Untold) })
	m.Counter("sallyport_cluster_unshared_total", "Requests under keys beyond those that can be exchanged, of which this process lets through its part.", func() float64 { return float64(c.Stats().Unshared) })
}
