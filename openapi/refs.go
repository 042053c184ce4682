package openapi

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/config"
)

// A library holds the files of one description, each read once.
type library struct {
	options Options
	sources map[string]*source // by absolute URI
	broken  map[string]error   // what could not be read, so that it is reported once per reference and read once
	parsing config.Problems    // problems within files
	loaded  func(*source)      // told about each new file
}

// fileURI is the URI of a file on disk.
func fileURI(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		abs = file
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs
	}
	return (&url.URL{Scheme: "file", Path: abs}).String()
}

// The reasons why a reference leads nowhere; each with what to do about it.
var (
	errRemote = errors.New("remote references are not followed")
	errScheme = errors.New("only files and http(s) URLs can be referred to")
	errNoSuch = errors.New("there is no such value")
	errMany   = fmt.Errorf("the description draws in more than %d files", maxFiles)
)

func refHint(err error) string {
	switch {
	case errors.Is(err, errRemote):
		return "save the file beside the spec, or set remote_refs: true on the API"
	case errors.Is(err, errNoSuch):
		return "the part after # is a JSON pointer: / between names, ~1 for a slash within a name"
	case errors.Is(err, fs.ErrNotExist):
		return "paths are relative to the file that refers"
	}
	return ""
}

// resolve makes ref absolute and splits it into the URI of a file and a JSON pointer.
func resolve(base, ref string) (uri, ptr string, err error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", "", err
	}
	r, err := url.Parse(ref)
	if err != nil {
		return "", "", errors.New("it is not a URI reference")
	}
	abs := b.ResolveReference(r)
	ptr = abs.Fragment
	abs.Fragment, abs.RawFragment = "", ""
	return abs.String(), ptr, nil
}

// source returns the file behind an absolute URI.
func (l *library) source(uri string) (*source, error) {
	if s := l.sources[uri]; s != nil {
		return s, nil
	}
	if err := l.broken[uri]; err != nil {
		return nil, err
	}
	s, err := l.read(uri)
	if err != nil {
		l.broken[uri] = err
		return nil, err
	}
	l.add(s)
	return s, nil
}

func (l *library) add(s *source) {
	l.sources[s.uri] = s
	l.loaded(s)
}

func (l *library) read(uri string) (*source, error) {
	if len(l.sources) >= maxFiles {
		return nil, errMany
	}
	u, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	var data []byte
	name := uri
	switch u.Scheme {
	case "file":
		name = displayName(u.Path)
		data, err = readFile(u.Path)
	case "http", "https":
		if !l.options.RemoteRefs || l.options.Fetch == nil {
			return nil, errRemote
		}
		data, err = l.options.Fetch(uri)
	default:
		return nil, errScheme
	}
	if err != nil {
		return nil, err
	}
	s, problems := parseSource(uri, name, data)
	l.parsing = append(l.parsing, problems...)
	if s == nil {
		return nil, fmt.Errorf("%s cannot be read: see the problems there", filepath.Base(u.Path))
	}
	return s, nil
}

// displayName is the path as a person would type it: relative to the working directory where that is shorter.
func displayName(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > MaxFile {
		return nil, errors.New("the file is larger than 64 MiB")
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), p.Err)
	}
	return data, err
}

// find returns the value that ref, standing in from, leads to.
func (l *library) find(from *source, ref string) (cursor, error) {
	uri, ptr, err := resolve(from.uri, ref)
	if err != nil {
		return cursor{}, err
	}
	src, err := l.source(uri)
	if err != nil {
		return cursor{}, err
	}
	v, ok := src.lookup(ptr)
	if !ok {
		return cursor{}, errNoSuch
	}
	return cursor{place{src, ptr}, v}, nil
}
