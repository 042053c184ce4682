package admin

import (
	"errors"
	"net/http"

	"github.com/sallyport/sallyport/admin/change"
	"github.com/sallyport/sallyport/config"
)

// changing answers what is about the config file, where there is one.
func (a *admin) changing(w http.ResponseWriter, do func(f *change.File) error) {
	if a.Config == nil {
		problem(w, http.StatusConflict, "admin.no_file", "this gateway was started by flags and has no config file", "sallyport init writes one; sallyport run --config FILE")
		return
	}
	if err := do(a.Config); err != nil {
		failed(w, err)
	}
}

func (a *admin) getConfig(w http.ResponseWriter, _ *http.Request) {
	a.changing(w, func(f *change.File) error {
		text, err := f.Current()
		if err != nil {
			return refusal{http.StatusConflict, "admin.config", "the config cannot be shown", err.Error()}
		}
		w.Header().Set("ETag", text.ETag)
		answer(w, http.StatusOK, text)
		return nil
	})
}

// wanted is what a change has in common, whatever it changes.
type wanted struct{ Text, Note, ETag, Next string }

// change reads who wants what over which configuration.
func (in wanted) change(r *http.Request) change.Change {
	c := change.Change{Actor: actor(r), Note: in.Note, ETag: in.ETag, Text: in.Text}
	if match := r.Header.Get("If-Match"); match != "" {
		c.ETag = match
	}
	return c
}

func (a *admin) checkConfig(w http.ResponseWriter, r *http.Request) {
	a.changing(w, func(f *change.File) error {
		var in wanted
		if err := read(r, &in); err != nil {
			return err
		}
		return told(w, f, in.change(r))
	})
}

// told answers what a change would do.
func told(w http.ResponseWriter, f *change.File, c change.Change) error {
	out, err := f.Check(c)
	if err == nil {
		w.Header().Set("ETag", out.ETag)
		answer(w, http.StatusOK, out)
	}
	return err
}

func (a *admin) applyConfig(w http.ResponseWriter, r *http.Request) {
	a.changing(w, func(f *change.File) error {
		var in wanted
		if err := read(r, &in); err != nil {
			return err
		}
		return carry(w, r, f, in, in.change(r))
	})
}

// carry makes a change, or says what it would do.
func carry(w http.ResponseWriter, r *http.Request, f *change.File, in wanted, c change.Change) error {
	if c.ETag == "" {
		return refusal{http.StatusPreconditionRequired, "admin.etag", "say what you change: If-Match, with the ETag of the configuration that you have seen", ""}
	}
	if r.URL.Query().Get("dry_run") == "true" {
		return told(w, f, c)
	}
	out, err := f.Apply(r.Context(), c)
	if err != nil {
		return err
	}
	made(w, r, out, in.Next)
	return nil
}

func made(w http.ResponseWriter, r *http.Request, out change.Outcome, next string) {
	w.Header().Set("ETag", out.ETag)
	switch {
	case isForm(r):
		done(w, r, next)
	case out.Proposal != "":
		answer(w, http.StatusAccepted, out)
	default:
		answer(w, http.StatusOK, out)
	}
}

func (a *admin) listVersions(w http.ResponseWriter, r *http.Request) {
	a.changing(w, func(f *change.File) error {
		list, err := f.Versions(r.Context())
		if err == nil {
			answer(w, http.StatusOK, list)
		}
		return err
	})
}

func (a *admin) getVersion(w http.ResponseWriter, r *http.Request) {
	a.changing(w, func(f *change.File) error {
		v, err := f.Version(r.Context(), r.PathValue("id"))
		if err == nil {
			answer(w, http.StatusOK, v)
		}
		return err
	})
}

func (a *admin) restoreVersion(w http.ResponseWriter, r *http.Request) {
	a.changing(w, func(f *change.File) error {
		var in wanted
		if err := read(r, &in); err != nil {
			return err
		}
		c, err := f.Restore(r.Context(), r.PathValue("id"), in.change(r))
		if err != nil {
			return err
		}
		return carry(w, r, f, in, c)
	})
}

func (a *admin) setMode(w http.ResponseWriter, r *http.Request) {
	a.changing(w, func(f *change.File) error {
		var in struct {
			wanted
			API, Operation, Guard string
			Mode                  config.Mode
		}
		if err := read(r, &in); err != nil {
			return err
		}
		asked := in.change(r)
		c, err := f.Switch(config.Switch{API: in.API, Operation: in.Operation, Guard: in.Guard, Mode: in.Mode}, asked)
		if err != nil {
			return err
		}
		c.ETag = asked.ETag
		return carry(w, r, f, in.wanted, c)
	})
}

func (a *admin) listProposals(w http.ResponseWriter, r *http.Request) {
	a.changing(w, func(f *change.File) error {
		list, err := f.Proposals(r.Context())
		if err == nil {
			answer(w, http.StatusOK, list)
		}
		return err
	})
}

func (a *admin) getProposal(w http.ResponseWriter, r *http.Request) {
	a.changing(w, func(f *change.File) error {
		p, out, err := f.Proposal(r.Context(), r.PathValue("id"))
		if err == nil {
			answer(w, http.StatusOK, map[string]any{"proposal": p, "outcome": out})
		}
		return err
	})
}

func (a *admin) approveProposal(w http.ResponseWriter, r *http.Request) {
	a.changing(w, func(f *change.File) error {
		var in wanted
		if err := read(r, &in); err != nil {
			return err
		}
		out, err := f.Approve(r.Context(), r.PathValue("id"), actor(r))
		if err == nil {
			made(w, r, out, in.Next)
		}
		return err
	})
}

func (a *admin) rejectProposal(w http.ResponseWriter, r *http.Request) {
	a.changing(w, func(f *change.File) error {
		var in wanted
		if err := read(r, &in); err != nil {
			return err
		}
		err := f.Reject(r.Context(), r.PathValue("id"), actor(r))
		if err == nil {
			done(w, r, in.Next)
		}
		return err
	})
}

// refused are errors of changes as the operator is told them.
var refused = []struct {
	err    error
	status int
	code   string
}{
	{change.ErrStale, http.StatusPreconditionFailed, "admin.stale"},
	{change.ErrUnknown, http.StatusNotFound, "admin.unknown_version"},
	{change.ErrSelf, http.StatusForbidden, "admin.self"},
	{change.ErrExpired, http.StatusGone, "admin.expired"},
	{change.ErrCrowded, http.StatusConflict, "admin.crowded"},
	{change.ErrUntold, http.StatusServiceUnavailable, "admin.untold"},
	{change.ErrReadOnly, http.StatusConflict, "admin.read_only"},
}

// ofChange is the refusal of an error of package change, with what is wrong with a candidate.
func ofChange(err error) (refusal, config.Problems, bool) {
	if wrong := (*change.Invalid)(nil); errors.As(err, &wrong) {
		return refusal{http.StatusUnprocessableEntity, "admin.invalid", "the configuration has mistakes and is not used", ""}, wrong.Problems, true
	}
	for _, r := range refused {
		if errors.Is(err, r.err) {
			return refusal{r.status, r.code, r.err.Error(), ""}, nil, true
		}
	}
	return refusal{}, nil, false
}
