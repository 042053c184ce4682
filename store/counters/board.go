package counters

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

//go:embed post.lua
var post string

//go:embed read.lua
var read string

var postScript, readScript = rueidis.NewLuaScript(post), rueidis.NewLuaScript(read)

// MaxNotes is how many notes one call may have, and MaxKept how many the server keeps: a note beyond is not taken.
const (
	MaxNotes = 200
	MaxKept  = 100_000
)

// A Note says something that holds for all processes.
type Note struct {
	Name  string
	Rank  int64         // of two notes of one name the one of the higher rank holds; not negative, below 2^53
	Left  time.Duration // for how long it is kept
	Value []byte
}

// A Place is how far a process has read. The zero Place is the beginning.
type Place struct {
	Life  string // of the server: another one knows nothing of what was written in this one
	write int64
}

// A Board has notes of processes with one key for each other, in the server of a [Client]. The server learns neither names nor values
// (names are HMACs, values are sealed by AES-GCM), and whoever can write there without the key can take notes away, but add none.
// It is safe for concurrent use.
type Board struct {
	c    *Client
	name []byte
	aead cipher.AEAD
	most int64
}

// Board returns that of those who have the key.
func (c *Client) Board(key []byte) (*Board, error) {
	both, err := hkdf.Key(sha256.New, key, nil, "sallyport board", 64)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(both[32:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &Board{c, both[:32], aead, MaxKept}, err
}

// keys of the board; the braces of the prefix keep them in one slot.
func (b *Board) keys() []string {
	p := b.c.prefix
	return []string{p + "board", p + "board:order", p + "board:ends", p + "board:head"}
}

// Post writes notes down, at most [MaxNotes]. After an error nobody knows whether they were; to write one again changes nothing.
func (b *Board) Post(ctx context.Context, notes []Note) error {
	client, _, err := b.c.connect(time.Now())
	if err != nil {
		return err
	}
	args := make([]string, 1, 1+4*len(notes))
	args[0] = number(b.most)
	for _, n := range notes {
		name, rank := b.named(n.Name), number(n.Rank)
		args = append(args, name, rank, number(n.Left.Milliseconds()), b.seal(name, rank, n.Value))
	}
	return postScript.Exec(ctx, client, b.keys(), args).Error()
}

// Read returns what was written since a place, at most [MaxNotes], and the place to go on from. Where its life is another one than at
// was, the server has lost everything: notes are from the beginning, and who knows some is to write them again. Notes that the
// key has not sealed are left out. Of a note, Name is not told, and Left is not known.
func (b *Board) Read(ctx context.Context, at Place) (notes []Note, next Place, err error) {
	client, _, err := b.c.connect(time.Now())
	if err != nil {
		return nil, at, err
	}
	answer, err := b.ask(ctx, client, at.write)
	if err == nil && at.write > 0 && answer[0] != at.Life {
		answer, err = b.ask(ctx, client, 0)
	}
	if err != nil {
		return nil, at, err
	}
	next = Place{Life: answer[0], write: at.write}
	if next.Life != at.Life {
		next.write = 0
	}
	for list := answer[1:]; len(list) >= 3; list = list[3:] {
		if next.write, err = strconv.ParseInt(list[0], 10, 64); err != nil {
			return nil, at, fmt.Errorf("the server answers with %q for a number", list[0])
		}
		if rank, sealed, ok := strings.Cut(list[2], " "); ok {
			if n, err := b.open(list[1], rank, sealed); err == nil {
				notes = append(notes, n)
			}
		}
	}
	return notes, next, nil
}

func (b *Board) ask(ctx context.Context, client rueidis.Client, from int64) ([]string, error) {
	answer, err := readScript.Exec(ctx, client, b.keys(), []string{number(from), rand.Text(), number(MaxNotes)}).AsStrSlice()
	if err == nil && len(answer)%3 != 1 {
		err = fmt.Errorf("the server answers with %d texts", len(answer))
	}
	return answer, err
}

func (b *Board) named(name string) string {
	h := hmac.New(sha256.New, b.name)
	h.Write([]byte(name))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

func (b *Board) seal(name, rank string, value []byte) string {
	nonce := make([]byte, b.aead.NonceSize())
	rand.Read(nonce) // never fails
	return string(b.aead.Seal(nonce, nonce, value, []byte(name+" "+rank)))
}

var errSealed = errors.New("it was not sealed with this key")

func (b *Board) open(name, rank, sealed string) (n Note, err error) {
	if n.Rank, err = strconv.ParseInt(rank, 10, 64); err != nil || len(sealed) < b.aead.NonceSize() {
		return n, errSealed
	}
	nonce, text := sealed[:b.aead.NonceSize()], sealed[b.aead.NonceSize():]
	n.Value, err = b.aead.Open(nil, []byte(nonce), []byte(text), []byte(name+" "+rank))
	return n, err
}
