package spool

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/event/sink"
)

// Apply takes a list of outputs into use, all or nothing. Those that are there already, by name and key, go on undisturbed; one
// that is changed goes on where it was; a new one begins with what is told from now on; one that is gone is forgotten with
// its cursor.
func (s *Spool) Apply(list []Output) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	opened, err := s.open(list)
	if err != nil {
		return err
	}
	var next []*output
	for _, o := range s.outputs {
		if slices.ContainsFunc(list, func(n Output) bool { return n.Name == o.Name && n.Key == o.Key }) {
			next = append(next, o)
			continue
		}
		o.stop()
	}
	for _, l := range append([]*lane{s.own}, s.left...) {
		l.forget(func(name string) bool {
			return slices.ContainsFunc(list, func(n Output) bool { return n.Name == name })
		})
	}
	for i, o := range list {
		if opened[i] == nil {
			continue
		}
		n := s.newOutput(o, opened[i])
		if err := s.begin(n); err != nil {
			return errors.Join(err, opened[i].Close())
		}
		next = append(next, n)
	}
	s.outputs = next
	s.idle.Store(len(next) == 0)
	return nil
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
			for _, k := range opened[:i] {
				if k != nil {
					err = errors.Join(err, k.Close())
				}
			}
			return nil, fmt.Errorf("couldn't open sink %s: %w", o.Name, err)
		}
	}
	return opened, nil
}

// begin lets an output follow every lane: our own, and those where it has a cursor.
func (s *Spool) begin(o *output) error {
	slot, err := s.own.claim(o.Name)
	if err != nil {
		return err
	}
	o.follow(s.own, slot, true)
	for _, l := range s.left {
		if slot := l.find(o.Name); slot != nil {
			o.follow(l, slot, false)
		}
	}
	return nil
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
