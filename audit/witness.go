package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// A Witness cosigns checkpoints after it has seen that each extends the one before (C2SP tlog-witness).
type Witness struct {
	URL string // submission prefix
	Key note.Verifier
}

// Witnesses are who is asked to cosign.
type Witnesses struct {
	List   []Witness
	Quorum int           // so many must cosign; 0: all
	Every  time.Duration // at most so often; default 1m
	Client *http.Client  // default: one of its own
	Told   func(error)   // when fewer than the quorum cosign that did before, and with nil when enough do again
}

// cosignedPath is where the newest checkpoint stands that enough witnesses have cosigned, with their signatures.
const cosignedPath = "checkpoint.cosigned"

// asked bounds one question to a witness.
const asked = 10 * time.Second

// asker asks witnesses about the newest checkpoint. Whoever appends does not wait for it.
type asker struct {
	o      Witnesses
	log    *Log
	sizes  []int64 // what each witness has cosigned, as far as we know
	offers chan offer
	end    context.CancelFunc
	done   sync.WaitGroup
}

type offer struct {
	checkpoint Checkpoint
	signed     []byte
}

func newAsker(l *Log) *asker {
	o := l.o.Witnesses
	if o.Quorum <= 0 {
		o.Quorum = len(o.List)
	}
	if o.Every <= 0 {
		o.Every = time.Minute
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: asked, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &asker{o: o, log: l, sizes: make([]int64, len(o.List)), offers: make(chan offer, 1)}
}

func (a *asker) start() {
	ctx, end := context.WithCancel(context.Background())
	if a.end = end; len(a.o.List) > 0 {
		a.done.Go(func() { a.run(ctx) })
	}
}

func (a *asker) close() {
	a.end()
	a.done.Wait()
}

// offer is told of each checkpoint; the newest one counts. It is called by one goroutine.
func (a *asker) offer(c Checkpoint, signed []byte) {
	for {
		select {
		case a.offers <- offer{c, signed}:
			return
		default:
		}
		select {
		case <-a.offers:
		default:
		}
	}
}

func (a *asker) run(ctx context.Context) {
	failing := false
	for {
		var o offer
		select {
		case o = <-a.offers:
		case <-ctx.Done():
			return
		}
		err := a.cosign(ctx, o)
		if changed := failing != (err != nil); changed && ctx.Err() == nil && a.o.Told != nil {
			a.o.Told(err)
		}
		if failing = err != nil; failing {
			select {
			case a.offers <- o: // again, unless there is a newer one
			default:
			}
		}
		select {
		case <-time.After(a.o.Every):
		case <-ctx.Done():
			return
		}
	}
}

// cosign asks every witness at once, and publishes the cosigned checkpoint where enough have answered.
func (a *asker) cosign(ctx context.Context, o offer) error {
	lines, errs := make([][]byte, len(a.o.List)), make([]error, len(a.o.List))
	var all sync.WaitGroup
	for i, w := range a.o.List {
		all.Go(func() {
			lines[i], errs[i] = a.ask(ctx, i, o)
			if errs[i] != nil {
				errs[i] = fmt.Errorf("witness %s: %w", w.Key.Name(), errs[i])
			}
		})
	}
	all.Wait()
	signed, n := o.signed, 0
	for _, l := range lines {
		if l != nil {
			signed, n = append(signed[:len(signed):len(signed)], l...), n+1
		}
	}
	if n < a.o.Quorum {
		return fmt.Errorf("%d of %d witnesses cosigned, fewer than %d: %w", n, len(lines), a.o.Quorum, errors.Join(errs...))
	}
	if err := replace(filepath.Join(a.log.o.Dir, cosignedPath), signed); err != nil {
		return err
	}
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	a.log.stats.Cosigned = o.checkpoint.Size
	return nil
}

// ask returns the signature line of witness i. A witness that remembers another size than we do says so, and is asked
// once more; one that remembers more than the log has is the proof that somebody rolled the log back.
func (a *asker) ask(ctx context.Context, i int, o offer) ([]byte, error) {
	for range 2 {
		line, size, err := a.post(ctx, i, o)
		if err != nil {
			return nil, err
		}
		if line != nil {
			a.sizes[i] = o.checkpoint.Size
			return line, nil
		}
		if size > o.checkpoint.Size {
			return nil, fmt.Errorf("%w: the witness has seen %d leaves, and there are %d", ErrRolledBack, size, o.checkpoint.Size)
		}
		a.sizes[i] = size
	}
	return nil, errors.New("it does not say which checkpoint it has seen")
}

// post asks once. Where the witness knows another size, that is returned instead of a line.
func (a *asker) post(ctx context.Context, i int, o offer) (line []byte, size int64, err error) {
	w := a.o.List[i]
	older := Checkpoint{Size: a.sizes[i]}
	proof, err := ProveConsistency(a.log.fsys, o.checkpoint, older)
	if err != nil {
		return nil, 0, err
	}
	body := appendHashes(fmt.Appendf(nil, "old %d\n", older.Size), proof)
	body = append(append(body, '\n'), o.signed...)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(w.URL, "/")+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	answer, err := a.o.Client.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxNote))
	if err != nil {
		return nil, 0, err
	}
	switch answer.StatusCode {
	case http.StatusOK:
		line, err = cosignature(o.signed, data, a.log.o.Key.Verifier, w.Key)
		return line, 0, err
	case http.StatusConflict:
		size, err = strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
		if err != nil || size < 0 {
			err = errors.New("it answers 409 without a size")
		}
		return nil, size, err
	}
	return nil, 0, fmt.Errorf("it answers %d", answer.StatusCode)
}

// cosignature is the line of the witness among those that it answered with.
func cosignature(signed, lines []byte, key, witness note.Verifier) ([]byte, error) {
	_, n, err := OpenCheckpoint(append(bytes.Clone(signed), lines...), key, witness)
	if err != nil {
		return nil, err
	}
	for _, s := range n.Sigs {
		if s.Name == witness.Name() && s.Hash == witness.KeyHash() {
			return fmt.Appendf(nil, "— %s %s\n", s.Name, s.Base64), nil
		}
	}
	return nil, errors.New("it answers without its signature")
}
