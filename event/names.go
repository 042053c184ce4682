package event

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
)

// names are the words that come again and again, by the numbers that stand for them in the store. Number 0 is "". It is
// safe for concurrent use, also by several processes.
type names struct {
	db      *sql.DB
	mu      sync.RWMutex
	numbers map[string]int64
	words   map[int64]string
}

func newNames(db *sql.DB) *names {
	return &names{db: db, numbers: map[string]int64{"": 0}, words: map[int64]string{0: ""}}
}

// number is that of a word which [names.learn] has seen, or some process before; ok is false for one that nobody has.
func (n *names) number(ctx context.Context, word string) (number int64, ok bool, err error) {
	if number, ok = n.known(word); ok {
		return number, true, nil
	}
	if err := n.load(ctx); err != nil {
		return 0, false, err
	}
	number, ok = n.known(word)
	return number, ok, nil
}

func (n *names) known(word string) (number int64, ok bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	number, ok = n.numbers[plain(word)]
	return number, ok
}

// plain is the word as both databases can keep it: PostgreSQL takes UTF-8 alone, and no zero in it. One odd word must not
// cost the batch that it came with.
func plain(word string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(word, "\uFFFD"), "\x00", "\uFFFD")
}

// word is the word of a number; it is there before any row that uses it.
func (n *names) word(ctx context.Context, number int64) (string, error) {
	n.mu.RLock()
	word, ok := n.words[number]
	n.mu.RUnlock()
	if ok {
		return word, nil
	}
	if err := n.load(ctx); err != nil {
		return "", err
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.words[number], nil
}

func (n *names) load(ctx context.Context) error {
	rows, err := n.db.QueryContext(ctx, `SELECT n, name FROM names`)
	if err != nil {
		return fmt.Errorf("couldn't read the store: %w", err)
	}
	defer rows.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	for rows.Next() {
		var number int64
		var word string
		if err := rows.Scan(&number, &word); err != nil {
			return err
		}
		n.numbers[word], n.words[number] = number, word
	}
	return rows.Err()
}

// learn gives a number to each word that has none.
func (n *names) learn(ctx context.Context, words []string) error {
	fresh := false
	for _, w := range words {
		if _, ok := n.known(w); ok {
			continue
		}
		if _, err := n.db.ExecContext(ctx, `INSERT INTO names (name) VALUES ($1) ON CONFLICT (name) DO NOTHING`, plain(w)); err != nil {
			return fmt.Errorf("couldn't keep a name: %w", err)
		}
		fresh = true
	}
	if !fresh {
		return nil
	}
	return n.load(ctx)
}
