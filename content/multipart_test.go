package content_test

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/textproto"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

var boundaryX = content.Media{Type: "multipart/form-data", Boundary: "X"}

// lines joins lines with CRLF, which is what multipart knows as line break.
func lines(lines ...string) string { return strings.Join(lines, "\r\n") }

// onePart is a body of one part with these header lines.
func onePart(header ...string) string {
	return lines("--X", strings.Join(header, "\r\n"), "", "v", "--X--", "")
}

const field = `Content-Disposition: form-data; name="a"`

func TestMultipart(t *testing.T) {
	raw := lines("--X", field, "", "1\r\n2", "--X", `content-disposition: form-data; name=f; filename="a b.png"`, "Content-Type: image/PNG", "Content-Length: 3", "", "\x00\xff-", "--X",
		`Content-Disposition: form-data; name="f"; filename=""`, "Content-Type: application/octet-stream", "", "", "--X",
		`Content-Disposition: form-data; name="meta"`, "Content-Type: application/json;charset=utf-8", "Content-Transfer-Encoding: 8Bit", "", `{"k":1}`, "--X--", "")
	n, err := content.Parse([]byte(raw), boundaryX, content.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (map[string]any{"a": "1\r\n2", "f": []any{"\x00\xff-", ""}, "meta": `{"k":1}`}); !reflect.DeepEqual(values(n), any(want)) {
		t.Errorf("%v", values(n))
	}
	files := n.Get("f").Children
	if files[0].Kind != content.File || *files[0].File != (content.FileInfo{Filename: "a b.png", ContentType: "image/png"}) {
		t.Errorf("file: %+v", files[0])
	}
	if *files[1].File != (content.FileInfo{ContentType: "application/octet-stream"}) {
		t.Errorf("file that was not chosen: %+v", files[1])
	}
	if meta := n.Get("meta"); meta.Kind != content.String || meta.File.ContentType != "application/json" || raw[meta.Start:meta.End] != `{"k":1}` {
		t.Errorf("meta: %+v", meta)
	}
	if a := n.Get("a"); a.File != nil || raw[a.Start:a.End] != a.Text || a.NameStart != 0 {
		t.Errorf("a: %+v", a)
	}
}

// TestMultipartWriter reads what the standard library writes.
func TestMultipartWriter(t *testing.T) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	if err := w.WriteField("title", "Grüße"); err != nil {
		t.Fatal(err)
	}
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="x.tar.gz"`}, "Content-Type": {"application/gzip"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte("\r\n--\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := content.ParseMedia([]string{w.FormDataContentType()})
	if err != nil {
		t.Fatal(err)
	}
	n, err := content.Parse(out.Bytes(), m, content.Limits{})
	if err != nil || !reflect.DeepEqual(values(n), any(map[string]any{"title": "Grüße", "file": "\r\n--\r\n"})) {
		t.Errorf("%v, %v", n, err)
	}
}

func TestMultipartFraming(t *testing.T) {
	body := lines(field, "", "v")
	for raw, accepted := range map[string]bool{
		lines("--X", body, "--X--", ""): true, lines("--X", body, "--X--"): true, "--X--\r\n": true, "--X--": true,
		"": true, "--X": false, "--X\r\n": false, "X": false, "--Y--": false,
		lines("", "--X", body, "--X--", ""): false, lines("preamble", "--X", body, "--X--", ""): false,
		lines("--X", body, "--X--", "epilogue"): false, lines("--X", body, "--X--", "", ""): false, lines("--X", body, "--X--", "--X", body, "--X--"): false,
		lines("--X ", body, "--X--", ""): false, lines("--X", body, "--X-- ", ""): false, lines("--X", body, "--X\t", body, "--X--"): false,
		lines("--X", body): false, lines("--X", body, "--X"): false, lines("--X", body, "--X-"): false, lines("--X", body, "--X", ""): false,
		strings.ReplaceAll(lines("--X", body, "--X--", ""), "\r\n", "\n"): false,
		lines("--X", field, "", "v\n--X--", ""):                           false, lines("--X", field, "", "v--X--", ""): false, lines("--X", field, "", "v", "--XY", "w", "--X--"): false,
		lines("--X", field, "", "v\n--X\r\n"+`Content-Disposition: form-data; name="b"`, "", "w", "--X--"): false,
		lines("--X", field, "--X--", ""): false, lines("--X", "", "v", "--X--"): false, lines("--X", field, "", "--X--"): false,
		lines("--X", field, "", "", "--X--"): true,
	} {
		n, err := content.Parse([]byte(raw), boundaryX, content.Limits{})
		if (err == nil) != accepted {
			t.Errorf("%q: %v, %v", raw, n, err)
		}
	}
}

func TestMultipartHeader(t *testing.T) {
	for _, c := range []struct {
		header   string
		accepted bool
	}{
		{field, true}, {field + ";", false}, {field + "; filename=x.txt", true}, {`Content-Disposition:form-data;name="a"`, true},
		{lines(field, field), false}, {lines(field, "content-disposition: form-data; name=b"), false}, {lines(field, "Content-Type: text/plain", "content-type: text/html"), false},
		{"Content-Type: text/plain", false}, {`Content-Disposition: attachment; name="a"`, false}, {"Content-Disposition: form-data", false},
		{`Content-Disposition: form-data; name=""`, false}, {`Content-Disposition: form-data; name="a"; name="b"`, false}, {`Content-Disposition: form-data; name="a`, false},
		{`Content-Disposition: form-data; name*=utf-8''a`, false}, {`Content-Disposition: form-data; name="a"; foo=bar`, false}, {`Content-Disposition: form-data, name="a"`, false},
		{`Content-Disposition: form-data; name="a\"b"`, false}, {`Content-Disposition: form-data; name="a%22b"`, true}, {"Content-Disposition: form-data; name=\"a\x00\"", false},
		{"Content-Disposition: form-data; name=\"ü\"", true}, {"Content-Disposition: form-data; name=\"\xff\"", false}, {`Content-Disposition: form-data; name="_charset_"`, false},
		{`Content-Disposition: form-data; name="_ChArSeT_"`, false}, {`Content-Disposition: form-data; name="` + strings.Repeat("n", 1025) + `"`, false},
		{lines(`Content-Disposition: form-data;`, ` name="a"`), false}, {`Content-Disposition : form-data; name="a"`, false}, {` Content-Disposition: form-data; name="a"`, false},
		{field + "\r; filename=x", false}, {field + "\n; filename=x", false}, {field + "\nX: y", false}, {field + "\r", false}, {"\n" + field, false},
		{lines(field, "Content-Type: text/plain; charset=utf-8"), true}, {lines(field, "Content-Type: text/plain; charset=utf-7"), false}, {lines(field, "Content-Type: text/plain; charset=ibm037"), false},
		{lines(field, "Content-Type: multipart/mixed; boundary=Y"), false}, {lines(field, "Content-Type: "), false}, {lines(field, "Content-Type: text"), false},
		{lines(field, "Content-Transfer-Encoding: binary"), true}, {lines(field, "Content-Transfer-Encoding: base64"), false}, {lines(field, "Content-Transfer-Encoding: quoted-printable"), false},
		{lines(field, "Content-Transfer-Encoding: 7bit, base64"), false}, {lines(field, "Content-Encoding: gzip"), false}, {lines(field, "X-Y: z"), false}, {lines(field, "no colon"), false},
		{lines(field, `Content-Type: text/plain; x="-X"`), true}, {lines(field, `Content-Type: text/plain; x="--X"`), false},
		{lines(field, "Content-Length: 1"), true}, {lines(field, "Content-Length: 2"), false}, {lines(field, "Content-Length: +1"), false}, {lines(field, "Content-Length: "), false},
		{lines(field, "Content-Type: text/plain; x=\""+strings.Repeat("x", 9000)+"\""), false},
	} {
		n, err := content.Parse([]byte(onePart(c.header)), boundaryX, content.Limits{})
		if (err == nil) != c.accepted {
			t.Errorf("%.80q: %v, %v", c.header, n, err)
		}
	}
}

func TestFilenames(t *testing.T) {
	for parameter, accepted := range map[string]bool{
		`filename="a.php"`: true, `filename=a.php`: true, `filename=""`: true, `filename="Dr. Smith (2).tar.gz"`: true, `filename="Grüße 写真.png"`: true, `filename=".htaccess"`: true, `filename="100%.txt"`: true,
		`filename="a.php .jpg"`: false, `filename="a.php. .jpg"`: false, "filename=\"a.php\u00a0.jpg\"": false, "filename=\"a.php\u2003.jpg\"": false, "filename=\"a.php\t.jpg\"": false,
		`filename="a.php "`: false, `filename=" a.php"`: false, `filename="a.php."`: false, `filename="a.php.."`: false, `filename=".."`: false, `filename="."`: false, `filename=" "`: false,
		`filename="/etc/passwd"`: false, `filename="../a"`: false, `filename="..\a"`: false, `filename="C:\a"`: false, `filename="a\"b"`: false, `filename="a%2fb"`: false, `filename="a%5Cb"`: false,
		`filename="a.php%00.jpg"`: false, "filename=\"a.php\x00.jpg\"": false, "filename=\"a\x01\"": false, "filename=\"a\u0085\"": false, `filename="a.php::$DATA"`: false, `filename="a%0d%0ab"`: false,
		"filename=\"a\uff0fb\"": false, "filename=\"a\uff0ephp\"": false,
		`filename=a.jpg; filename*=utf-8''a.jpg`: true, `filename="a b.jpg"; filename*=UTF-8''a%20b.jpg`: true, `filename*=utf-8''a.jpg; filename=a.jpg`: true,
		`filename=a.jpg; filename*=utf-8''a%2Ejpg%00`: false, `filename=a.jpg; filename*=iso-8859-1''a.jpg`: false, `filename=a.jpg; filename*=utf-8'en'a.jpg`: false, `filename=a.jpg; filename*=utf-8''%6`: false,
		`filename=a.jpg; filename*=utf-8''a.jpg; filename*=utf-8''a.jpg`: false, `filename=""; filename*=utf-8''a.jpg`: false,
		`filename*=utf-8''a.php`: false, `filename="a.jpg"; filename*=utf-8''a.php`: false, `filename="a.jpg"; filename="a.php"`: false, `filename="a.jpg"; FileName=a.php`: false, `filename*0=a; filename*1=b`: false,
		`filename="a.jpg`: false, `filename=`: false, `filename=a b`: false, `filename="a"b`: false, `filename="` + strings.Repeat("f", 1025) + `"`: false,
	} {
		_, err := content.Parse([]byte(onePart(field+"; "+parameter)), boundaryX, content.Limits{})
		if (err == nil) != accepted {
			t.Errorf("%.60s: %v", parameter, err)
		}
	}
}

func TestMultipartNames(t *testing.T) {
	part := func(name, more, value string) string {
		return lines("--X", `Content-Disposition: form-data; name="`+name+`"`+more, "", value, "")
	}
	file := `; filename="f"`
	for _, c := range []struct {
		raw  string
		code content.Code
	}{
		{part("a", "", "1") + part("b", "", "2"), 0},
		{part("a", file, "1") + part("a", file, "\xff"), 0},
		{part("a", "", "1") + part("a", "", "2"), content.Ambiguous},
		{part("a", file, "1") + part("a", "", "2"), content.Ambiguous},
		{part("a", "", "1") + part("A", "", "2"), content.Ambiguous},
		{part("a", file, "1") + part("A", file, "2"), content.Ambiguous},
		{part("a", "", "\xff"), content.Ambiguous},
		{strings.Repeat(part("a", file, "1"), 100), 0},
		{strings.Repeat(part("a", file, "1"), 101), content.TooComplex},
	} {
		_, err := content.Parse([]byte(c.raw+"--X--\r\n"), boundaryX, content.Limits{})
		var e *content.Error
		if errors.As(err, &e) != (c.code != 0) || e != nil && e.Code != c.code {
			t.Errorf("%.80q: %v, want code %d", c.raw, err, c.code)
		}
	}
}
