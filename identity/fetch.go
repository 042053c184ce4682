package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// fetcher returns a function that gets a key set from an URL: https, no redirects, bounded in size by the parser's
// limit and in time by its context, and only from public addresses. The address is judged when it is dialled, after
// name resolution, so a name that changes its mind (DNS rebinding) gains nothing. allowPrivate lifts the rules on
// scheme and address, for test benches.
//
// No proxy of the environment is used: behind one, the address would be judged by somebody else.
func fetcher(address string, allowPrivate bool) (func(context.Context) ([]byte, error), error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("is neither an https URL nor file:PATH")
	case u.User != nil:
		return nil, errors.New("must not carry credentials")
	case u.Fragment != "":
		return nil, errors.New("must not have a fragment")
	case u.Scheme == "http" && !allowPrivate:
		return nil, errors.New("is not https: whoever is on the way could replace the keys")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("has the scheme %s, want https or file", quote(u.Scheme))
	}
	dialer := &net.Dialer{Timeout: fetchTimeout}
	if !allowPrivate {
		port, err := portOf(u)
		if err != nil {
			return nil, err
		}
		dialer.Control = ssrf.New(ssrf.WithPorts(port)).Safe
	}
	client := &http.Client{
		Timeout: fetchTimeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    fetchTimeout,
			ResponseHeaderTimeout:  fetchTimeout,
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConns:           1,
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("redirects are not followed")
		},
	}
	return func(ctx context.Context) ([]byte, error) { return get(ctx, client, u.String()) }, nil
}

func get(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	r.Header.Set("User-Agent", "sallyport")
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the answer: %w", err)
	}
	return data, nil // one byte too many is for the parser to refuse
}

func portOf(u *url.URL) (uint16, error) {
	text := u.Port()
	if text == "" {
		text = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("has the port %s", quote(text))
	}
	return uint16(n), nil
}

// readFile reads the key set of a file: setting. Relative paths start from dir.
func readFile(setting, dir string) ([]byte, error) {
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
	return io.ReadAll(io.LimitReader(f, maxKeySet+1))
}
