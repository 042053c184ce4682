package openapi

import (
	"net/url"
	"slices"
	"strings"
)

// maxServerPaths bounds the base paths that server variables may multiply to.
const maxServerPaths = 64

// basePaths reads the document's servers.
func (b *builder) basePaths() {
	root := cursor{place{b.main, ""}, b.main.root}
	for _, e := range b.list(root, "servers") {
		b.doc.servers = append(b.doc.servers, server{b.text(e, "url"), e.place})
		for _, p := range b.serverPaths(e) {
			if !slices.Contains(b.doc.BasePaths, p) {
				b.doc.BasePaths = append(b.doc.BasePaths, p)
			}
		}
	}
	if len(b.doc.BasePaths) == 0 {
		b.doc.BasePaths = []string{""}
	}
}

// servers looks at servers of a path or an operation: only the document's base paths are served.
func (b *builder) servers(c cursor) {
	if !c.has("servers") {
		return
	}
	for _, e := range b.list(c, "servers") {
		for _, p := range b.serverPaths(e) {
			if !slices.Contains(b.doc.BasePaths, p) {
				b.warn(e.place, "spec.servers", "describe it as an API of its own", "the base path %q differs from the document's servers; the operation is served under those", p)
			}
		}
	}
}

// serverPaths returns the path parts of one server, with its variables at their default and at every enum value.
func (b *builder) serverPaths(c cursor) []string {
	if _, ok := c.v.(map[string]any); !ok {
		b.fail(c.place, "spec.type", "", "a server must be an object")
		return nil
	}
	templates := []string{b.text(c, "url")}
	if vars, ok := b.object(c, "variables"); ok {
		for _, v := range vars.members() {
			values := []string{b.text(v, "default")}
			for _, e := range b.texts(v, "enum") {
				if !slices.Contains(values, e) {
					values = append(values, e)
				}
			}
			templates = expand(templates, "{"+v.key()+"}", values)
		}
	}
	var paths []string
	for _, t := range templates {
		p, err := basePath(t)
		if err != nil {
			b.warn(c.below("url"), "spec.servers", "https://api.example.com/v1", "the server %q is not a usable URL; set base_path on the API", t)
			continue
		}
		if !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	return paths
}

func expand(templates []string, variable string, values []string) []string {
	var out []string
	for _, t := range templates {
		if !strings.Contains(t, variable) {
			out = append(out, t)
			continue
		}
		for _, v := range values {
			if len(out) < maxServerPaths {
				out = append(out, strings.ReplaceAll(t, variable, v))
			}
		}
	}
	return out
}

func basePath(server string) (string, error) {
	// Host and port do not matter here, and a variable that is left in them would not parse.
	if scheme, rest, ok := strings.Cut(server, "://"); ok && !strings.Contains(scheme, "/") {
		_, path, found := strings.Cut(rest, "/")
		if !found {
			return "", nil
		}
		server = "/" + path
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	if strings.Contains(u.Path, "{") {
		return "", url.InvalidHostError(server)
	}
	// A relative server is relative to where the description is served from, which for a file is the root.
	resolved := (&url.URL{Path: "/"}).ResolveReference(&url.URL{Path: u.Path})
	return strings.TrimRight(resolved.Path, "/"), nil
}
