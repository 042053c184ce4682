package dashboard

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
)

//go:embed assets pages
var files embed.FS

// view is what a template gets.
type view struct {
	Title   string
	Page    string // which entry of the navigation is current
	Viewer  Viewer
	Version string
	Data    any
}

// templates are the pages by name, each with the frame around it.
var templates = parse()

func parse() map[string]*template.Template {
	frame := template.Must(template.ParseFS(files, "pages/frame.html"))
	names, _ := fs.Glob(files, "pages/*.html") // the pattern is well-formed
	all := map[string]*template.Template{}
	for _, name := range names {
		if base := name[len("pages/") : len(name)-len(".html")]; base != "frame" {
			all[base] = template.Must(template.Must(frame.Clone()).ParseFS(files, name))
		}
	}
	return all
}

// page serves what show returns, to whoever has the role.
func (d *dashboard) page(least Role, name string, show func(*http.Request) (view, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer, ok := ViewerOf(r.Context())
		if !ok {
			http.Redirect(w, r, "/signin?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		}
		if !viewer.Role.At(least) {
			http.Error(w, "your role does not see this page", http.StatusForbidden)
			return
		}
		v, err := show(r)
		if err != nil {
			slog.Error("couldn't show a page", "page", name, "error", err)
			http.Error(w, "the page could not be made; the log has the cause", http.StatusInternalServerError)
			return
		}
		v.Page = name
		d.render(w, r, http.StatusOK, name, v)
	})
}

// render writes a page as a whole or not at all.
func (d *dashboard) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.Viewer, _ = ViewerOf(r.Context())
	v.Version = d.Version
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

// asset serves what pages load. Pages name it with the version of the program, so that browsers may keep it.
func asset(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=3600")
	http.ServeFileFS(w, r, files, r.URL.Path)
}
