package dashboard

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/config"
)

type configPage struct {
	Current   change.Text
	Versions  listing[change.Version]
	Proposals listing[change.Proposal]
	Empty     *empty
}

// configuration shows what stands in the file, who changed it, and what waits for a second person.
func (d *dashboard) configuration(ctx context.Context, _ *http.Request, s *scope) (view, error) {
	v := view{Title: "Config", Data: configPage{Empty: noFile()}}
	if d.Config == nil {
		return v, nil
	}
	p, err := configPage{}, error(nil)
	if p.Current, err = d.Config.Current(); err != nil {
		return view{}, &problem{http.StatusConflict, "The config cannot be shown", err.Error(), "Mend it in the file; sallyport check tells of every mistake at its place."}
	}
	versions, err := d.Config.Versions(ctx)
	if err != nil {
		return view{}, err
	}
	proposals, err := d.Config.Proposals(ctx)
	if err != nil {
		return view{}, err
	}
	p.Versions, p.Proposals = tabled(s, "versions", versions, pageSize/2, versionColumns...), tabled(s, "proposals", proposals, pageSize/2, proposalColumns...)
	v.Data, v.Tables = p, []exporter{p.Versions, p.Proposals}
	return v, nil
}

var (
	versionColumns = []column[change.Version]{
		{Name: "since", Label: "Since", Cell: func(v change.Version) any { return v.Time }},
		{Name: "by", Label: "By", Cell: func(v change.Version) any { return v.Actor }},
		{Name: "note", Label: "Note", Cell: func(v change.Version) any { return v.Note }},
		{Name: "hash", Label: "Hash", Class: "wide", Cell: func(v change.Version) any { return v.ETag }},
		{Name: "id", Cell: func(v change.Version) any { return v.ID }},
	}
	proposalColumns = []column[change.Proposal]{
		{Name: "proposed", Label: "Proposed", Cell: func(p change.Proposal) any { return p.Time }},
		{Name: "by", Label: "By", Cell: func(p change.Proposal) any { return p.Actor }},
		{Name: "note", Label: "Note", Cell: func(p change.Proposal) any { return p.Note }},
		{Name: "expires", Label: "Expires", Class: "wide", Cell: func(p change.Proposal) any { return p.Expires }},
		{Name: "id", Cell: func(p change.Proposal) any { return p.ID }},
	}
)

func noFile() *empty {
	return &empty{Title: "This gateway has no config file", Text: "It was started by flags alone. A file holds identities, modes, limits and owners, and can be changed here:", Lines: []string{"sallyport init --spec openapi.yaml --upstream http://127.0.0.1:9000\nsallyport run --config sallyport.yaml"}}
}

// preview is what a change would do, and the form that makes it.
type preview struct {
	Lead    string
	Action  string // of the admin API
	Fields  []chip // what the form sends along
	Text    string // of the candidate, to go on editing; "" where there is none
	Outcome change.Outcome
	Lines   []diffLine
	Verb    string
	Reject  string // of the admin API; "" where there is nothing to reject
	Replay  string // page that decides recorded exchanges under the candidate; "" where the form below sends it there
}

// Stale tells that the candidate cannot be used as it is.
func (p preview) Wrong() bool { return p.Outcome.Problems.Failed() }

type diffLine struct{ Class, Text string }

// lines are those of a unified diff, without its heads.
func lines(diff string) (list []diffLine) {
	for line := range strings.Lines(diff) {
		class := ""
		switch {
		case strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
			continue
		case strings.HasPrefix(line, "+"):
			class = "add"
		case strings.HasPrefix(line, "-"):
			class = "del"
		case strings.HasPrefix(line, "@@"):
			class = "quiet"
		}
		list = append(list, diffLine{class, strings.TrimRight(line, "\n")})
	}
	return list
}

// maxConfig bounds what is checked from a page.
const maxConfig = 1 << 20

// checkConfig shows what an edited text would change and what is wrong with it. It takes nothing into use.
func (d *dashboard) checkConfig(w http.ResponseWriter, r *http.Request) {
	viewer, _ := ViewerOf(r.Context())
	r.Body = http.MaxBytesReader(w, r.Body, 2*maxConfig)
	err := r.ParseForm()
	switch {
	case err != nil:
		d.fail(w, r, &problem{http.StatusBadRequest, "The form could not be read", err.Error(), "A config of more than a megabyte is changed in the file."})
		return
	case d.Config == nil:
		d.fail(w, r, &problem{http.StatusConflict, "This gateway has no config file", "It was started by flags alone.", "sallyport init writes one."})
		return
	case !ours(r, viewer):
		d.fail(w, r, notOurs)
		return
	}
	text := strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n") // forms send lines so
	out, err := d.Config.Check(change.Change{ETag: r.PostForm.Get("etag"), Text: text})
	if err != nil {
		d.fail(w, r, explained(err))
		return
	}
	p := preview{Lead: "This is what would change. Nothing is in use yet.", Action: "/api/v1/config", Text: text, Outcome: out, Lines: lines(out.Diff), Verb: "Apply",
		Fields: []chip{{Name: "etag", Value: out.ETag}}}
	d.render(w, r, http.StatusOK, "preview", view{Title: "Check a change", Page: "config", Data: p})
}

// ours reports whether a form that was read is one that the viewer's session has shown.
func ours(r *http.Request, v Viewer) bool {
	return subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(v.CSRF)) == 1
}

var notOurs = &problem{http.StatusForbidden, "This form is not of your session", "You may have signed in again since it was shown.", "Go back, reload the page, and send it again."}

// explained is an error of package change for people.
func explained(err error) error {
	var invalid *change.Invalid
	switch {
	case errors.Is(err, change.ErrStale):
		return &problem{http.StatusConflict, "The config has been changed since you looked", "Somebody else, or an editor, has written the file meanwhile.", "Open Config again and make your change over what stands there now."}
	case errors.Is(err, change.ErrUnknown):
		return &problem{http.StatusNotFound, "There is no such version or proposal", "It may have been dropped, or taken into use.", "Look under Config for those that there are."}
	case errors.As(err, &invalid):
		return &problem{http.StatusUnprocessableEntity, "The config has mistakes", err.Error(), "Mend them and check again."}
	}
	return err
}

// version shows what it would change to go back to one.
func (d *dashboard) version(ctx context.Context, r *http.Request, _ *scope) (view, error) {
	if d.Config == nil {
		return view{}, explained(change.ErrUnknown)
	}
	current, err := d.Config.Current()
	if err != nil {
		return view{}, err
	}
	id := r.PathValue("id")
	c, err := d.Config.Restore(ctx, id, change.Change{ETag: current.ETag})
	if err != nil {
		return view{}, explained(err)
	}
	out, err := d.Config.Check(c)
	if err != nil {
		return view{}, explained(err)
	}
	p := preview{Lead: "This is what it would change to go back to that version. Secrets stay those of now.", Action: "/api/v1/config/versions/" + id + "/restore", Outcome: out, Lines: lines(out.Diff), Verb: "Roll back",
		Fields: []chip{{Name: "etag", Value: current.ETag}}, Replay: replayOf("version:" + id)}
	return view{Title: "Version " + id, Page: "config", Data: p}, nil
}

// proposal shows what somebody has proposed.
func (d *dashboard) proposal(ctx context.Context, r *http.Request, _ *scope) (view, error) {
	if d.Config == nil {
		return view{}, explained(change.ErrUnknown)
	}
	proposed, out, err := d.Config.Proposal(ctx, r.PathValue("id"))
	if err != nil {
		return view{}, explained(err)
	}
	p := preview{Lead: strings.TrimPrefix(proposed.Actor, "admin:") + " proposes this. Somebody else than the author must approve it.", Action: "/api/v1/proposals/" + proposed.ID + "/approve", Outcome: out, Lines: lines(out.Diff), Verb: "Approve and apply",
		Reject: "/api/v1/proposals/" + proposed.ID + "/reject", Replay: replayOf("proposal:" + proposed.ID)}
	return view{Title: "Proposal " + proposed.ID, Page: "config", Data: p}, nil
}

// switched previews the change of one mode; nil where the config has no file.
func (d *dashboard) switched(s config.Switch) (*preview, error) {
	if d.Config == nil {
		return nil, nil
	}
	current, err := d.Config.Current()
	if err != nil {
		return nil, err
	}
	c, err := d.Config.Switch(s, change.Change{ETag: current.ETag})
	if err != nil {
		return nil, explained(err)
	}
	out, err := d.Config.Check(c)
	if err != nil {
		return nil, explained(err)
	}
	return &preview{Action: "/api/v1/controls", Outcome: out, Lines: lines(out.Diff), Verb: "Let it enforce", Fields: []chip{{Name: "etag", Value: current.ETag},
		{Name: "api", Value: s.API}, {Name: "operation", Value: s.Operation}, {Name: "guard", Value: s.Guard}, {Name: "mode", Value: string(s.Mode)}}}, nil
}
