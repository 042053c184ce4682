package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// An internet is everything outside the shop, on loopback listeners: the cloud's metadata service, the carriers, and
// one server that plays all public hosts.
type internet struct {
	metadata, carrier, rest *http.Server
	addr                    map[*http.Server]string
	client                  *http.Client
	reached                 atomic.Int64 // how often somebody read the machine's credentials
}

// Where the metadata service shows the credentials of the machine, and the key that it shows.
const (
	metadataPath = "/latest/meta-data/iam/security-credentials/shop-api"
	metadataKey  = "ASIA5HARBORGOODSLAB7"
)

func startInternet() (*internet, error) {
	n := &internet{
		carrier: &http.Server{Handler: carrierHandler(), ReadHeaderTimeout: 5 * time.Second},
		rest:    &http.Server{Handler: http.HandlerFunc(anyHost), ReadHeaderTimeout: 5 * time.Second},
		addr:    map[*http.Server]string{},
	}
	n.metadata = &http.Server{Handler: http.HandlerFunc(n.serveMetadata), ReadHeaderTimeout: 5 * time.Second}
	for _, s := range []*http.Server{n.metadata, n.carrier, n.rest} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, n.close())
		}
		n.addr[s] = ln.Addr().String()
		go s.Serve(ln) //nolint:errcheck // ends with ErrServerClosed at close
	}
	n.client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DialContext: n.dial, DialTLSContext: n.dial}}
	return n, nil
}

func (n *internet) close() error {
	n.client.CloseIdleConnections()
	return errors.Join(n.metadata.Close(), n.carrier.Close(), n.rest.Close())
}

// carriers is the base URL of the carriers' API.
func (n *internet) carriers() string { return "http://" + n.addr[n.carrier] }

func (n *internet) serveMetadata(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != metadataPath {
		http.NotFound(w, r)
		return
	}
	n.reached.Add(1)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":"%s","SecretAccessKey":"wJalr/K7MDENG/bPxRfiCYEXAMPLEKEY","Token":"IQoJb3JpZ2luX2Vj","country":"LI"}`, metadataKey)
}

// detour is a public host that sends whoever asks it for a picture inside.
const detour = "pictures-for-free.example"

// anyHost plays a public host: images are images, everything else is received with thanks.
func anyHost(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Host == detour:
		http.Redirect(w, r, "http://169.254.169.254"+metadataPath, http.StatusFound)
	case strings.HasSuffix(r.URL.Path, ".png"):
		w.Header().Set("Content-Type", "image/png")
		w.Write(PNG) //nolint:errcheck // the shop has gone
	case strings.HasSuffix(r.URL.Path, ".jpg"):
		w.Header().Set("Content-Type", "image/jpeg")
		w.Write(JPEG) //nolint:errcheck // the shop has gone
	case strings.Contains(r.URL.Path, "gone"):
		http.Error(w, "gone", http.StatusGone)
	default:
		io.WriteString(w, `{"received":true}`) //nolint:errcheck // the shop has gone
	}
}

// fetched is what a server answered.
type fetched struct {
	status int
	body   []byte
}

func (f fetched) excerpt(n int) string {
	return strings.ToValidUTF8(string(f.body[:min(n, len(f.body))]), "")
}

// fetch sends a request for the shop. It follows redirects, and asks nobody whether the address is a good one.
func (n *internet) fetch(ctx context.Context, method, address string, body []byte) (fetched, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return fetched{}, err
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return fetched{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return fetched{resp.StatusCode, data}, err
}

// hosts are the names that the shop's resolver knows to be inside.
var hosts = map[string]string{
	"localhost":         "127.0.0.1",
	"metadata.internal": "169.254.169.254",
}

// dial connects to an address as the machine in the cloud would, without ever leaving this one.
func (n *internet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if inside, ok := hosts[host]; ok {
		host = inside
	}
	to := ""
	switch ip, ok := numericAddr(host); {
	case ok && ip == netip.MustParseAddr("169.254.169.254"):
		to = n.addr[n.metadata]
	case ok && ip.IsLoopback():
		to = net.JoinHostPort("127.0.0.1", port)
	case !ok && publicName(host):
		to = n.addr[n.rest]
	default:
		return nil, fmt.Errorf("no route to host %s", host)
	}
	return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, network, to)
}

// publicName reports whether the name is one of those that are reserved for examples (RFC 2606).
func publicName(host string) bool {
	for _, zone := range []string{".example", ".example.com", ".example.org", ".example.net"} {
		if strings.HasSuffix("."+host, zone) {
			return true
		}
	}
	return false
}

// numericAddr reads an address in all the spellings that inet_aton knows: 2852039166, 0xA9FEA9FE, 0251.0376.43518.
func numericAddr(host string) (netip.Addr, bool) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap(), true
	}
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 0, 32)
		last := i == len(parts)-1
		if err != nil || !last && n > 255 {
			return netip.Addr{}, false
		}
		if last {
			value |= n
		} else {
			value |= n << (24 - 8*i)
		}
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}
