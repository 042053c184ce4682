package listen

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// errorLog turns the lines of http.Server into records. What strangers can provoke at will (failed handshakes,
// malformed HTTP/2) is debug, so that it cannot fill the log; the rest (panics, failing Accept) is a warning.
func errorLog(l *slog.Logger) *log.Logger {
	return log.New(slogWriter{logger(l)}, "", 0)
}

// logger is l, or one that discards.
func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

type slogWriter struct{ log *slog.Logger }

func (w slogWriter) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(line, []byte("panic")) || bytes.Contains(line, []byte("Accept error")) {
		level = slog.LevelWarn
	}
	w.log.Log(context.Background(), level, "http server", "message", string(bytes.TrimSpace(line)))
	return len(line), nil
}
