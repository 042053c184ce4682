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
	Versions  []change.Version
	Proposals []change.Proposal
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
	if p.Versions, err = d.Config.Versions(ctx); err != nil {
		return view{}, err
	}
	if p.Proposals, err = d.Config.Proposals(ctx); err != nil {
		return view{}, err
	}
	v.Data = p
	return v, nil
}

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
	case subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(viewer.CSRF)) != 1:
		d.fail(w, r, &problem{http.StatusForbidden, "This form is not of your session", "You may have signed in again since it was shown.", "Go back, reload the page, and send it again."})
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
		Fields: []chip{{Name: "etag", Value: current.ETag}}}
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
		Reject: "/api/v1/proposals/" + proposed.ID + "/reject"}
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
