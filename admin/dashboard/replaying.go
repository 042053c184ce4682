package dashboard

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/admin/desk"
	"github.com/sallyport/sallyport/admin/replay"
)

// replaying.go begins, watches and ends the runs that the page Replay shows.

// runReplay takes a form: a candidate, or a text that becomes one. It leads to the page that shows the outcome.
func (d *dashboard) runReplay(w http.ResponseWriter, r *http.Request) {
	viewer, _ := ViewerOf(r.Context())
	r.Body = http.MaxBytesReader(w, r.Body, 3*replay.MaxText)
	err := r.ParseMultipartForm(replay.MaxText)
	if errors.Is(err, http.ErrNotMultipart) {
		err = r.ParseForm()
	}
	if err != nil {
		d.fail(w, r, &problem{http.StatusBadRequest, "The form could not be read", err.Error(), "A candidate of more than a megabyte is for sallyport replay."})
		return
	}
	if !ours(r, viewer) {
		d.fail(w, r, notOurs)
		return
	}
	to, err := d.startReplay(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// startReplay begins the run that a form asks for, and returns the address of its page.
func (d *dashboard) startReplay(r *http.Request) (string, error) {
	q := url.Values{}
	for _, name := range []string{"candidate", "api", "operation", "guard", "range", "from", "to"} {
		if v := r.PostForm.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	text, err := pasted(r)
	if err != nil {
		return "", err
	}
	if text != "" {
		id, err := d.Replay.Keep(text)
		if err != nil {
			return "", &problem{http.StatusRequestEntityTooLarge, "The candidate is too long", err.Error(), "sallyport replay takes one of any length."}
		}
		for _, name := range []string{"api", "operation", "guard"} {
			q.Del(name)
		}
		q.Set("candidate", "draft:"+id)
	}
	at := &url.URL{Path: "/replay", RawQuery: q.Encode()}
	s, err := readScope(at, d.now())
	if err != nil {
		return "", &problem{http.StatusBadRequest, "This form is not understood", err.Error(), "Go back and begin anew."}
	}
	key, err := d.question(s)
	if err != nil {
		return "", err
	}
	candidate, _, err := d.candidate(r.Context(), s)
	if err != nil {
		return "", err
	}
	if err := d.Replay.Start(key, replay.Question{Text: candidate, From: s.From, To: s.Until}); err != nil {
		if run, asked := d.Replay.Run(key); asked && run.Ended.IsZero() {
			return at.String(), nil // it is this one
		}
		return "", &problem{http.StatusServiceUnavailable, "Another replay is running", "Exchanges are decided again for one question at a time.", "Try again in a moment."}
	}
	return at.String(), nil
}

// pasted is the text of a form: of a file, or of the field. Forms send lines in their own way.
func pasted(r *http.Request) (string, error) {
	text := r.PostForm.Get("text")
	if r.MultipartForm != nil && len(r.MultipartForm.File["file"]) > 0 {
		f, err := r.MultipartForm.File["file"][0].Open()
		if err != nil {
			return "", err
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		if err != nil {
			return "", err
		}
		if len(data) > 0 { // a form sends a file that was not chosen, too
			text = string(data)
		}
	}
	return strings.ReplaceAll(text, "\r\n", "\n"), nil
}

func (d *dashboard) stopReplay(w http.ResponseWriter, r *http.Request) {
	viewer, _ := ViewerOf(r.Context())
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil || !ours(r, viewer) {
		d.fail(w, r, notOurs)
		return
	}
	q := url.Values{}
	for name := range r.PostForm {
		if known(name) && r.PostForm.Get(name) != "" {
			q.Set(name, r.PostForm.Get(name))
		}
	}
	at := &url.URL{Path: "/replay", RawQuery: q.Encode()}
	s, err := readScope(at, d.now())
	if err == nil {
		var key string
		if key, err = d.question(s); err == nil {
			d.Replay.Stop(key)
		}
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	http.Redirect(w, r, at.String(), http.StatusSeeOther)
}

// replayProgress tells how far a run is, until it ends.
func (d *dashboard) replayProgress(w http.ResponseWriter, r *http.Request) {
	s, err := readScope(r.URL, d.now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	key, err := d.question(s)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	follow(w, r, func() (desk.Progress, bool) {
		run, asked := d.Replay.Run(key)
		return run.Progress, asked && run.Ended.IsZero()
	})
}
