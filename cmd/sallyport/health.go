package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

type healthCmd struct {
	URL string `arg:"" default:"http://127.0.0.1:9901/readyz" help:"What to ask of the admin listener (default http://127.0.0.1:9901/readyz)."`
}

// Help is shown below the arguments.
func (healthCmd) Help() string {
	return `For containers, where no shell and no curl is: exit code 0 where the answer is 200. /healthz lives, /startupz has started, /readyz serves.
It reads no config, so that a mistake in one fails no gateway that serves. On loopback any certificate is taken.`
}

// Validate is asked by the parser of the command line.
func (c *healthCmd) Validate() error {
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is not a URL, such as http://127.0.0.1:9901/readyz", c.URL)
	}
	return nil
}

// probePatience is less than that of whoever asks for probes: Docker's is 30 s, that of the chart 10.
const probePatience = 5 * time.Second

// stay lets a redirect be the answer: the dashboard sends whoever asks for something else to a page that is always well.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Run asks once.
func (c *healthCmd) Run(s *streams) error {
	u, err := url.Parse(c.URL)
	if err != nil {
		return err
	}
	ip := net.ParseIP(u.Hostname())
	own := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() // nobody else listens there, and no secret is sent
	client := &http.Client{Timeout: probePatience, CheckRedirect: stay, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: own}}}
	answer, err := client.Get(c.URL)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(said)))
	}
	_, err = s.out.Write(said)
	return err
}
