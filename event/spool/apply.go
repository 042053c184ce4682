package spool

import (
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/event/sink"
)

// A Change is a list of outputs that is not in use yet: all that can fail was done. It is either taken or discarded, and no other one may
// be prepared before that.
type Change struct {
	spool  *Spool
	list   []Output
	opened []sink.Sink // nil: it goes on as it is
}

// Prepare opens what is new or changed in a list of outputs, or nothing.
func (s *Spool) Prepare(list []Output) (*Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	opened, err := s.open(list)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		s.idle.Store(false) // a process before this one may have left them a cursor: what happens until they are taken is theirs
	}
	return &Change{s, list, opened}, nil
}

// Apply prepares a list and takes it.
func (s *Spool) Apply(list []Output) error {
	c, err := s.Prepare(list)
	if err == nil {
		c.Take()
	}
	return err
}

// Discard closes what was opened.
func (c *Change) Discard() {
	c.spool.mu.Lock()
	c.spool.idle.Store(len(c.spool.outputs) == 0)
	c.spool.mu.Unlock()
	c.close()
}

func (c *Change) close() {
	for _, k := range c.opened {
		if k != nil {
			_ = k.Close() // nothing was sent
		}
	}
}

// Take takes the list into use. Those that are there already, by name and key, go on undisturbed; one that is changed goes on where it
// was; a new one begins with what is told from now on; one that is gone is forgotten with its cursor.
func (c *Change) Take() {
	s := c.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	var next []*output
	for _, o := range s.outputs {
		if slices.ContainsFunc(c.list, func(n Output) bool { return n.Name == o.Name && n.Key == o.Key }) {
			next = append(next, o)
			continue
		}
		o.stop()
	}
	for _, l := range append([]*lane{s.own}, s.left...) {
		l.forget(func(name string) bool {
			return slices.ContainsFunc(c.list, func(n Output) bool { return n.Name == name })
		})
	}
	for i, o := range c.list {
		if c.opened[i] == nil {
			continue
		}
		n := s.newOutput(o, c.opened[i])
		s.begin(n)
		next = append(next, n)
	}
	s.outputs = next
	s.idle.Store(len(next) == 0)
}

// open opens those that are new or changed.
func (s *Spool) open(list []Output) (opened []sink.Sink, err error) {
	if len(list) > MaxSinks {
		return nil, fmt.Errorf("there are more than %d sinks", MaxSinks)
	}
	opened = make([]sink.Sink, len(list))
	for i, o := range list {
		if o.Name == "" || len(o.Name) > maxName {
			return nil, fmt.Errorf("%q is not a name for a sink", o.Name)
		}
		if slices.ContainsFunc(s.outputs, func(n *output) bool { return n.Name == o.Name && n.Key == o.Key }) {
			continue
		}
		if opened[i], err = o.Open(); err != nil {
			(&Change{opened: opened[:i]}).close()
			return nil, fmt.Errorf("couldn't open sink %s: %w", o.Name, err)
		}
	}
	return opened, nil
}

// begin lets an output follow every lane: our own, and those where it has a cursor.
func (s *Spool) begin(o *output) {
	o.follow(s.own, s.own.claim(o.Name), true)
	for _, l := range s.left {
		if slot := l.find(o.Name); slot != nil {
			o.follow(l, slot, false)
		}
	}
}

func (s *Spool) wants(name string) bool {
	return slices.ContainsFunc(s.outputs, func(o *output) bool { return o.Name == name })
}

func (s *Spool) current() []*output {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.outputs)
}

// lanes are those of processes that are gone, oldest first, and our own.
func (s *Spool) lanes() []*lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(slices.Clone(s.left), s.own)
}

// wake tells the runners that something was written.
func (s *Spool) wake() {
	for _, o := range s.current() {
		select {
		case o.own.wake <- struct{}{}:
		default:
		}
	}
}
