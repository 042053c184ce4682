package inspect

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/inspect/pattern"
	"github.com/sallyport/sallyport/inspect/rules"
	"github.com/sallyport/sallyport/openapi"
)

// heap is what is in use, in bytes.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Compiling the whole Core Rule Set, and what stays of it.
func BenchmarkBuild(b *testing.B) {
	for _, paranoia := range []int{1, 4} {
		b.Run(fmt.Sprintf("paranoia %d", paranoia), func(b *testing.B) {
			b.ReportAllocs()
			before := heap()
			var e Engine
			for b.Loop() {
				var err error
				if e, err = newCompiled(settings{paranoia: paranoia}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(heap()-before)/(1<<20), "MB-kept")
			runtime.KeepAlive(e)
		})
	}
}

// A build of all rules keeps less than 64 MB.
func TestBuildMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector needs memory of its own")
	}
	before := heap()
	e, err := newCompiled(settings{paranoia: 4})
	if err != nil {
		t.Fatal(err)
	}
	if kept := heap() - before; kept > 64<<20 {
		t.Errorf("%d bytes", kept)
	}
	runtime.KeepAlive(e)
}

// APIs that differ in what stands outside of the rules share one engine, and so do the snapshots before and after a
// reload, for each of which there is an Inspector.
func TestEnginesAreShared(t *testing.T) {
	pool := new(Pool)
	apis := []config.Inspect{{}, {Threshold: 10}, {Exclude: []config.Exclusion{{Rule: "942100"}}}, {MaxBytes: 1 << 10, Beyond: "pass"}, {Paranoia: 1}}
	var first Engine
	kept := 0
	for reload := range 2 {
		i, err := New(Options{Pool: pool})
		if err != nil {
			t.Fatal(err)
		}
		for n, c := range apis {
			j, err := i.newJudge(c, "any")
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first, kept = j.engine, heap()
			}
			if j.engine != first {
				t.Errorf("reload %d, API %d has an engine of its own", reload, n)
			}
		}
	}
	if more := heap() - kept; more > 4<<20 { // an engine is more than 20 MB
		t.Errorf("the other APIs and the reload keep %d bytes", more)
	}
	i, _ := New(Options{Pool: pool})
	if other, err := i.engine(config.Inspect{Paranoia: 2}); err != nil || other == first {
		t.Errorf("another paranoia level has the same engine, %v", err)
	}
	runtime.KeepAlive(first)
}

// large are real specs, of up to a thousand operations.
var large = []string{"github/api.github.com.json", "kubernetes/v3_api.v1.json", "datadog/openapi.yaml", "box/openapi.json"}

// What looking for shortcuts adds to the build of an API.
func BenchmarkShortcuts(b *testing.B) {
	dir := unpacked(b)
	for _, name := range large {
		doc, problems := openapi.Load(filepath.Join(dir, name), openapi.Options{})
		if doc == nil {
			b.Logf("%s: %v", name, problems)
			continue
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				e, err := newCompiled(settings{paranoia: 4})
				if err != nil {
					b.Fatal(err)
				}
				before, left, began := heap(), languages(), time.Now()
				var all []any
				for _, op := range doc.Operations {
					all = append(all, shapesOf(e, op, left))
				}
				b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms")
				b.ReportMetric(float64(heap()-before)/(1<<20), "MB")
				b.ReportMetric(float64(len(doc.Operations)), "operations")
				b.ReportMetric(float64(len(e.shortcuts.known)), "languages")
				runtime.KeepAlive(all)
			}
		})
	}
}

// languages is as many as a build may look into.
func languages() *atomic.Int32 {
	left := new(atomic.Int32)
	left.Store(maxLanguages)
	return left
}

// A build that is done with looking into languages spares nothing more, but for what is known already.
func TestLanguagesAreBounded(t *testing.T) {
	e, left := new(compiledEngine), languages()
	var err error
	if e.request, err = rules.Compile(nil, rules.Options{Budget: pattern.NewBudget(0)}); err != nil {
		t.Fatal(err)
	}
	shorten := func(n int) bool { return e.shorten(nil, []string{fmt.Sprintf("^%d$", n)}, left) != nil }
	for n := range maxLanguages + 10 {
		if got := shorten(n); got != (n < maxLanguages) {
			t.Fatalf("language %d: %v", n, got)
		}
	}
	if !shorten(0) || e.shorten([]string{"a"}, nil, left) == nil {
		t.Error("what is known, or is no pattern, is not spared either")
	}
}

// unpacked is a folder with the shared specs.
func unpacked(t testing.TB) string {
	f, err := os.Open(shared(t, "data/openapi-specs/specs.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, filepath.Clean("/"+h.Name))
		data, err := io.ReadAll(r)
		if err == nil && h.Typeflag == tar.TypeReg {
			if err = os.MkdirAll(filepath.Dir(name), 0o700); err == nil {
				err = os.WriteFile(name, data, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
