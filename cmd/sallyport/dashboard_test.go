package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/internal/testkit/browser"
	"github.com/sallyport/sallyport/lab"
)

// looks are the ways in which every page is looked at.
var looks = map[string]browser.Look{
	"1280-light": {Width: 1280, Height: 800}, "1280-dark": {Width: 1280, Height: 800, Dark: true},
	"390-light": {Width: 390, Height: 844}, "390-dark": {Width: 390, Height: 844, Dark: true},
}

// TestDashboardInABrowser looks at every page of a running gateway as people do: before anything happened, and after the
// demo's flaws were exploited and its legitimate traffic was sent. SALLYPORT_PICTURES names a folder for screenshots.
func TestDashboardInABrowser(t *testing.T) {
	if os.Getenv("SALLYPORT_ALL") == "" {
		t.Skip("SALLYPORT_ALL=1 opens a browser, which takes minutes")
	}
	b := browser.Open(t)
	d := showDemo(t)
	home := d.service.admin.url
	signIn(t, b, home, d.service.newToken)
	pages := []string{"/", "/live", "/exchanges", "/apis", "/identities", "/findings", "/controls", "/config", "/replay", "/sinks", "/audit", "/reports", "/search"}
	t.Run("empty", func(t *testing.T) { inspectAll(t, b.In(t), home, pages, "empty") })
	refused := d.happen(t)
	operation := "/operation?api=shop&operation=" + url.QueryEscape(refused.Operation)
	pages = append(pages, "/exchanges/"+refused.ID, operation, "/exchanges?outcome=refused&range=1h", "/exchanges?rating=suspected&range=1h", "/controls/promote?api=shop&guard=validate.response", "/audit/"+refused.ID, "/findings?sort=-exchanges", "/apis?sort=refused", "/search?q="+refused.ID, "/signin")
	t.Run("demo", func(t *testing.T) { inspectAll(t, b.In(t), home, pages, "demo") })
	b.As(looks["1280-light"])
	t.Run("live", func(t *testing.T) { seesLive(t, b.In(t), d) })
	t.Run("keys and clicks", func(t *testing.T) { worksByKeyboard(t, b.In(t), home, refused) })
	t.Run("promote", func(t *testing.T) { letsEnforce(t, b.In(t), d) })
	t.Run("proof", func(t *testing.T) { checksProof(t, b.In(t), home, refused.ID) })
	t.Run("config", func(t *testing.T) { checksConfig(t, b.In(t), home) })
	t.Run("replay", func(t *testing.T) { replays(t, b.In(t), home) })
	t.Run("rates", func(t *testing.T) { suggestsRates(t, b.In(t), home) })
	t.Run("sorting", func(t *testing.T) { sorts(t, b.In(t), home) })
}

// showDemo is the demo with an admin listener, one guard of which only watches.
func showDemo(t *testing.T) *demo {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	d, err := startDemo(t.Context(), &demoCmd{Listen: "127.0.0.1:0", Lab: "127.0.0.1:0", Admin: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	go d.service.serve(t.Context())
	file := filepath.Join(d.dir, "sallyport.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.NewReplacer("    rate:", "    modes: { validate.response: monitor }\n    plan: free\n    rate:", "\napis:", "\nplans: [ { name: free, day: { requests: 1000 }, month: { bytes: 10MiB } } ]\napis:").Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.service.reload(); err != nil {
		t.Fatal(err)
	}
	return d
}

// happen exploits every flaw through the gateway, sends the legitimate traffic, and returns a refusal.
func (d *demo) happen(t *testing.T) *exchange.Record {
	t.Helper()
	gate := d.service.listeners[0].url
	for i, f := range lab.Flaws() {
		d.forget()
		f.Run(t.Context(), gate, clientFrom(i), d.lab)
	}
	d.lab.Reset()
	d.forget()
	bans := d.service.parts.Limiter.Bans()
	bans.Impose(netip.MustParseAddr("203.0.113.66"), time.Now().Add(2*time.Hour), "tries cards", "admin:ann")
	bans.Impose(netip.MustParseAddr("2001:db8:77::1"), time.Now().Add(time.Minute), "it went on after it was turned away", "")
	var l legitimate
	d.legitimate(t.Context(), gate, &l)
	for range 1000 {
		list, err := d.service.archive.Select(t.Context(), event.Filter{Code: "policy.not_owner", Limit: 1, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			return list[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no refusal was kept")
	return nil
}

func signIn(t *testing.T, b *browser.Browser, home, token string) {
	t.Helper()
	b.Go(home + "/")
	b.Await(`document.querySelector('input[name=token]')`)
	browser.Do(b, chromedp.SendKeys(chromedp.CSS(`input[name=token]`), token+kb.Enter))
	b.Await(`location.pathname === '/' && document.querySelector('h1')?.textContent === 'Overview'`)
	b.Said()
}

func inspectAll(t *testing.T, b *browser.Browser, home string, pages []string, name string) {
	for look, l := range looks {
		b.As(l)
		for _, page := range pages {
			inspected(t, b, home+page, name+"-"+look)
		}
	}
}

// inspected looks at one page: nothing in the console, nothing beside the page, nothing that keeps people out.
func inspected(t *testing.T, b *browser.Browser, at, name string) {
	t.Helper()
	took := b.Go(at)
	for _, said := range b.Said() {
		t.Errorf("%s: %s: the console says %s", name, at, said)
	}
	if wide := browser.Eval[float64](b, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		t.Errorf("%s: %s is %v pixels wider than the window", name, at, wide)
	}
	for _, v := range b.Axe() {
		if v.Serious() {
			t.Errorf("%s: %s: %s", name, at, v)
		}
	}
	path := strings.TrimLeft(at[strings.Index(at, "://")+3:], "0123456789.:")
	t.Logf("%s %s %s", name, path, took.Round(time.Millisecond))
	if dir := os.Getenv("SALLYPORT_PICTURES"); dir != "" {
		page := strings.Map(func(r rune) rune {
			if strings.ContainsRune("/?&=%+{}", r) {
				return '-'
			}
			return r
		}, strings.Trim(path, "/"))
		b.Picture(dir, name+"-"+cmp.Or(page[:min(len(page), 40)], "overview"))
	}
}

func seesLive(t *testing.T, b *browser.Browser, d *demo) {
	b.Go(d.service.admin.url + "/live?outcome=refused")
	b.Await(`document.querySelector('#live-state').textContent.startsWith('Watching')`)
	resp, err := http.Get(d.service.listeners[0].url + "/nothing/here")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	b.Await(`document.querySelector('#exchanges tbody tr.fresh')?.textContent.includes('/nothing/here')`)
}

func worksByKeyboard(t *testing.T, b *browser.Browser, home string, r *exchange.Record) {
	b.Go(home + "/exchanges")
	browser.Do(b, chromedp.KeyEvent("/"))
	b.Await(`document.activeElement.id === 'q'`)
	browser.Eval[string](b, `document.querySelector('#q').value = ''`) // the protocol types a key although a page has taken it
	browser.Do(b, chromedp.SendKeys(chromedp.CSS("#q"), r.ID+kb.Enter))
	b.Await(`location.pathname === '/search' && document.readyState === 'complete' && document.querySelector('a[href="/exchanges/` + r.ID + `"]')`)
	browser.Do(b, chromedp.KeyEvent("j"))
	browser.Do(b, chromedp.KeyEvent(kb.Enter))
	b.Await(`location.pathname === '/exchanges/` + r.ID + `'`)
	b.Go(home + "/exchanges")
	browser.Do(b, chromedp.KeyEvent("t"))
	b.Await(`document.querySelector('#time').open`)
	browser.Do(b, chromedp.KeyEvent(kb.Escape))
	b.Await(`!document.querySelector('#time').open`)
	browser.Do(b, chromedp.Click(chromedp.CSS("#theme")))
	b.Await(`document.documentElement.dataset.theme === 'dark'`)
	b.Go(home + "/")
	if got := browser.Eval[string](b, `document.documentElement.dataset.theme`); got != "dark" {
		t.Errorf("the scheme was not kept: %q", got)
	}
	browser.Do(b, chromedp.Click(chromedp.CSS("#theme")))
}

// letsEnforce makes a guard that watches enforce, from a page.
func letsEnforce(t *testing.T, b *browser.Browser, d *demo) {
	b.Go(d.service.admin.url + "/controls/promote?api=shop&guard=validate.response")
	b.Await(`document.querySelector('.diff .add')?.textContent.includes('enforce')`)
	browser.Do(b, chromedp.SendKeys(chromedp.CSS(`input[name=note]`), "it was quiet"))
	browser.Do(b, chromedp.Click(chromedp.CSS(`main button.main`)))
	b.Await(`location.pathname === '/config' && document.body.textContent.includes('it was quiet')`)
	for _, p := range d.service.gateway.Posture() {
		if p.Guards["validate.response"] == "monitor" {
			t.Fatalf("%s still only watches", p.Operation)
		}
	}
}

// checksProof verifies the audit log, and has the browser check that an exchange is in it, and that another leaf is not.
func checksProof(t *testing.T, b *browser.Browser, home, id string) {
	b.Go(home + "/audit")
	browser.Do(b, chromedp.Click(chromedp.CSS("#verify")))
	b.Await(`document.querySelector('#verify-result .works')?.textContent.includes('as they were signed')`)
	b.Go(home + "/audit/" + id)
	b.Await(`document.querySelector('#proof.works')?.textContent.includes('Your browser has checked it')`)
	inspected(t, b, home+"/audit/"+id, "proof")
	for name, change := range map[string]string{
		"":      ``, // as it is, it holds
		"leaf":  `at.dataset.leaf = at.dataset.leaf.replace('404', '200')`,
		"index": `at.dataset.proof = at.dataset.proof.replace(/index (\d+)/, (_, n) => 'index ' + (n ^ 1))`,
		"root":  `at.dataset.proof = at.dataset.proof.replace(/\n(\d+)\n./, (_, n) => '\n' + n + '\nA')`,
		"key":   `at.dataset.key = at.dataset.key.slice(0, -6) + 'AAAAAA'`,
	} {
		b.Go(home + "/audit/" + id)
		browser.Eval[string](b, `(async () => { const old = document.querySelector('#proof'); const at = old.cloneNode(); at.className = ''; old.replaceWith(at); `+change+`;
			const script = document.createElement('script'); script.src = document.querySelector('script[src*="proof.js"]').src; document.head.append(script); return '' })()`)
		if b.Await(`document.querySelector('#proof.works, #proof.fails')`); browser.Eval[bool](b, `document.querySelector('#proof').classList.contains('fails')`) != (change != "") {
			t.Errorf("the browser is wrong about a proof with another %q", name)
		}
	}
	b.Said() // a key that is none is told of in the console, too
}

// checksConfig is told where a mistake is.
func checksConfig(t *testing.T, b *browser.Browser, home string) {
	b.Go(home + "/config")
	browser.Do(b, chromedp.Evaluate[chromedp.Void](`document.querySelector('#text').value += '\nlisten_on: everywhere\n'`))
	browser.Do(b, chromedp.Click(chromedp.CSS(`main button.main`)))
	b.Await(`location.pathname === '/config/check' && document.body.textContent.includes('listen_on')`)
	if browser.Eval[bool](b, `Boolean(document.querySelector('form[action="/api/v1/config"]'))`) {
		t.Error("a config with mistakes can be applied")
	}
	inspected(t, b, home+"/config", "config")
}

// replays decides what was recorded again under an edit of the config, and looks at the outcome in every way.
func replays(t *testing.T, b *browser.Browser, home string) {
	b.Go(home + "/config")
	browser.Do(b, chromedp.Evaluate[chromedp.Void](`(() => { const at = document.querySelector('#text'); at.value = at.value.replace('mode: enforce', 'mode: monitor').replace('rate: { limit: 1200', 'rate: { limit: 20') + '\nabuse: { bans: { after: 77 } }\n'; })()`))
	browser.Do(b, chromedp.Click(chromedp.CSS(`main button[formaction="/replay/run"]`)))
	b.Await(`location.pathname === '/replay' && location.search.startsWith('?candidate=draft')`)
	b.Await(`document.querySelector('#by-operation')`)
	if said := browser.Eval[string](b, `document.querySelector('[aria-labelledby=unsaid]')?.textContent ?? ''`); !strings.Contains(said, "abuse.bans or abuse.overload has other settings") {
		t.Errorf("it is not said of how many exchanges something cannot be said: %q", said)
	}
	at := browser.Eval[string](b, `location.href`)
	for look, l := range looks {
		b.As(l)
		inspected(t, b, at, "replayed-"+look)
	}
	b.As(looks["1280-light"])
	b.Go(at)
	browser.Do(b, chromedp.Click(chromedp.CSS(`a[href*="tab=newly_refused"]`)))
	b.Await(`location.search.includes('tab=newly_refused') && [...document.querySelectorAll('table.walk tbody .mark')].every(m => m.textContent === 'newly refused')`)
}

// suggestsRates has rates proposed from what was recorded, by the keyboard, and looks at them in every way.
func suggestsRates(t *testing.T, b *browser.Browser, home string) {
	b.Go(home + "/identities?range=1h")
	browser.Eval[string](b, `document.querySelector('input[name=headroom]').value = ''`)
	browser.Do(b, chromedp.SendKeys(chromedp.CSS(`input[name=headroom]`), "3"+kb.Enter))
	b.Await(`location.pathname === '/identities' && location.search === '?headroom=3&range=1h' && document.querySelector('[aria-labelledby=rates] .lines')`)
	if lines := browser.Eval[string](b, `document.querySelector('[aria-labelledby=rates] pre').textContent`); !strings.HasPrefix(lines, "apis:\n  - name: shop\n    operations:\n") || !strings.Contains(lines, "rate: { limit: ") {
		t.Errorf("the lines are %s", lines)
	}
	for look, l := range looks {
		b.As(l)
		inspected(t, b, home+"/identities?headroom=3&range=1h", "rates-"+look)
	}
	b.As(looks["1280-light"])
	b.Go(home + "/identities?headroom=3&range=1h")
	browser.Eval[string](b, `(document.querySelector('[aria-labelledby=rates] th a[href*="rates.requests"]').focus(), '')`)
	browser.Do(b, chromedp.KeyEvent(kb.Enter))
	b.Await(`document.querySelector('[aria-labelledby=rates] th[aria-sort=descending]')?.textContent.startsWith('Requests')`)
	browser.Do(b, chromedp.Click(chromedp.CSS(`[aria-labelledby=rates] .lines .copy`)))
	b.Await(`['copied', 'not allowed'].includes(document.querySelector('[aria-labelledby=rates] .lines .copy').textContent)`)
}

// sorts a table by its heads: by a click, and by the keyboard.
func sorts(t *testing.T, b *browser.Browser, home string) {
	b.Go(home + "/apis")
	browser.Do(b, chromedp.Click(chromedp.CSS(`thead a[href*="sort=operation"]`)))
	b.Await(`document.querySelector('th[aria-sort=ascending]')?.textContent.startsWith('Operation')`)
	browser.Eval[string](b, `(document.querySelector('th[aria-sort] a').focus(), '')`)
	browser.Do(b, chromedp.KeyEvent(kb.Enter))
	b.Await(`document.querySelector('th[aria-sort=descending]')?.textContent.startsWith('Operation')`)
}

// TestPagesOfMillionsOfExchanges opens every page over a store that is there already: SALLYPORT_STORE names its folder.
// It prints how long each took; docs/dashboard.md says how to make one.
func TestPagesOfMillionsOfExchanges(t *testing.T) {
	dir := os.Getenv("SALLYPORT_STORE")
	if dir == "" {
		t.Skip("SALLYPORT_STORE names a store with millions of exchanges")
	}
	b := browser.Open(t)
	v, home := serveStore(t, dir)
	signIn(t, b, home, v.newToken)
	list, err := v.archive.Select(t.Context(), event.Filter{Limit: 1, Outcome: "refused"})
	if err != nil || len(list) == 0 {
		t.Fatal(err, len(list))
	}
	subject := ""
	if p := list[0].Principal; p != nil {
		subject = p.Subject
	}
	for _, r := range []string{"range=1h", "range=24h", "range=7d", "range=30d"} {
		for _, page := range []string{"/?", "/live?", "/exchanges?", "/exchanges?outcome=refused&", "/exchanges?rating=hostile&", "/exchanges?rating=likely_human&", "/exchanges?rating=verified&", "/exchanges?client=" + list[0].Client + "&", "/exchanges?subject=" + subject + "&", "/apis?", "/identities?", "/findings?", "/controls?", "/identities?sort=-keys.created&", "/findings?sort=-exchanges&", "/operation?api=shop&operation=undocumented&", "/replay?", "/sinks?", "/audit?", "/search?q=" + list[0].Client + "&", "/exchanges/" + list[0].ID + "?"} {
			inspected(t, b, home+page+r, "many-"+r)
		}
	}
}

// running is a gateway that runs until the test ends.
func running(t *testing.T, file string) *service {
	t.Helper()
	cmd := runCmd{source: source{Config: file}}
	cfg, src, problems := cmd.load()
	if cfg == nil {
		t.Fatal(problems)
	}
	ctx, cancel := context.WithCancel(t.Context())
	v, problems, err := open(ctx, cfg, src)
	if err != nil {
		t.Fatal(err, problems)
	}
	t.Cleanup(func() { cancel(); v.close() })
	return v
}

// serveStore is a gateway of flags over a store.
func serveStore(t *testing.T, dir string) (*service, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sallyport.yaml")
	text := fmt.Sprintf("version: 1\nlisten: [ { address: 127.0.0.1:0 } ]\nadmin: { address: 127.0.0.1:0, token: %s }\nstore: { path: %s }\napis: [ { name: shop, unknown: inspect, upstream: http://127.0.0.1:9 } ]\nlog: { access: off }\n", "spa_of_the_test_of_many_rows_0123456789", dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	v := running(t, file)
	v.newToken = "spa_of_the_test_of_many_rows_0123456789"
	return v, v.admin.url
}
