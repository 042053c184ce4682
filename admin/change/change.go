// Package change changes the configuration of a running gateway: it shows what is in use, says what a candidate would
// change and what is wrong with it, takes it into use, keeps what was in use before, and where the config asks for it,
// waits for a second person.
//
// The file stays the one source: what is applied is written to it first, as a whole, and then goes the way of any other
// change of the file. Secrets that are written out in it are never shown and never kept (config.Mask); who sends back
// what was shown means them where their places stand. Everything is bound to the ETag of what was looked at: who has not
// seen the last change does not overwrite it.
package change

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/exchange"
)

// Errors that callers tell apart; [Invalid] is another one.
var (
	ErrStale    = errors.New("the configuration has been changed since you looked")
	ErrUnknown  = errors.New("there is no such version or proposal")
	ErrSelf     = errors.New("who proposes a change does not approve it")
	ErrExpired  = errors.New("the proposal has expired")
	ErrCrowded  = errors.New("too many proposals wait already")
	ErrUntold   = errors.New("nobody can be told of this now, so it is not done")
	ErrReadOnly = errors.New("the file cannot be written by the gateway")
)

// Invalid is a candidate that cannot be used.
type Invalid struct{ Problems config.Problems }

func (e *Invalid) Error() string { return "the configuration has mistakes: " + e.Problems.Error() }

// Options of a File.
type Options struct {
	Path string // of the config file
	DB   *sql.DB
	// Check says what is wrong with a candidate, without using it. It is asked once at a time.
	Check func(text []byte) config.Problems
	// Reload takes the file into use, or nothing.
	Reload func() error
	// Tell hands on an event of a change that is about to take effect; an error keeps it from doing so.
	Tell func(context.Context, *exchange.Event) error
	// Approvals is how many people besides its author must approve a change: 0, or 1.
	Approvals int
	// Patience is how long a proposal waits. Default 24h.
	Patience time.Duration
	// Versions is how many are kept. Default 100.
	Versions int
}

// A File is the config file of a running gateway. It is safe for concurrent use.
type File struct {
	o  Options
	mu sync.Mutex // one change at a time
}

// New returns the file. It reads nothing yet.
func New(o Options) *File {
	if o.Versions == 0 {
		o.Versions = 100
	}
	if o.Patience == 0 {
		o.Patience = 24 * time.Hour
	}
	return &File{o: o}
}

// Text is a configuration as it may be shown.
type Text struct {
	File string `json:"file"`
	ETag string `json:"etag"`
	Text string `json:"text"`
}

// Current is what stands in the file now, with secrets masked.
func (f *File) Current() (Text, error) {
	data, err := os.ReadFile(f.o.Path)
	if err != nil {
		return Text{}, fmt.Errorf("couldn't read the config: %w", err)
	}
	masked, err := config.Mask(data)
	if err != nil {
		return Text{}, fmt.Errorf("couldn't show the config: %w", err)
	}
	return Text{f.o.Path, etag(data), string(masked)}, nil
}

func etag(data []byte) string { return `"` + sum(data)[:32] + `"` }

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// An Outcome is what a candidate is or would be.
type Outcome struct {
	ETag     string          `json:"etag"`               // of the present configuration, or of the new one once it is in use
	Diff     string          `json:"diff"`               // unified, with secrets masked
	Problems config.Problems `json:"problems"`           // with line and column
	Applied  bool            `json:"applied"`            //
	Proposal string          `json:"proposal,omitempty"` // id, where somebody must approve
}

// A Change is a candidate and who wants it.
type Change struct {
	Actor string // "admin:alice"
	Note  string // for the history
	ETag  string // of the configuration that it changes; "" only for a look
	Text  string // as it was shown, edited
}

// Check says what a change would do. An ETag that is not "" must be the present one.
func (f *File) Check(c Change) (Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, _, err := f.check(c)
	return out, err
}

// Unmasked is a text as it was shown, edited or not, with the secrets of the file where their places stand. It is for
// whoever reads a candidate without using it, and never shown.
func (f *File) Unmasked(text string) ([]byte, error) {
	current, err := os.ReadFile(f.o.Path)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the config: %w", err)
	}
	return f.unmasked(text, current)
}

// unmasked fails with an *[Invalid] where a place is of no secret that there is.
func (f *File) unmasked(text string, current []byte) ([]byte, error) {
	next, err := config.Unmask([]byte(text), current)
	if err != nil {
		return nil, &Invalid{config.Problems{{File: f.o.Path, Line: 1, Column: 1, Severity: config.Error, Rule: "config.secret", Message: err.Error()}}}
	}
	return next, nil
}

// check returns, beside the outcome, what is to be written.
func (f *File) check(c Change) (Outcome, []byte, error) {
	current, err := os.ReadFile(f.o.Path)
	if err != nil {
		return Outcome{}, nil, fmt.Errorf("couldn't read the config: %w", err)
	}
	out := Outcome{ETag: etag(current), Problems: config.Problems{}}
	if c.ETag != "" && c.ETag != out.ETag {
		return out, nil, ErrStale
	}
	next, err := f.unmasked(c.Text, current)
	if wrong := (*Invalid)(nil); errors.As(err, &wrong) {
		out.Problems = wrong.Problems
		return out, nil, nil
	}
	masked, err := config.Mask(current)
	if err != nil {
		return out, nil, fmt.Errorf("couldn't show the config: %w", err)
	}
	_, unified, _ := strings.Cut(string(diff.Diff("in use", masked, "candidate", []byte(c.Text))), "\n") // without a line for patch
	out.Diff = unified
	if found := f.o.Check(next); len(found) > 0 {
		out.Problems = found
	}
	return out, next, nil
}

// Apply takes a change into use, or, where somebody must approve, keeps it as a proposal. A change that cannot be used
// is an *[Invalid], and leaves everything as it is.
func (f *File) Apply(ctx context.Context, c Change) (Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out, next, err := f.check(c)
	if err == nil && out.Problems.Failed() {
		err = &Invalid{out.Problems}
	}
	if err != nil || out.Diff == "" {
		return out, err
	}
	if f.o.Approvals > 0 {
		out.Proposal, err = f.propose(ctx, c, out.ETag, next)
		return out, err
	}
	return f.take(ctx, c, out, next)
}

// take writes next and has it used. Where it is not, what was there is written back.
func (f *File) take(ctx context.Context, c Change, out Outcome, next []byte) (Outcome, error) {
	before, err := os.ReadFile(f.o.Path)
	if err != nil {
		return out, fmt.Errorf("couldn't read the config: %w", err)
	}
	e := exchange.NewEvent(exchange.AdminAct, "changed the configuration")
	e.Actor, e.Object, e.Data = c.Actor, "config", map[string]string{"before": sum(before), "after": sum(next)}
	if err := f.tell(ctx, e); err != nil {
		return out, err
	}
	if err := f.keep(ctx, Version{Actor: "", Note: "as it was found", ETag: etag(before)}, before); err != nil {
		return out, err
	}
	if err := replace(f.o.Path, next); err != nil {
		return out, err
	}
	if err := f.o.Reload(); err != nil {
		if back := replace(f.o.Path, before); back != nil {
			return out, errors.Join(err, back)
		}
		return out, fmt.Errorf("the new configuration is not used, and the old one stands in the file: %w", err)
	}
	out.ETag, out.Applied = etag(next), true
	return out, f.keep(ctx, Version{Actor: c.Actor, Note: c.Note, ETag: out.ETag}, next)
}

func (f *File) tell(ctx context.Context, e *exchange.Event) error {
	if err := f.o.Tell(ctx, e); err != nil {
		return fmt.Errorf("%w: %w", ErrUntold, err)
	}
	return nil
}

// replace writes a file as a whole or not at all, with the old one's mode; a link stays one.
func replace(path string, data []byte) (err error) {
	defer func() {
		if errors.Is(err, os.ErrPermission) {
			err = errors.Join(ErrReadOnly, err)
		}
	}()
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return fmt.Errorf("couldn't write the config: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("couldn't write the config: %w", err)
	}
	next, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("couldn't write the config: %w", err)
	}
	defer os.Remove(next.Name()) // after the renaming there is nothing
	_, err = next.Write(data)
	if err = errors.Join(err, next.Chmod(info.Mode().Perm()), next.Sync(), next.Close()); err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("couldn't write the config: %w", err)
	}
	return nil
}
