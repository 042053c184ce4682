package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/listen"
)

// program is what to start as the successor: the path that this process was started by, which may be another binary
// meanwhile. It is looked up at once, because it may be relative to a PATH or folder that changes.
func program() string {
	path, err := exec.LookPath(os.Args[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return os.Args[0]
	}
	return path
}

// upgrade starts program with the arguments of this process, hands it every listening socket, and returns when it serves.
// Until then this process serves on; when the other one fails, takes longer than patience, or ctx ends, it is ended and
// nothing has happened. Connections that wait to be accepted are in the sockets, which both hold, and so are lost in neither
// case.
func (v *service) upgrade(ctx context.Context, program string, patience time.Duration) error {
	successor := exec.Command(program, os.Args[1:]...)
	successor.Stdin, successor.Stdout, successor.Stderr = os.Stdin, os.Stdout, os.Stderr
	defer func() {
		for _, f := range successor.ExtraFiles {
			f.Close()
		}
	}()
	for _, l := range v.sockets() {
		f, err := l.server.Handle()
		if err != nil {
			return fmt.Errorf("couldn't hand over %s: %w", l.url, err)
		}
		successor.ExtraFiles = append(successor.ExtraFiles, f)
	}
	successor.Env = append(os.Environ(), "LISTEN_FDS="+strconv.Itoa(len(successor.ExtraFiles)), listen.Predecessor+"="+strconv.Itoa(os.Getpid()))
	heard, word, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("couldn't make a pipe: %w", err)
	}
	defer heard.Close()
	successor.ExtraFiles = append(successor.ExtraFiles, word)
	if err := successor.Start(); err != nil {
		return fmt.Errorf("couldn't start the successor: %w", err)
	}
	word.Close() // the other process has it: its end is the end of the pipe
	slog.Info("a successor was started", "pid", successor.Process.Pid, "program", program)
	if err := awaitWord(ctx, heard, patience); err != nil {
		_ = successor.Process.Kill() // it may have ended by itself
		return errors.Join(err, successor.Wait())
	}
	slog.Info("the successor serves", "pid", successor.Process.Pid)
	v.notifier.tell("MAINPID=" + strconv.Itoa(successor.Process.Pid))
	return nil
}

// awaitWord returns nil when the successor has said that it is ready.
func awaitWord(ctx context.Context, heard *os.File, patience time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("the successor was not ready within %s", patience))
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = heard.SetReadDeadline(time.Now()) })()
	_, err := io.ReadFull(heard, make([]byte, 1))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return errors.New("the successor ended before it was ready")
}

// succeed waits until this process, which replaces another one, is ready to judge every request, or the other one is gone.
// accept follows, and then the word to the predecessor that it may go.
func (v *service) succeed(ctx context.Context) error {
	for predecessor := v.inherited.From(); v.ready() != nil && os.Getppid() == predecessor; {
		select {
		case <-ctx.Done():
			return errStopped
		case <-time.After(20 * time.Millisecond):
		}
	}
	v.acceptInherited()
	if v.inherited.From() == 0 {
		return nil
	}
	word := os.NewFile(v.inherited.Next(), "predecessor")
	defer word.Close()
	if _, err := word.Write([]byte{1}); err != nil {
		slog.Warn("the predecessor does not hear that it is replaced", "error", err)
	}
	return nil
}
