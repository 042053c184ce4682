package dashboard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport/sallyport/exchange"
)

//go:embed assets pages
var files embed.FS

// view is what a template gets.
type view struct {
	Title      string
	Page       string // which entry of the navigation is current
	Viewer     Viewer
	Theme      string // light, dark, or "": as the system has it
	Version    string
	Q          string     // what was searched for
	Tabs       []choice   // of those that the viewer may see
	Operations []string   // for suggestions
	Failed     *failure   // what a form asked for and did not get
	Scope      *scope     // nil on pages without a range of time
	Provable   bool       // there is an audit log
	Tables     []exporter // that leave as files
	Data       any
}

// Acts tells that the viewer may change something.
func (v view) Acts() bool { return v.Viewer.Role.At(RoleOperator) }

// Persons tells that the viewer may see whom something concerns.
func (v view) Persons() bool { return v.Viewer.Role.At(RoleAnalyst) }

// acting is what a form needs: who acts, and what it is about.
type acting struct {
	Viewer Viewer
	About  any
}

// A problem is an error that people can do something about.
type problem struct {
	status   int
	title    string
	text, do string
}

func (p *problem) Error() string { return p.title + ": " + p.text }

// templates are the pages by name, each with the frame around it.
var templates = parse()

func parse() map[string]*template.Template {
	frame := template.Must(template.New("").Funcs(functions).ParseFS(files, "pages/frame.html"))
	names, _ := fs.Glob(files, "pages/*.html") // the pattern is well-formed
	all := map[string]*template.Template{}
	for _, name := range names {
		if base := strings.TrimSuffix(strings.TrimPrefix(name, "pages/"), ".html"); base != "frame" {
			all[base] = template.Must(template.Must(frame.Clone()).ParseFS(files, name))
		}
	}
	return all
}

// What one page may cost: time, and how many are made at once. The gateway's own work goes before.
const (
	pageTimeout = 10 * time.Second
	pagesAtOnce = 8
)

// show makes a page of a scope.
type show func(ctx context.Context, r *http.Request, s *scope) (view, error)

// page serves what show returns, to whoever has the role.
func (d *dashboard) page(least Role, name string, show show) http.Handler {
	return d.allowed(least, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		select {
		case d.slots <- struct{}{}:
			defer func() { <-d.slots }()
		case <-ctx.Done():
			d.fail(w, r, &problem{http.StatusServiceUnavailable, "Too many pages at once", "Others are looking at pages that take long to make.", "Try again in a moment."})
			return
		}
		s, err := readScope(r.URL, d.now())
		if err != nil {
			d.fail(w, r, &problem{http.StatusBadRequest, "This address is not understood", err.Error(), "Mend the address, or begin anew."})
			return
		}
		v, err := show(ctx, r, s)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		if format := s.Get("format"); format != "" {
			d.sendTable(w, r, name, format, v.Tables, s.Get("table"))
			return
		}
		v.Failed = failed(s)
		if v.Page == "" {
			v.Page = name
		}
		d.render(w, r, http.StatusOK, name, v)
	})
}

// allowed lets through who has the role, leads nobody to the sign-in page, and tells all others why not.
func (d *dashboard) allowed(least Role, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer, ok := ViewerOf(r.Context())
		switch {
		case !ok:
			http.Redirect(w, r, "/signin?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		case !viewer.Role.At(least):
			d.fail(w, r, &problem{http.StatusForbidden, "Your role does not see this page", "It shows data of persons or lets one change things, and asks for the role " + string(least) + ".", "An admin can give you the role."})
		default:
			next(w, r)
		}
	})
}

// fail tells of an error: what people can mend in their words, all else as a line of the log.
func (d *dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	switch {
	case errors.As(err, &p):
	case errors.Is(err, context.DeadlineExceeded):
		p = &problem{http.StatusGatewayTimeout, "This took too long", "The store could not answer within " + pageTimeout.String() + ".", "Choose a shorter range of time, or fewer filters."}
	case errors.Is(err, context.Canceled):
		return // the reader has gone
	default:
		slog.Error("couldn't make a page", "path", r.URL.Path, "error", err)
		p = &problem{http.StatusInternalServerError, "The page could not be made", "The store could not be read.", "The log of the gateway has the cause."}
	}
	d.render(w, r, p.status, "problem", view{Title: p.title, Data: map[string]string{"Text": p.text, "Do": p.do, "Href": r.URL.Path, "Label": "Begin anew"}})
}

// failure is why the admin API refused what a form asked for.
type failure struct{ Title, Detail string }

// failed is what the API leads back with.
func failed(s *scope) *failure {
	code := s.Get("failed")
	if code == "" {
		return nil
	}
	title := "That was not done: " + code
	if r := exchange.Lookup(code); r != nil {
		title = "That was not done: " + r.Title
	}
	return &failure{title, s.Get("detail")}
}

// render writes a page as a whole or not at all.
func (d *dashboard) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.Viewer, _ = ViewerOf(r.Context())
	v.Version, v.Theme, v.Tabs, v.Provable = d.Version, theme(r), d.tabs(&v), d.Audit != nil
	if d.Posture != nil && v.Scope != nil {
		v.Operations = d.operations(v.Scope.Get("api"))
	}
	var b bytes.Buffer
	if err := templates[name].ExecuteTemplate(&b, "frame", v); err != nil {
		slog.Error("couldn't render a page", "page", name, "error", err)
		http.Error(w, "the page could not be made; the log has the cause", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the reader has gone
}

// theme is the scheme that the reader chose.
func theme(r *http.Request) string {
	if c, err := r.Cookie("theme"); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return ""
}

// assets are what pages load, by their name with a part of their hash: a new version is another address.
var assets = hashes()

func hashes() map[string]string {
	entries, _ := files.ReadDir("assets") // it is embedded
	byName := map[string]string{}
	for _, e := range entries {
		data, _ := files.ReadFile("assets/" + e.Name()) // likewise
		sum := sha256.Sum256(data)
		byName[e.Name()] = "/assets/" + e.Name() + "?v=" + hex.EncodeToString(sum[:6])
	}
	return byName
}

func asset(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "private, max-age=604800")
	http.ServeFileFS(w, r, files, r.URL.Path)
}
