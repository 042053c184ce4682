package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sallyport/sallyport/audit"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/store"
	"github.com/sallyport/sallyport/store/keyring"
)

// An older ring of keys, restored, has the keys of persons who were erased since. The audit log says which those are: they are
// destroyed again before anybody reads with them. The ring remembers how far of the log it has followed, so that an older one
// remembers less, and a start looks at no more of the log than it must.

// eraseAgain follows the log in a folder. It returns the keys that were back.
func eraseAgain(ctx context.Context, ring *keyring.Ring, archive *event.Reader, dir string, key note.Verifier) (back []int64, err error) {
	files := os.DirFS(dir)
	head, _, err := audit.Head(files, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing is in it yet
	}
	if err != nil {
		return nil, err
	}
	from, err := ring.Erased(ctx, key.Name())
	if err != nil {
		return nil, err
	}
	if from > head.Size {
		from = 0 // the log is the older one
	}
	var numbers []int64
	err = audit.Each(ctx, files, head, from, func(index int64, leaf []byte) error {
		list := erasedBy(leaf)
		if len(list) == 0 {
			return nil
		}
		if _, err := audit.Leaf(files, head, index); err != nil {
			return fmt.Errorf("an erasure that nobody has signed: %w", err)
		}
		numbers = append(numbers, list...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if back, err = archive.ForgetAgain(ctx, numbers); err != nil {
		return nil, err
	}
	return back, ring.SetErased(ctx, key.Name(), head.Size)
}

// erasedBy are the numbers of the keys whose end a leaf tells.
func erasedBy(leaf []byte) (numbers []int64) {
	if !bytes.Contains(leaf, []byte(exchange.Erased.Name)) {
		return nil
	}
	l, err := event.ReadLeaf(leaf, nil)
	if err != nil || l.Event == nil || l.Event.Kind != exchange.Erased.Name {
		return nil
	}
	for word := range strings.SplitSeq(l.Event.Data["keys"], ",") {
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// erasure is an event of keys that are destroyed. It tells no name: the numbers of the keys say which sealed data it was about, and
// nothing else once they are destroyed.
func erasure(detail string, keys []int64) *exchange.Event {
	e := exchange.NewEvent(exchange.Erased, detail)
	var list []string
	for _, id := range keys {
		list = append(list, strconv.FormatInt(id, 10))
	}
	e.Data = map[string]string{"keys": strings.Join(list, ",")}
	return e
}

const wasBack = "keys of erased persons were back, by an older ring of keys, and are destroyed again"

// followErasures lets the ring follow the log: at the start, and while the gateway runs, so that the next start has little to look at.
func (v *service) followErasures(ctx context.Context) error {
	if v.audit == nil {
		return nil
	}
	p := auditPlace(v.config)
	key, _, err := p.key()
	if err != nil {
		return err
	}
	back, err := eraseAgain(ctx, v.ring, v.archive.Reader, p.dir, key.Verifier)
	if err != nil {
		return fmt.Errorf("couldn't tell whether erased persons' keys are back: %w", err)
	}
	if len(back) > 0 {
		slog.Warn(wasBack, "keys", len(back))
		v.early.hear(erasure(wasBack, back))
	}
	return nil
}

// followEvery is how often a gateway that runs looks at what came into the log.
const followEvery = time.Hour

func (v *service) keepFollowing(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(followEvery):
		}
		if err := v.followErasures(ctx); err != nil && ctx.Err() == nil {
			slog.Error("the ring of keys doesn't follow the audit log", "error", err)
		}
	}
}

type auditReapplyCmd struct{}

// Help is shown below the flags.
func (auditReapplyCmd) Help() string {
	return `Whoever restores an older ring of keys brings back the keys of persons who were erased since. The audit log has the numbers of the keys that were destroyed:
those that are back are destroyed again. A gateway does so when it starts; this is for who reads a restored store without one.`
}

// Run erases again.
func (auditReapplyCmd) Run(k *cli, s *streams) error {
	cfg, err := k.Audit.config()
	if err != nil {
		return err
	}
	a, err := openArchiveOf(cfg.Store)
	if err != nil {
		return err
	}
	defer a.close()
	p := auditPlace(cfg)
	key, err := verifier(s.err, p.dir, "")
	if err != nil {
		return err
	}
	ctx := context.Background()
	back, err := eraseAgain(ctx, a.ring, a.Reader, p.dir, key)
	if err != nil {
		return err
	}
	if len(back) == 0 {
		fmt.Fprintln(s.err, "no key of an erased person is back")
		return nil
	}
	fmt.Fprintf(s.err, "%s of erased persons: back, and destroyed again\n", counted(len(back), "key"))
	e := erasure(wasBack, back)
	e.Actor = "cli"
	return a.store.Change(ctx, func(tx *sql.Tx) error { return store.Announce(ctx, tx, e.ID, e) })
}
