package trust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// FetchTimeout bounds each part of a fetch: the connection, the handshake, the head of the answer, and the whole.
const FetchTimeout = 5 * time.Second

// A Fetch says what is fetched.
type Fetch struct {
	Accept string // the request's Accept
	Type   string // media type that the answer must have; "" for any
	Most   int64  // bytes; of a longer answer come one more than these, for the parser to refuse
	// AllowPrivate lifts the rules on scheme and address, for test benches.
	AllowPrivate bool
}

// An Answer is what came of a fetch.
type Answer struct {
	Body    []byte // nil where it has not changed
	Tag     string // of the body, to ask with the next time; "" where there is none
	Header  http.Header
	Request *http.Request
}

const mostTag = 256 // bytes of an entity tag that is worth sending back

// From is [Fetch.AnswersFrom] for whom the body is enough.
func (f Fetch) From(address string) (func(context.Context) ([]byte, error), error) {
	fetch, err := f.AnswersFrom(address)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) ([]byte, error) {
		answer, err := fetch(ctx, "")
		if err != nil {
			return nil, err
		}
		return answer.Body, nil
	}, nil
}

// AnswersFrom returns a function that gets keys from an URL, or learns that they are still those with the tag, unless that is "": https, no
// redirects, bounded in size and in time, and only from public addresses. The address is judged when it is dialled, after name resolution,
// so a name that changes its mind (DNS rebinding) gains nothing.
//
// No proxy of the environment is used: behind one, the address would be judged by somebody else.
func (f Fetch) AnswersFrom(address string) (func(ctx context.Context, tag string) (*Answer, error), error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("is neither an https URL nor file:PATH")
	case u.User != nil:
		return nil, errors.New("must not carry credentials")
	case u.Fragment != "":
		return nil, errors.New("must not have a fragment")
	case u.Scheme == "http" && !f.AllowPrivate:
		return nil, errors.New("is not https: whoever is on the way could replace the keys")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("has the scheme %q, want https or file", u.Scheme)
	}
	dialer := &net.Dialer{Timeout: FetchTimeout}
	if !f.AllowPrivate {
		port, err := portOf(u)
		if err != nil {
			return nil, err
		}
		dialer.Control = ssrf.New(ssrf.WithPorts(port)).Safe
	}
	client := &http.Client{
		Timeout: FetchTimeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    FetchTimeout,
			ResponseHeaderTimeout:  FetchTimeout,
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConns:           1,
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // digests and signatures are of what was sent
		},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("redirects are not followed")
		},
	}
	return func(ctx context.Context, tag string) (*Answer, error) { return f.get(ctx, client, u.String(), tag) }, nil
}

func (f Fetch) get(ctx context.Context, client *http.Client, address, tag string) (*Answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", f.Accept)
	r.Header.Set("User-Agent", "sallyport")
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer := &Answer{Header: resp.Header, Request: r}
	if resp.StatusCode == http.StatusNotModified && tag != "" {
		if of := resp.Header.Get("ETag"); of != "" && weak(of) != weak(tag) {
			return nil, errors.New("the answer says that something has not changed for which nobody asked")
		}
		answer.Tag = tag
		return answer, nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", resp.Status)
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); f.Type != "" && (err != nil || kind != f.Type) {
		return nil, fmt.Errorf("the answer is %q, not %s", resp.Header.Get("Content-Type"), f.Type)
	}
	if answer.Body, err = io.ReadAll(io.LimitReader(resp.Body, f.Most+1)); err != nil {
		return nil, fmt.Errorf("couldn't read the answer: %w", err)
	}
	if of := resp.Header.Get("ETag"); len(of) <= mostTag {
		answer.Tag = of
	}
	return answer, nil
}

// weak is an entity tag for the weak comparison, the one of If-None-Match (RFC 9110 section 8.8.3.2).
func weak(tag string) string { return strings.TrimPrefix(tag, "W/") }

func portOf(u *url.URL) (uint16, error) {
	text := u.Port()
	if text == "" {
		text = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("has the port %q", text)
	}
	return uint16(n), nil
}

// ReadFile reads the keys of a file: setting, one byte more than most if there are more. Relative paths start from dir.
func ReadFile(setting, dir string, most int64) ([]byte, error) {
	name := strings.TrimPrefix(setting, "file:")
	if rest, ok := strings.CutPrefix(name, "//"); ok {
		name = rest // file:///etc/keys.json
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
