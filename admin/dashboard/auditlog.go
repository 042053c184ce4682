package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sallyport/sallyport/audit"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
)

// An AuditLog is the audit log as an auditor finds it: a folder and a public key.
type AuditLog struct {
	Dir       string
	Kept      string // file with the checkpoint that is remembered outside of the log; "": none
	Key       note.Verifier
	Public    string // the key as auditors are given it
	Witnesses []note.Verifier
	Quorum    int
}

func (l *AuditLog) files() fs.FS { return os.DirFS(l.Dir) }

type auditPage struct {
	Log     *AuditLog
	Head    audit.Checkpoint
	Signed  string
	Trouble string // why the head cannot be read
	Events  []*exchange.Event
	Kinds   []*exchange.Kind
	Kind    string
	Pager   pager
	Empty   *empty
}

// Command verifies without this gateway.
func (p auditPage) Command() string {
	return "sallyport audit verify " + p.Log.Dir + " --key '" + p.Log.Public + "'"
}

func (d *dashboard) audited(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	p := auditPage{Log: d.Audit, Kinds: exchange.Kinds(), Kind: s.Get("tab")}
	if d.Audit != nil {
		head, signed, err := audit.Head(d.Audit.files(), d.Audit.Key)
		if err != nil {
			p.Trouble = err.Error()
		}
		p.Head, p.Signed = head, string(signed)
	}
	list, err := d.Archive.Events(ctx, event.EventFilter{From: s.From, To: s.Until, Kind: p.Kind, Before: s.Get("before"), Limit: pageSize + 1})
	if err != nil {
		return view{}, err
	}
	p.Events = first(list, pageSize)
	p.Pager = pageOf(s, len(p.Events), len(list) > pageSize, func() string { return p.Events[len(p.Events)-1].ID })
	if len(list) == 0 {
		p.Empty = &empty{Title: "No events in this time", Text: "Events are what happens beside exchanges: acts of administrators, changes of the configuration and of keys, controls that fail, losses, alerts.", Href: s.Wider(), Label: "Look at a longer time"}
	}
	return view{Title: "Audit", Scope: s, Data: p}, nil
}

// exportEvents writes events as they are read.
func (d *dashboard) exportEvents(ctx context.Context, s *scope, put func([]string, any) error) error {
	if err := put([]string{"time", "id", "kind", "severity", "actor", "object", "subject", "detail", "words"}, nil); err != nil {
		return err
	}
	q := event.EventFilter{From: s.From, To: s.Until, Kind: s.Get("tab"), Limit: 1000}
	for n := 0; n < exportRows; {
		list, err := d.Archive.Events(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := put([]string{e.Time.UTC().Format(time.RFC3339Nano), e.ID, e.Kind, string(e.Severity), e.Actor, e.Object, e.Subject, e.Detail, e.Words}, e); err != nil {
				return err
			}
		}
		if n += len(list); len(list) < q.Limit {
			return nil
		}
		q.Before = list[len(list)-1].ID
	}
	return nil
}

// longestVerification bounds one; larger logs are for the command line.
const longestVerification = 10 * time.Minute

// verify recomputes the log and tells how far it is, as server-sent events: progress, then what was found.
func (d *dashboard) verify(w http.ResponseWriter, r *http.Request) {
	if d.Audit == nil {
		http.NotFound(w, r)
		return
	}
	select {
	case d.verifying <- struct{}{}:
		defer func() { <-d.verifying }()
	default:
		http.Error(w, "the log is being verified for somebody else", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), longestVerification)
	defer cancel()
	w.Header().Set("Content-Type", "text/event-stream")
	v := audit.Verification{Key: d.Audit.Key, Witnesses: d.Audit.Witnesses, Quorum: d.Audit.Quorum}
	if kept, err := os.ReadFile(d.Audit.Kept); err == nil {
		v.Since = kept
	}
	var last time.Time
	v.Progress = func(done, all int64) {
		if time.Since(last) < watchPace {
			return
		}
		last = time.Now()
		if send(w, fmt.Sprintf("event: progress\ndata: %d %d\n\n", done, all)) != nil {
			cancel()
		}
	}
	report, err := audit.Verify(ctx, d.Audit.files(), v)
	kind, text := "sound", ""
	switch {
	case err != nil:
		kind, text = "trouble", err.Error()
	case len(report.Findings) > 0:
		kind, text = "finding", told(report)
	default:
		text = told(report)
	}
	_ = send(w, "event: "+kind+"\ndata: "+strings.ReplaceAll(strings.TrimSpace(text), "\n", "\ndata: ")+"\n\n") // the reader has gone
}

func told(r *audit.Report) string {
	var b strings.Builder
	r.Write(&b)
	return b.String()
}

// proofPage is a leaf with the proof that it is in the log, which the browser checks for itself.
type proofPage struct {
	ID, Leaf, Proof, Public string
	Index                   int64
}

func (d *dashboard) proof(ctx context.Context, r *http.Request, s *scope) (view, error) {
	id := r.PathValue("id")
	if d.Audit == nil {
		return view{}, &problem{http.StatusNotFound, "There is no audit log", "The config has audit: off.", "Take it out: from then on refusals, severe findings and every change are provable."}
	}
	index, leaf, err := d.Audit.find(ctx, id)
	if errors.Is(err, audit.ErrNotThere) {
		return view{}, &problem{http.StatusNotFound, id + " is not in the audit log", "Refusals, severe findings and events are, and of other exchanges what audit.exchanges in the config says. One that is new takes a second.", "Reload the page in a moment."}
	}
	if err != nil {
		return view{}, err
	}
	proof, err := audit.Prove(d.Audit.files(), d.Audit.Key, index)
	if err != nil {
		return view{}, err
	}
	text, err := proof.MarshalText()
	if err != nil {
		return view{}, err
	}
	return view{Title: "Proof", Page: "audit", Scope: s, Data: proofPage{id, string(leaf), string(text), d.Audit.Public, index}}, nil
}

// find looks the leaf of an exchange or event up; what it returns is proved.
func (l *AuditLog) find(ctx context.Context, id string) (index int64, leaf []byte, err error) {
	since, ok := exchange.TimeOf(id)
	if !ok {
		return 0, nil, audit.ErrNotThere
	}
	head, _, err := audit.Head(l.files(), l.Key)
	if err != nil {
		return 0, nil, err
	}
	index, err = audit.Find(ctx, l.files(), head, since, func(leaf []byte) (time.Time, bool) {
		read, err := event.ReadLeaf(leaf, nil)
		if err != nil {
			return time.Time{}, false
		}
		return read.Appended, read.ID == id
	})
	if err != nil {
		return 0, nil, err
	}
	leaf, err = audit.Leaf(l.files(), head, index)
	return index, leaf, err
}

func noAudit() *empty {
	return &empty{Title: "There is no audit log", Text: "The config has audit: off. With a log, refusals, severe findings and every act of an administrator can be proved to whoever does not trust this machine. These lines turn it on:", Lines: []string{"audit: {}"}}
}
