package spool

import "time"

// Totals are those of the whole spool, since it was made on this disk.
type Totals struct {
	Accepted uint64 // entries that were told
	Lost     uint64 // of them, those that never came into the journal: no sink gets them
	Bytes    int64  // of the journal now
	Unsealed uint64 // entries without what is personal, because it could not be sealed
}

func (t *Totals) add(l *lane) {
	t.Accepted += l.board.accepted.Load()
	t.Lost += l.board.lost.Load()
	t.Bytes += l.bytes()
}

// SinkStats tell what became of the entries since a sink was added: those that came into the journal are delivered, skipped, dropped,
// dead or pending.
type SinkStats struct {
	Name      string
	Pending   uint64 // in the journal
	Delivered uint64
	Skipped   uint64 // not selected by only
	Dropped   uint64 // lost for this sink alone
	Dead      uint64 // refused for good, and kept as dead letters
	Failing   bool
	LastError string    // "" when the last batch was taken
	Since     time.Time // of Failing
	Newest    time.Time // of the last entry that was delivered; zero: none since the start
}

// Lag is how far the sink is behind: 0 where nothing waits, or nothing was delivered since the start, so that it is not known.
func (t *SinkStats) Lag(now time.Time) time.Duration {
	if t.Pending == 0 || t.Newest.IsZero() {
		return 0
	}
	return max(0, now.Sub(t.Newest))
}

// State in one word: works, warns where something was lost or the last batch was not taken, fails where nothing is taken.
func (t *SinkStats) State() string {
	switch {
	case t.Failing:
		return "fails"
	case t.LastError != "" || t.Dropped > 0 || t.Dead > 0:
		return "warns"
	}
	return "works"
}

// Totals of the spool.
func (s *Spool) Totals() Totals {
	s.mu.Lock()
	t := s.elder
	s.mu.Unlock()
	t.Bytes, t.Unsealed = 0, s.unsealed.Load()
	for _, l := range s.lanes() {
		t.add(l)
	}
	return t
}

// Stats are those of each sink, in the order of the config.
func (s *Spool) Stats() []SinkStats {
	lanes := s.lanes()
	var list []SinkStats
	for _, o := range s.current() {
		h := o.health.Load()
		one := SinkStats{Name: o.Name, Failing: h.failing, LastError: h.err, Since: h.since}
		if at := o.newest.Load(); at != 0 {
			one.Newest = time.Unix(0, at).UTC()
		}
		for _, l := range lanes {
			one.add(l)
		}
		list = append(list, one)
	}
	return list
}

func (t *SinkStats) add(l *lane) {
	l.cursors.Lock()
	defer l.cursors.Unlock()
	s := l.board.find(t.Name)
	if s == nil {
		return
	}
	c := s.load()
	t.Pending += l.end() - c.cursor
	t.Delivered += c.delivered()
	t.Skipped += c.skipped
	t.Dropped += c.dropped
	t.Dead += c.dead
}
