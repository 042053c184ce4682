package spool

import "log/slog"

// trim removes segments that every sink is done with, and, where the lanes together are beyond the bound, the oldest ones,
// those of processes that are gone first. It is the writer's.
func (s *Spool) trim() {
	lanes := s.lanes()
	for _, l := range lanes {
		for {
			_, end, more := l.oldest()
			if !more || l.lowest() < end || !l.shed() {
				break
			}
		}
	}
	for _, l := range lanes {
		for total(lanes) > s.limit.Load() {
			first, end, more := l.oldest()
			if !more {
				break
			}
			s.overrun(l, first, end)
			if !l.shed() {
				break
			}
		}
	}
}

func (l *lane) shed() bool {
	if err := l.drop(); err != nil {
		slog.Error("couldn't remove a segment of the spool", "error", err)
		return false
	}
	return true
}

func total(lanes []*lane) (bytes int64) {
	for _, l := range lanes {
		bytes += l.bytes()
	}
	return bytes
}

// lowest is the cursor of the sink that is furthest behind.
func (l *lane) lowest() uint64 {
	l.cursors.Lock()
	defer l.cursors.Unlock()
	least := l.end()
	for i := range l.board.slots {
		if s := &l.board.slots[i]; s.called() != "" {
			least = min(least, s.load().cursor)
		}
	}
	return least
}

// overrun drops a segment for the sinks that have not got it, and counts what they lose: only what they would have got.
func (s *Spool) overrun(l *lane, first segment, end uint64) {
	for _, o := range s.current() {
		if slot := l.find(o.Name); slot != nil {
			s.losses.add(loss{l, o.Name, overdue}, l.skip(slot, first, end, o.Only))
		}
	}
}

// skip moves a cursor beyond a segment, and returns how many entries the sink loses.
func (l *lane) skip(slot *slot, first segment, end uint64, only Only) (lost uint64) {
	l.cursors.Lock()
	defer l.cursors.Unlock()
	c := slot.load()
	if c.cursor >= end {
		return 0
	}
	unwanted := l.unwanted(max(c.cursor, first.first), end, only)
	lost = end - c.cursor - unwanted
	c.cursor, c.skipped, c.dropped = end, c.skipped+unwanted, c.dropped+lost
	slot.store(c)
	return lost
}

// unwanted counts the entries from one number to before another, within a segment, that a sink would not have got.
func (l *lane) unwanted(from, end uint64, only Only) (n uint64) {
	if only == Everything {
		return 0
	}
	r := reader{journal: l.journal}
	defer r.close()
	_, err := r.read(from, func(f frame) bool {
		if f.seq < end && !only.selects(f.kind) {
			n++
		}
		return f.seq < end
	})
	if err != nil { // then everything counts as lost
		return 0
	}
	return n
}

// release forgets of what is in memory what every sink has got. One that fails has it read from the journal when it is back: for that
// long, memory is for those that keep up.
func (s *Spool) release() {
	least := s.own.end()
	for _, o := range s.current() {
		if o.health.Load().err == "" {
			least = min(least, o.own.cursor())
		}
	}
	s.tail.release(least)
}

// inherit takes over what processes have left that are gone, and removes what is done with. It is the writer's.
func (s *Spool) inherit() {
	s.retire()
	l, err := leftLane(s.dir, s.taken, segmentSize(s.limit.Load()))
	if err != nil {
		slog.Error("couldn't open what another process left in the spool", "error", err)
	}
	if l == nil {
		return
	}
	s.reckoned(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = append(s.left, l)
	for _, o := range s.outputs {
		if slot := l.find(o.Name); slot != nil {
			o.follow(l, slot, false)
		}
	}
}

func (s *Spool) taken(n int) bool {
	for _, l := range s.lanes() {
		if l.number == n {
			return true
		}
	}
	return false
}

// retire removes lanes of which every sink has everything.
func (s *Spool) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.left[:0:0]
	for _, l := range s.left {
		l.forget(s.wants)
		if l.lowest() < l.end() {
			kept = append(kept, l)
			continue
		}
		l.readers.Wait()
		s.elder.add(l)
		l.remove()
	}
	s.left = kept
}
