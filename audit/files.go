package audit

import (
	"os"
	"path/filepath"
	"sync"
)

// files writes new files of a folder and makes them durable, several at once: what takes time is to wait for the disk.
type files struct {
	root string
	made map[string]bool // folders that exist, durably after the next sync
	dirs map[string]bool // folders that have got new names since the last sync
	turn chan struct{}
	all  sync.WaitGroup
	mu   sync.Mutex
	err  error
}

const writers = 16

func newFiles(root string) *files {
	return &files{root: root, made: map[string]bool{root: true}, dirs: map[string]bool{}, turn: make(chan struct{}, writers)}
}

// put begins to write a file, over one that an interrupted commit may have left. The data belongs to it from now on.
func (f *files) put(path string, data []byte) {
	full := filepath.Join(f.root, filepath.FromSlash(path))
	if err := f.folder(filepath.Dir(full)); err != nil {
		f.failed(err)
		return
	}
	f.turn <- struct{}{}
	f.all.Go(func() {
		defer func() { <-f.turn }()
		f.failed(writeSynced(full, data))
	})
}

// folder makes dir and remembers that it gets a new name.
func (f *files) folder(dir string) error {
	if !f.made[dir] {
		if err := f.folder(filepath.Dir(dir)); err != nil {
			return err
		}
		if err := os.Mkdir(dir, 0o750); err != nil && !os.IsExist(err) {
			return err
		}
		f.made[dir] = true
	}
	f.dirs[dir] = true
	return nil
}

func (f *files) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

// sync waits until everything that was put is durable. After an error nothing is known to be.
func (f *files) sync() error {
	f.all.Wait()
	for dir := range f.dirs {
		f.all.Go(func() { f.failed(syncDir(dir)) })
	}
	f.all.Wait()
	err := f.err
	if f.err = nil; err != nil {
		clear(f.made) // some may not be there
		f.made[f.root] = true
	}
	clear(f.dirs)
	return err
}

func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	if _, err = file.Write(data); err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
