package inspect

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
)

// refusedURLs are spellings of addresses that are not public, and URLs in which parsers find different hosts.
var refusedURLs = map[string][]string{
	urlPrivate: {
		"http://127.0.0.1/", "http://127.0.0.1", "https://127.0.0.1:8443/x", "http://127.0.0.1:80/", "http://127.255.255.254/",
		"HTTP://127.0.0.1/", "http://127.0.0.1./", "http://127.0.0.1:/", "http://127.0.0.1?x", "http://127.0.0.1#x",
		"http://0.0.0.0/", "http://0.1.2.3/", "http://10.0.0.1/", "http://10.255.255.255/", "http://172.16.0.1/",
		"http://172.31.255.255/", "http://192.168.0.1/", "http://192.168.255.255:8080/", "http://169.254.169.254/latest/meta-data/",
		"http://169.254.170.2/v2/credentials", "http://169.254.0.1/", "http://100.64.0.1/", "http://100.100.100.200/latest/",
		"http://100.127.255.255/", "http://192.0.0.192/", "http://192.0.2.1/", "http://198.51.100.7/", "http://203.0.113.9/",
		"http://198.18.0.1/", "http://198.19.255.255/", "http://224.0.0.1/", "http://239.255.255.250/", "http://240.0.0.1/",
		"http://255.255.255.255/", "http://168.63.129.16/metadata",
		"http://[::1]/", "http://[::1]:80/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[0000:0000::0001]/",
		"http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::FFFF:10.0.0.1]/", "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
		"http://[::127.0.0.1]/", "http://[::a9fe:a9fe]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::169.254.169.254]/",
		"http://[64:ff9b:1::10.0.0.1]/", "http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::1]/", "http://[2001:0:7f00:1::]/",
		"http://[fe80::1]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/latest/", "http://[fd20:ce::254]/", "http://[ff02::1]/",
		"http://[2001:db8::1]/", "http://[3fff::1]/", "http://[100::1]/", "http://[fec0::1]/",
		"http://localhost/", "http://LOCALHOST/", "http://localhost:6379/", "http://localhost./", "http://LocalHost.:80/",
		"http://a.localhost/", "http://localhost.localdomain/", "http://ip6-localhost/", "http://db/", "http://metadata/computeMetadata/v1/",
		"http://instance-data/latest/", "http://kubernetes.default.svc/api", "http://x.default.svc.cluster.local/", "http://printer.local/",
		"http://metadata.google.internal/computeMetadata/v1/", "http://METADATA.google.INTERNAL./", "http://vault.service.internal/",
		"http://metadata.goog/", "http://wiki.corp/", "http://router.home/", "http://nas.lan/", "http://router.home.arpa/", "http://host.docker.internal:2375/",
		"http://rancher-metadata/", "http://intranet/", "http://x.intranet/",
		"http://127.0.0.1.nip.io/", "http://app.10.0.0.1.nip.io/", "http://10-0-0-1.nip.io/", "http://7f000001.nip.io/", "http://8.8.8.8.nip.io/",
		"http://127-0-0-1.sslip.io/", "http://www.192.168.0.1.xip.io/", "http://localtest.me/", "http://a.localtest.me/", "http://lvh.me:3000/",
		"http://vcap.me/", "http://7f000001.c0a80001.rbndr.us/", "http://make-1.2.3.4-rebind-127.0.0.1-rr.1u.ms/", "http://127.0.0.1.example.com/",
		"http://169-254-169-254.attacker.example/", "http://a.10.1.2.3.b.example/",
	},
	urlAmbiguous: {
		"", " ", "http:", "http://", "http:///", "http:///127.0.0.1/", "http:/127.0.0.1/", "http:127.0.0.1", "http:////127.0.0.1/",
		"//127.0.0.1/", "127.0.0.1", "127.0.0.1:80/x", "/etc/passwd", "example.com/x", "://127.0.0.1", "1http://x.example/",
		"http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0x7f.1/", "http://0x7f.0.0.1/", "http://0177.0.0.1/",
		"http://0177.0.0.01/", "http://127.1/", "http://127.0.1/", "http://10.1/", "http://0/", "http://0x/", "http://00/", "http://1/",
		"http://127.0.0.01/", "http://127.000.000.001/", "http://0X7F.0.0.1/", "http://2852039166/", "http://0xa9fea9fe/",
		"http://0251.0376.0251.0376/", "http://425.510.425.510/", "http://169.254.43518/", "http://169.16689662/", "http://4294967296/",
		"http://127.0.0.1.1/", "http://256.0.0.1/", "http://example.0x7f/", "http://a.1/", "http://1.2.3/",
		"http://example.com@127.0.0.1/", "http://good.example@127.0.0.1/", "http://user:pass@example.com/", "http://@127.0.0.1/",
		"http://example.com:80@127.0.0.1/", "http://127.0.0.1:80@example.com/", "http://a@b@c/", "http://example.com%40127.0.0.1/",
		"http://example.com#@127.0.0.1/", "http://example.com?@127.0.0.1/", "http://example.com:80#@127.0.0.1/", "http://127.0.0.1#@example.com/",
		`http://example.com\@127.0.0.1/`, `http:\\127.0.0.1\`, `http://127.0.0.1\.example.com/`, `http:/\127.0.0.1/`, `\\127.0.0.1\x`, `http://example.com\.127.0.0.1/`,
		"http://127.0.0.1\t/", "ht\ntp://127.0.0.1/", "http://127.0\n.0.1/", "\thttp://127.0.0.1/", " http://127.0.0.1/", "http://127.0.0.1 ", "http://a b/",
		"http://exam\x00ple.com/", "http://example.com\r\nHost: x/", "java\nscript:alert(1)", "http://example.com\x7f/",
		"http://%31%32%37.0.0.1/", "http://127%2e0%2e0%2e1/", "http://%6cocalhost/", "http://example.com%00.127.0.0.1/", "http://[::1%25lo]/", "http://[fe80::1%eth0]/",
		"http://[fe80::1%25eth0]/", "http://[::1", "http://::1]/", "http://::1/", "http://[127.0.0.1]/", "http://[::1]x/", "http://[::1]:x/", "http://[]/", "http://[v1.x]/", "http://[::ffff:127.1]/",
		"http://x[::1]/", "http://[[::1]]/", "http://127.0.0.1:80:80/", "http://example.com:99999/", "http://example.com:0/", "http://example.com:-1/", "http://example.com:8o/",
		"http://１２７.０.０.１/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://127．0．0．1/", "http://127｡0.0.1/", "http://ｌocalhost/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://loca\u00adlhost/",
		"http://ℓocalhost/", "http://ⓔⓧⓐⓜⓟⓛⓔ.ⓒⓞⓜ/", "http://l\u200bocalhost/", "http://\xff\xfe/", "http://localhosſt.example/", "http://xn--/", "http://xn--a/", "http://xn--localhost-/",
		"http://./", "http://../", "http://example..com/", "http://.example.com/", "http://example.com../", "http://a,b.example/", "http://exam!ple.com/", "http://(127.0.0.1)/", "http://*.example.com/", "http://{host}/", "http://a;b.example/", "http://a&@b/",
		"http://" + strings.Repeat("a", 64) + ".example/", "http://" + strings.Repeat("a.", 127) + "example/", "http://example.com/" + strings.Repeat("a", maxURL),
	},
	urlScheme: {
		"file:///etc/passwd", "file://localhost/etc/passwd", "FILE:///c:/x", "gopher://127.0.0.1:6379/_x", "dict://127.0.0.1:11211/", "ftp://127.0.0.1/", "ftp://example.com/",
		"sftp://x.example/", "tftp://x.example/", "ldap://x.example/", "jar:http://x.example!/", "netdoc:///etc/passwd", "data:text/html,x", "javascript:alert(1)", "view-source:http://x/",
		"php://input", "phar://x", "expect://id", "ws://example.com/", "mailto:a@example.com", "localhost:8080", "example.com:80/x", "urn:isbn:1", "blob:http://x.example/1", "unix:///var/run/docker.sock", "http+unix://x/",
	},
}

// plainURLs are what people and programs send.
var plainURLs = []string{
	"http://example.com", "https://example.com", "https://example.com/", "https://example.com:443/", "https://example.com:8443/hook", "https://example.com:/", "HTTPS://EXAMPLE.COM/",
	"https://www.example.com/a/b/c.html", "https://example.com./", "https://api.example.co.uk/v1/items?limit=10&offset=20", "https://example.com?x=1", "https://example.com#top", "https://example.com/#/route/1",
	"https://example.com/a%20b", "https://example.com/%2e%2e/x", "https://example.com/?next=http://127.0.0.1/", "https://example.com/?q=a+b%26c", "https://example.com/a;b=c/d", "https://example.com/~user/", "https://example.com/@user/post", "https://medium.com/@someone/a-title-0123abcd",
	"https://example.com/?mail=a@example.com", "https://example.com/a:b", "https://example.com/a,b", "https://example.com/(x)", "https://example.com/it's", "https://example.com/a|b", "https://example.com/{id}", "https://example.com/ü", "https://example.com/?q=日本",
	"https://github.com/owner/repo/blob/main/a.go#L10-L20", "https://raw.githubusercontent.com/o/r/main/x.json", "https://hooks.slack.com/services/T000/B000/XXXX", "https://discord.com/api/webhooks/1/abc", "https://s3.eu-central-1.amazonaws.com/bucket/key", "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=0a1b",
	"https://storage.googleapis.com/b/o", "https://account.blob.core.windows.net/c/b?sv=1&sig=a%2Bb", "https://d111111abcdef8.cloudfront.net/i.png", "https://ec2-54-12-34-56.compute-1.amazonaws.com/", "https://my-app.herokuapp.com/", "https://x-y-z.vercel.app/", "https://a_b.example.com/", "https://1and1.com/", "https://3com.com/",
	"https://0x.org/", "https://123.example.com/", "https://4.4.example.com/", "https://v2.0.1.example.com/", "https://8.8.8.8/", "http://1.1.1.1:8080/", "http://172.15.0.1/", "http://172.32.0.1/", "http://11.0.0.1/", "http://100.63.255.255/", "http://100.128.0.1/", "http://169.253.0.1/", "http://192.167.1.1/",
	"https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]:443/dns-query", "https://[2A00:1450:4001:81B::200E]/", "https://münchen.example/", "https://xn--mnchen-3ya.example/", "https://例え.テスト/", "https://пример.рф/путь", "https://localhost.example.com/", "https://internal.example.com/", "https://local.example.org/", "https://mynip.io/", "https://example.international/", "https://webhook.site/0a1b2c3d",
}

func policy(t testing.TB, c config.URLs, r Resolver) *urlPolicy {
	p, err := newURLPolicy(c, r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestURLs(t *testing.T) {
	p := policy(t, config.URLs{}, nil)
	n := 0
	for rule, list := range refusedURLs {
		for _, raw := range list {
			n++
			_, err := p.check(context.Background(), raw)
			var u *urlError
			if !errors.As(err, &u) {
				t.Errorf("%q passes, want %s", raw, rule)
			} else if u.rule != rule {
				t.Errorf("%q: %s (%s), want %s", raw, u.rule, u.detail, rule)
			}
		}
	}
	for _, raw := range plainURLs {
		if _, err := p.check(context.Background(), raw); err != nil {
			t.Errorf("%q is refused: %v", raw, err)
		}
	}
	t.Logf("%d refused, %d plain", n, len(plainURLs))
}

func TestURLSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		set  config.URLs
		url  string
		rule string
	}{
		{"allowed name", config.URLs{Allow: []string{"hooks.internal"}}, "http://hooks.internal/", ""},
		{"allowed name, dot and case", config.URLs{Allow: []string{"Hooks.internal"}}, "http://HOOKS.internal./", ""},
		{"below an allowed name", config.URLs{Allow: []string{"hooks.internal"}}, "http://a.hooks.internal/", urlPrivate},
		{"wildcard", config.URLs{Allow: []string{"*.internal"}}, "http://a.b.internal/", ""},
		{"wildcard covers not the name itself", config.URLs{Allow: []string{"*.internal"}}, "http://internal/", urlPrivate},
		{"wildcard ends on a label", config.URLs{Allow: []string{"*.corp"}}, "http://xcorp/", urlPrivate},
		{"allowed address", config.URLs{Allow: []string{"10.0.0.1"}}, "http://10.0.0.1/", ""},
		{"allowed address as IPv6", config.URLs{Allow: []string{"10.0.0.1"}}, "http://[::ffff:10.0.0.1]/", ""},
		{"allowed IPv6", config.URLs{Allow: []string{"fd00::1"}}, "http://[fd00:0::1]/", ""},
		{"allowed but disguised", config.URLs{Allow: []string{"10.0.0.1"}}, "http://10.1/", urlAmbiguous},
		{"allowed with user", config.URLs{Allow: []string{"hooks.internal"}}, "http://a@hooks.internal/", urlAmbiguous},
		{"only", config.URLs{Only: []string{"*.example.com"}}, "https://a.example.com/", ""},
		{"not among only", config.URLs{Only: []string{"*.example.com"}}, "https://example.org/", urlHost},
		{"suffix without a dot", config.URLs{Only: []string{"*.example.com"}}, "https://evilexample.com/", urlHost},
		{"only does not make private public", config.URLs{Only: []string{"a.internal"}}, "https://a.internal/", urlPrivate},
		{"scheme", config.URLs{Schemes: []string{"HTTPS"}}, "http://example.com/", urlScheme},
		{"other scheme", config.URLs{Schemes: []string{"s3"}}, "s3://bucket.example/key", ""},
		{"other scheme, private", config.URLs{Schemes: []string{"redis"}}, "redis://127.0.0.1/0", urlPrivate},
		{"scheme without host", config.URLs{Schemes: []string{"urn"}}, "urn:isbn:1", ""},
		{"ftp is repaired like http", config.URLs{Schemes: []string{"ftp"}}, "ftp:127.0.0.1", urlAmbiguous},
	} {
		_, err := policy(t, c.set, nil).check(context.Background(), c.url)
		rule := ""
		var u *urlError
		if errors.As(err, &u) {
			rule = u.rule
		}
		if rule != c.rule {
			t.Errorf("%s: %q, want %q (%v)", c.name, rule, c.rule, err)
		}
	}
	for _, bad := range []string{"", "*.", "*", "http://x.example", "10.0.0.0/8", "0x7f.1", "a b", "*.10.0.0.1"} {
		if _, err := newURLPolicy(config.URLs{Allow: []string{bad}}, nil); err == nil {
			t.Errorf("allow: %q is accepted", bad)
		}
	}
}

type fakeDNS map[string][]string

func (f fakeDNS) LookupNetIP(ctx context.Context, network, name string) ([]netip.Addr, error) {
	list, ok := f[name]
	if !ok {
		return nil, errors.New("no such host")
	}
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out, nil
}

func TestURLLookup(t *testing.T) {
	dns := fakeDNS{"good.example.": {"8.8.8.8", "2606:4700::1"}, "inside.example.": {"10.0.0.1"}, "mapped.example.": {"::ffff:127.0.0.1"},
		"mixed.example.": {"8.8.8.8", "169.254.169.254"}, "empty.example.": {}}
	p := policy(t, config.URLs{Resolve: true, Allow: []string{"allowed.example"}}, dns)
	for url, rule := range map[string]string{
		"https://good.example/": "", "https://inside.example/": urlPrivate, "https://mapped.example/": urlPrivate, "https://mixed.example/": urlPrivate,
		"https://empty.example/": urlResolve, "https://gone.example/": urlResolve, "https://allowed.example/": "", "https://8.8.8.8/": "",
	} {
		_, err := p.check(context.Background(), url)
		got := ""
		var u *urlError
		if errors.As(err, &u) {
			got = u.rule
		}
		if got != rule {
			t.Errorf("%s: %q, want %q", url, got, rule)
		}
	}
}
