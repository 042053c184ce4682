package gateway

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/testkit/differential"
)

// Corpora of others, where they are there: gadgets of smuggling, the tests of Node's parser, JSON that parsers differ on.
func TestDifferentialShared(t *testing.T) {
	corpora := map[string][]differential.Message{
		"smuggling/te-gadgets.jsonl.gz": nil, "llhttp/llhttp-test-md.tar.gz": nil, "json-parsing/test_parsing.tar.gz": nil,
	}
	read := map[string]func(*gzip.Reader) ([]differential.Message, error){
		"smuggling/te-gadgets.jsonl.gz": gadgets, "llhttp/llhttp-test-md.tar.gz": parserTests, "json-parsing/test_parsing.tar.gz": documents,
	}
	for name := range corpora {
		file, err := os.Open(filepath.Join(sharedData(), name))
		if err != nil {
			t.Skipf("shared data is absent: %v", err)
		}
		defer file.Close()
		z, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		if corpora[name], err = read[name](z); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d messages", name, len(corpora[name]))
	}
	eachUpstream(t, func(t *testing.T, j *judged) {
		for _, list := range corpora {
			for _, m := range list {
				if _, records := j.send(t, m.Name, m.Wire, m.Cut); strings.Contains(m.Name, "gadget") && sent(records) > 1 {
					t.Errorf("%s: %d requests", m.Name, sent(records))
				}
			}
		}
	})
}

func sharedData() string {
	root := os.Getenv("SALLYPORT_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	if abs, err := filepath.Abs(root); err == nil { // before a test changes its folder
		root = abs
	}
	return filepath.Join(root, "data")
}

// gadgets are lines of Transfer-Encoding, each put beside a Content-Length in the two ways of an attack.
func gadgets(z *gzip.Reader) (list []differential.Message, err error) {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	for lines := bufio.NewScanner(z); lines.Scan(); {
		var g struct {
			ID     string `json:"id"`
			Gadget []byte `json:"gadget_b64"`
		}
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			return nil, err
		}
		for way, body := range map[string]string{"cl.te": "0\r\n\r\n" + smuggled, "te.cl": fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled)} {
			wire := fmt.Sprintf("POST /judged HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n%s\r\nContent-Length: %d\r\n\r\n%s", g.Gadget, len(body), body)
			list = append(list, differential.Message{Name: "gadget " + g.ID + " " + way, Wire: []byte(wire)})
		}
	}
	return list, nil
}

// parserTests are the blocks of "```http" in which llhttp writes its messages, with escapes; each line ends with CRLF.
func parserTests(z *gzip.Reader) (list []differential.Message, err error) {
	err = files(z, func(name string, text []byte) {
		if !strings.Contains(name, "request") {
			return
		}
		for i, block := range strings.Split(string(text), "```http\n")[1:] {
			block, _, _ = strings.Cut(block, "\n```")
			wire := strings.NewReplacer("\\\n", "", `\r`, "\r", `\n`, "\n", `\t`, "\t", `\f`, "\f", `\x00`, "\x00", "\n", "\r\n").Replace(block)
			list = append(list, differential.Message{Name: fmt.Sprintf("%s %d", name, i), Wire: []byte(wire + "\r\n")})
		}
	})
	return list, err
}

// documents are bodies.
func documents(z *gzip.Reader) (list []differential.Message, err error) {
	err = files(z, func(name string, text []byte) {
		if len(text) > 64<<10 {
			return
		}
		head := fmt.Sprintf("POST /judged HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(text))
		list = append(list, differential.Message{Name: name, Wire: append([]byte(head), text...)})
	})
	return list, err
}

func files(z *gzip.Reader, do func(name string, text []byte)) error {
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if _, err := io.Copy(&b, r); err != nil { //nolint:gosec // a file of tests
			return err
		}
		if h.Typeflag == tar.TypeReg {
			do(h.Name, b.Bytes())
		}
	}
}
