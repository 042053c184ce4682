// Package browser drives Debian's Chromium in tests: it opens pages, collects what the console says of mistakes, asks
// axe-core for what people who use assistive technology would stumble over, and takes pictures.
package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is axe-core 4.14.0 (Deque Systems, MPL-2.0: axe.LICENSE), unchanged.
//
//go:embed axe.min.js
var axe string

// A Browser is one Chromium with one page. It is not safe for concurrent use.
type Browser struct {
	t   testing.TB
	ctx context.Context
	*console
}

// console is what was said of mistakes.
type console struct {
	mu   sync.Mutex
	said []string
}

// In is the same browser for a test within the one that opened it.
func (b *Browser) In(t testing.TB) *Browser { return &Browser{t, b.ctx, b.console} }

// Look is how a page is looked at.
type Look struct {
	Width, Height int64
	Dark          bool
}

// Open starts a browser that ends with the test, which is skipped where there is none.
func Open(t testing.TB) *Browser {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.UserDataDir(t.TempDir()))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // it waits until the process has ended
	b := &Browser{t, ctx, &console{}}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	call(b, runtime.Enable, cdp.Empty{})
	call(b, log.Enable, cdp.Empty{})
	return b
}

func call[P, R any](b *Browser, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// listen keeps what is wrong.
func (b *Browser) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			var parts []string
			for _, a := range e.Args {
				parts = append(parts, string(a.Value)+a.Description)
			}
			b.note(string(e.Type) + ": " + strings.Join(parts, " "))
		}
	case *runtime.EventExceptionThrown:
		b.note("exception: " + e.ExceptionDetails.Text + " " + e.ExceptionDetails.Exception.Description)
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.note(string(e.Entry.Level) + ": " + e.Entry.Text + " " + e.Entry.URL)
		}
	}
}

func (b *Browser) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, text)
}

// Said returns, and forgets, the errors and warnings of the console since the last time.
func (b *Browser) Said() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said
	b.said = nil
	return said
}

// Do runs an action within a generous time.
func Do[T any](b *Browser, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	got, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// As looks at all further pages in this way.
func (b *Browser) As(l Look) {
	b.t.Helper()
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.Width, Height: l.Height, DeviceScaleFactor: 1, Mobile: l.Width < 600})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// Go opens a page and tells how long it took until it was loaded.
func (b *Browser) Go(url string) time.Duration {
	b.t.Helper()
	start := time.Now()
	Do(b, chromedp.Navigate(url))
	return time.Since(start)
}

// Eval evaluates an expression, and waits for what it promises.
func Eval[T any](b *Browser, expression string) T {
	b.t.Helper()
	return Do(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Await waits until an expression is true.
func (b *Browser) Await(expression string) {
	b.t.Helper()
	for range 400 {
		if Eval[bool](b, "(() => { try { return Boolean("+expression+") } catch { return false } })()") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("at %s this did not become true: %s", Eval[string](b, "location.href"), expression)
}

// Violation is one rule of axe-core that the page breaks.
type Violation struct {
	ID     string `json:"id"`
	Impact string `json:"impact"` // minor, moderate, serious or critical
	Help   string `json:"help"`
	Nodes  []struct {
		HTML string `json:"html"`
		Why  string `json:"failureSummary"`
	} `json:"nodes"`
}

// Serious are those that keep people from using the page.
func (v Violation) Serious() bool { return v.Impact == "serious" || v.Impact == "critical" }

func (v Violation) String() string {
	text := v.Impact + " " + v.ID + ": " + v.Help
	for i, n := range v.Nodes {
		if i == 3 {
			return fmt.Sprintf("%s\n    and %d more", text, len(v.Nodes)-i)
		}
		text += "\n    " + n.HTML + "\n      " + strings.ReplaceAll(n.Why, "\n", "\n      ")
	}
	return text
}

// Axe judges the page as it is.
func (b *Browser) Axe() (list []Violation) {
	b.t.Helper()
	result := Eval[string](b, axe+`;axe.run({resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`)
	if err := json.Unmarshal([]byte(result), &list); err != nil {
		b.t.Fatal(err)
	}
	return list
}

// Picture keeps the whole page as a PNG in dir.
func (b *Browser) Picture(dir, name string) {
	b.t.Helper()
	png := Do(b, chromedp.FullScreenshot(100))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
