package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Why a leaf is not appended.
var (
	ErrFull     = errors.New("the audit log's queue is full")
	ErrTooLarge = errors.New("the leaf is larger than 64 KiB")
	ErrClosed   = errors.New("the audit log is closed")
)

// Options say where a log is and who signs it.
type Options struct {
	Dir string // of the log; made where there is none
	Key Key
	// Kept is a file outside of Dir, best beside the key, in which the last checkpoint is kept as well: the log refuses to
	// go on from an earlier one. "": none.
	Kept string
	// Interval is the least time between two checkpoints that nobody waits for. Default 1s.
	Interval time.Duration
	// Leaves and Bytes bound what is queued. Default 65,536 leaves, 64 MiB.
	Leaves, Bytes int
	Witnesses     Witnesses
	// Trouble is told when a commit fails that followed a good one, and with nil when one is good again.
	Trouble func(error)

	step func(step) error // tests stop a commit here
}

// A Log is one open log. Several processes may have the same one open: one writes at a time, under the lock of the
// folder, and each goes on from where the other ended. It is safe for concurrent use. Close it.
type Log struct {
	o     Options
	fsys  fs.FS
	lock  *os.File
	files *files
	ask   *asker
	quit  chan struct{}
	done  chan struct{}
	wake  chan struct{} // something is queued
	hurry chan struct{} // somebody waits, or the queue fills

	// Of the writer's goroutine alone.
	tree   *frontier
	bundle []byte // entries of the rightmost bundle, where it is partial
	signed []byte // the checkpoint of tree

	mu      sync.Mutex
	queue   []*Pending // what the next commit takes
	size    int        // bytes in queue
	turn    chan struct{}
	stats   Stats
	broken  error
	failing bool
	closed  bool
}

// Stats are figures of an open log.
type Stats struct {
	Size       int64     // leaves in the tree
	Appended   int64     // leaves that this process has put there
	Dropped    int64     // leaves that were not appended: the queue was full, or the log could not be written until it was closed
	Queued     int       // leaves that wait
	Failures   int64     // commits that failed; their leaves are tried again
	Checkpoint time.Time // of the last checkpoint made here
	Cosigned   int64     // size of the newest checkpoint that enough witnesses cosigned
}

// Open opens the log in a folder and makes both where there is none. It fails on a log that is not what its own last
// checkpoint says, and on one that was put back to an earlier state, when [Options.Kept] shows so.
func Open(o Options) (*Log, error) {
	if o.Interval <= 0 {
		o.Interval = time.Second
	}
	if o.Leaves <= 0 {
		o.Leaves = 1 << 16
	}
	if o.Bytes <= 0 {
		o.Bytes = 64 << 20
	}
	l := &Log{o: o, fsys: os.DirFS(o.Dir), files: newFiles(o.Dir), turn: make(chan struct{}), quit: make(chan struct{}), done: make(chan struct{}),
		wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), tree: &frontier{}}
	l.ask = newAsker(l)
	if err := l.prepare(); err != nil {
		return nil, fmt.Errorf("couldn't open the audit log in %s: %w", o.Dir, err)
	}
	l.ask.start()
	go l.run()
	return l, nil
}

func (l *Log) prepare() (err error) {
	if err = os.MkdirAll(l.o.Dir, 0o750); err != nil {
		return err
	}
	if l.lock, err = os.OpenFile(filepath.Join(l.o.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o640); err != nil {
		return err
	}
	err = os.WriteFile(filepath.Join(l.o.Dir, "key.pub"), []byte(l.o.Key.Public+"\n"), 0o640)
	if err == nil {
		err = l.locked(func() error {
			if err := l.catchUp(); err != nil || l.signed != nil {
				return err
			}
			return l.commit(nil) // the empty tree has a checkpoint, too
		})
	}
	if err != nil {
		l.lock.Close()
	}
	return err
}

// A Pending is a leaf on its way into the log.
type Pending struct {
	log   *Log
	leaf  []byte
	state state // as err and index, under log.mu
	index int64
	err   error // of the last commit that tried
}

type state uint8

const (
	queued state = iota
	taken        // by the commit that is going on
	settled
)

// Append queues a leaf, which must not be changed afterwards. It does not block.
func (l *Log) Append(leaf []byte) (*Pending, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.broken != nil:
		return nil, l.drop(l.broken)
	case l.closed:
		return nil, l.drop(ErrClosed)
	case len(leaf) > MaxLeaf:
		return nil, l.drop(ErrTooLarge)
	case l.stats.Queued >= l.o.Leaves || l.size+len(leaf) > l.o.Bytes:
		return nil, l.drop(ErrFull)
	}
	p := &Pending{log: l, leaf: leaf}
	l.queue, l.size = append(l.queue, p), l.size+len(leaf)
	l.stats.Queued++
	nudge(l.wake)
	if l.size > l.o.Bytes/2 || l.stats.Queued > l.o.Leaves/2 {
		nudge(l.hurry)
	}
	return p, nil
}

func (l *Log) drop(err error) error {
	l.stats.Dropped++
	return err
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Wait returns the index of the leaf once its checkpoint is durable, and makes that happen soon. When the log cannot be
// written now, or ctx ends, the leaf is taken back: after an error it is not in the log and will not be, unless the
// error is one after which nobody can know ([ErrBroken]).
func (p *Pending) Wait(ctx context.Context) (int64, error) {
	l := p.log
	for {
		l.mu.Lock()
		if p.state == queued && (p.err != nil || ctx.Err() != nil) {
			p.withdraw(errors.Join(p.err, ctx.Err()))
		}
		state, index, err, turn := p.state, p.index, p.err, l.turn
		l.mu.Unlock()
		if state == settled {
			return index, err
		}
		nudge(l.hurry)
		if state == taken { // the disk decides
			<-turn
			continue
		}
		select {
		case <-turn:
		case <-ctx.Done():
		}
	}
}

// withdraw takes a queued leaf back. Its place in the queue stays, empty.
func (p *Pending) withdraw(err error) {
	p.log.size -= len(p.leaf)
	p.log.stats.Queued--
	p.leaf, p.state, p.err = nil, settled, err
}

// Stats tells the figures of now.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// Close commits what is queued, once, and ends the writer.
func (l *Log) Close() error {
	l.mu.Lock()
	again := l.closed
	l.closed = true
	l.mu.Unlock()
	if again {
		return nil
	}
	close(l.quit)
	<-l.done
	l.ask.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	for _, p := range l.queue {
		if p.state == queued {
			err = l.drop(errors.Join(ErrClosed, p.err))
			p.withdraw(err)
		}
	}
	l.lock.Close()
	return err
}
