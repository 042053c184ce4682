package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/event/spool"
	"github.com/sallyport/sallyport/exchange"
	"github.com/sallyport/sallyport/gateway"
)

// settle is how long files must be quiet before a change counts: editors and Kubernetes write in several steps.
const settle = 300 * time.Millisecond

// hangups is where SIGHUP goes from now on: without a taker it would end the process.
func hangups() (hup chan os.Signal, stop func()) {
	hup = make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	return hup, func() { signal.Stop(hup) }
}

// reloadOn reloads by SIGHUP and by changes of the files that the configuration was made from, until ctx ends. began is
// when these were read.
func (v *service) reloadOn(ctx context.Context, hup <-chan os.Signal, began time.Time, from loader) {
	v.setLoader(from)
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		slog.Error("couldn't watch files: only SIGHUP reloads", "error", err)
		watcher = &fsnotify.Watcher{} // its channels never tell anything
	} else {
		defer watcher.Close()
	}
	watching := err == nil
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	again := func(began time.Time) {
		if !watching {
			return
		}
		if v.watch(watcher); v.changedSince(began) {
			quiet.Reset(settle)
		}
	}
	again(began)
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-watcher.Events:
			if !e.Has(fsnotify.Chmod) && v.concerns(e.Name) {
				quiet.Reset(settle)
			}
		case err := <-watcher.Errors:
			slog.Error("couldn't watch files", "error", err)
		case <-hup:
			began := time.Now()
			_ = v.reload() // it has logged why
			again(began)
		case <-quiet.C:
			began := time.Now()
			_ = v.reload() // likewise
			again(began)
		}
	}
}

// A loader reads the configuration again.
type loader interface {
	load() (*config.Config, *config.Source, config.Problems)
	// drafted reads what may come to stand in the file, with all that is wrong with it.
	drafted(text []byte) (*config.Config, *config.Source, config.Problems)
}

func (v *service) setLoader(l loader) {
	v.reloading.Lock()
	defer v.reloading.Unlock()
	v.loader = l
}

// files are what a change of which reloads. Folders are watched, so that files may be replaced as a whole.
func (v *service) files() []string {
	list := append(v.gateway.Files(), v.origin)
	for _, a := range v.config.APIs {
		list = append(append(list, a.Spec), a.Overlays...)
		if a.Inspect.Rules != "" {
			entries, _ := os.ReadDir(a.Inspect.Rules) // one that is gone is told by the reload
			for _, e := range entries {
				list = append(list, filepath.Join(a.Inspect.Rules, e.Name()))
			}
		}
	}
	for _, id := range v.config.Identity {
		if id.JWT != nil {
			if path, ok := strings.CutPrefix(id.JWT.JWKS, "file:"); ok {
				list = append(list, path)
			}
		}
	}
	list = append(append(list, v.config.TLSFiles()...), v.config.Abuse.Files()...)
	return slices.DeleteFunc(list, func(f string) bool { return f == "" })
}

func (v *service) watch(w *fsnotify.Watcher) {
	v.reloading.Lock()
	defer v.reloading.Unlock()
	for _, f := range v.files() {
		if err := w.Add(filepath.Dir(f)); err != nil {
			slog.Error("couldn't watch", "folder", filepath.Dir(f), "error", err)
		}
	}
}

// changedSince reports whether a file was written after it was read, but before its folder was watched. Clocks of file
// systems are coarse: a reload too many does no harm.
func (v *service) changedSince(read time.Time) bool {
	v.reloading.Lock()
	defer v.reloading.Unlock()
	return slices.ContainsFunc(v.files(), func(f string) bool {
		info, err := os.Stat(f)
		return err == nil && info.ModTime().After(read.Add(-20*time.Millisecond))
	})
}

// concerns reports whether a changed file may be part of the configuration: one of its files, a neighbour of a spec
// that it may refer to, a new rule file, or the link that Kubernetes swaps.
func (v *service) concerns(name string) bool {
	v.reloading.Lock()
	defer v.reloading.Unlock()
	base := filepath.Base(name)
	switch {
	case base == "..data":
		return true
	case filepath.Clean(name) == filepath.Clean(v.config.Log.Access), v.sinkFile(name): // written by ourselves
		return false
	}
	for _, f := range v.files() {
		if filepath.Clean(f) == filepath.Clean(name) {
			return true
		}
	}
	return slices.Contains([]string{".yaml", ".yml", ".json", ".conf"}, filepath.Ext(base))
}

// reload reads everything again and takes it into use, all or nothing: the configuration, and the certificates of each
// listener. One does not wait for the other, so that a mistake in a spec lets no certificate expire.
func (v *service) reload() error {
	v.reloading.Lock()
	defer v.reloading.Unlock()
	if v.loader == nil {
		return errors.New("this gateway was started without files to reload")
	}
	v.notifier.reloading()
	defer v.notifier.tell("READY=1")
	renewed := v.renew()
	cfg, src, problems := v.loader.load()
	if cfg != nil {
		var snapshot *gateway.Snapshot
		snapshot, problems = gateway.Build(cfg, src, v.parts)
		if wrong := unheard(cfg.Alerts, src); wrong.Failed() {
			snapshot, problems = nil, append(problems, wrong...)
		}
		if snapshot != nil {
			sinks, err := v.prepareSinks(cfg)
			if err == nil {
				return v.take(cfg, src, snapshot, sinks, renewed)
			}
			problems = append(problems, src.Problem("events.sinks", "events.sink", err.Error(), ""))
		}
	}
	v.noted(false)
	for _, p := range problems {
		if p.Severity == config.Error {
			slog.Error("the new configuration is not used", "problem", p.String())
		}
	}
	v.early.hear(refusedConfig(src, problems))
	return problems
}

// take takes a configuration into use of which nothing can fail any more but to write down that it is; renewed is what became of the
// certificates.
func (v *service) take(cfg *config.Config, src *config.Source, snapshot *gateway.Snapshot, sinks *spool.Change, renewed error) error {
	if err := v.applied(cfg, src, snapshot, sinks); err != nil {
		v.noted(false)
		slog.Error("the new configuration is not used", "error", err)
		return err
	}
	v.adopt(cfg, snapshot)
	v.noted(renewed == nil)
	return renewed
}

// refusedConfig tells of a configuration that is not used, with its first mistake.
func refusedConfig(src *config.Source, problems config.Problems) *exchange.Event {
	e := exchange.NewEvent(exchange.ConfigRefused, "a configuration is not used")
	e.Object = src.File
	for _, p := range problems {
		if p.Severity == config.Error {
			e.Detail = p.String()
			break
		}
	}
	return e
}

func (v *service) adopt(cfg *config.Config, snapshot *gateway.Snapshot) {
	if !reflect.DeepEqual(cfg.Listen, v.config.Listen) || !reflect.DeepEqual(cfg.Admin, v.config.Admin) || cfg.Store != v.config.Store || cfg.Log != v.config.Log || !reflect.DeepEqual(cfg.Audit, v.config.Audit) {
		slog.Warn("changes of listen, admin, store, log and audit need another process: SIGUSR2 starts it and drops nothing")
	}
	v.swap(cfg, snapshot)
	v.config = cfg
	if err := v.alerts.apply(cfg.Alerts); err != nil { // they were verified
		slog.Error("the alerts are those of before", "error", err)
	}
	slog.Info("the configuration was reloaded")
}

// renew reads the certificates of the listeners again. What cannot be used leaves the old ones in use.
func (v *service) renew() error {
	var errs []error
	for _, l := range v.sockets() {
		if err := l.server.Reload(); err != nil {
			slog.Error("the certificates are not renewed", "error", err)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// noted tells probes and metrics how a reload ended.
func (v *service) noted(ok bool) {
	v.metrics.Reloaded(ok)
	v.stale.Store(!ok)
}
