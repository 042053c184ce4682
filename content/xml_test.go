package content_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/content"
)

var xmlType = content.Media{Type: "application/xml"}

func TestXML(t *testing.T) {
	type object = map[string]any
	type list = []any
	for raw, want := range map[string]any{
		"<a/>":                          "",
		"<a></a>":                       "",
		"<a >x</a >":                    "x",
		"<a> x\n</a>":                   " x\n",
		"<a> </a>":                      " ",
		"<a>\r\n</a>":                   "\n",
		"\n<a>1</a>\n":                  "1",
		`<?xml version="1.0"?><a>1</a>`: "1",
		`<?xml version='1.0' encoding='UTF-8' standalone="yes" ?> <!-- c --> <a>1</a><!---->`: "1",
		"<a>&lt;&gt;&amp;&apos;&quot;&#65;&#x1F600;</a>":                                      "<>&'\"A😀",
		"<a><![CDATA[<b>&amp;]]]]></a>":                                                       "<b>&amp;]]",
		"<a><![CDATA[]]></a>":                                                                 "",
		"<a>x<!-- c --></a>":                                                                  "x",
		"<a>></a>":                                                                            ">",
		"<a><b>1</b><c>2</c></a>":                                                             object{"b": "1", "c": "2"},
		"<a>\n <b>1</b>\n <!-- c -->\n <b>2</b>\n <c/>\n</a>":                                 object{"b": list{"1", "2"}, "c": ""},
		"<a><b>1</b><c/><b><d/></b></a>":                                                      object{"b": list{"1", object{"d": ""}}, "c": ""},
		`<a b="1" c='2"'/>`:                                                                   object{"@b": "1", "@c": `2"`},
		`<a b="1">x</a>`:                                                                      object{"@b": "1", "#text": "x"},
		"<a>x<b/>y</a>":                                                                       object{"b": "", "#text": list{"x", "y"}},
		"<a b=\"1\t2\r\n3&#10;4\"/>":                                                          object{"@b": "1 2 3\n4"},
		`<p:a xmlns:p="urn:p" xmlns="urn:d"><p:b p:c="1">x</p:b><d xml:lang="de"/></p:a>`: object{"b": object{"@c": "1", "#text": "x"}, "d": object{"@lang": "de"}},
		"<größe ä='ü'>é</größe>": object{"@ä": "ü", "#text": "é"},
	} {
		n, err := content.Parse([]byte(raw), xmlType, content.Limits{})
		if err != nil || !reflect.DeepEqual(values(n), want) {
			t.Errorf("%s: %v, %v", raw, n, err)
		}
	}
	n, err := content.Parse([]byte("<p:Pet xmlns:p='u'><id>7</id></p:Pet>"), xmlType, content.Limits{})
	if err != nil || n.Name != "Pet" || n.Get("id").Text != "7" {
		t.Errorf("root: %+v, %v", n, err)
	}
}

func TestXMLRefused(t *testing.T) {
	for _, raw := range []string{
		" ", "x", "<", "<a", "<a>", "<a/", "<a></b>", "<a></a", "</a>", "<a/><b/>", "<a/>x", "x<a/>", "<a><b></a></b>", "<1/>", "<-a/>", "<a:/>", "<:a/>", "<a:b:c/>", "<a b/>", "<a b=1/>", `<a b="1/>`, `<a b="<"/>`, `<a b="1"c="2"/>`, `<a b="&"/>`,
		"\ufeff<a/>", "\xff\xfe<\x00a\x00/\x00>\x00", "<a>\xff</a>", "<a>\x00</a>", "<a>\x01</a>", "<a>\ufffe</a>", "<a>&#0;</a>", "<a>&#1;</a>", "<a>&#xd800;</a>", "<a>&#x110000;</a>", "<a>&#+65;</a>", "<a>&#;</a>", "<a>&#x;</a>", "<a>&#xg;</a>", "<a>&</a>", "<a>&amp</a>", "<a>&#00000000000065;</a>",
		`<!DOCTYPE a><a/>`, `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, `<!DOCTYPE a [<!ENTITY % x SYSTEM "http://evil/">%x;]><a/>`, `<?xml version="1.0"?><!DOCTYPE a><a/>`, "<a><!DOCTYPE a></a>", "<!doctype a><a/>", "<!ENTITY x 'y'><a/>", "<a>&x;</a>", "<a>&nbsp;</a>",
		`<?xml-stylesheet href="x"?><a/>`, "<a><?php x ?></a>", "<a/><?x?>", ` <?xml version="1.0"?><a/>`, `<a/><?xml version="1.0"?>`, "<?xml?><a/>",
		`<?xml version="1.1"?><a/>`, `<?xml version="1.0" encoding="UTF-16"?><a/>`, `<?xml version="1.0" encoding="utf-7"?><a/>`, `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, `<?xml encoding="utf-8" version="1.0"?><a/>`, `<?xml version="1.0" version="1.0"?><a/>`, `<?xml version="1.0"encoding="utf-8"?><a/>`, `<?xml version=1.0?><a/>`, `<?xml version="1.0" x="y"?><a/>`, `<?xml version="1.0" standalone="maybe"?><a/>`, `<?xml version="1.0"`,
		"<a>x]]>y</a>", "<a><![CDATA[x</a>", "<a><![cdata[x]]></a>", "<a><!-- x -- y --></a>", "<a><!-- x ---></a>", "<a><!-- x</a>", "<a><!x></a>",
		"<a>user@corp<!-- -->.evil</a>", "<a>x<![CDATA[y]]></a>", "<a><![CDATA[x]]><![CDATA[y]]></a>", "<a b='1'>x<!-- -->y</a>", "<a>x<!-- -->y<b/></a>", "<a><b/>x<!-- -->y</a>",
		`<a b="1" b="2"/>`, `<a b="1" B="2"/>`, `<a xmlns:p="u" b="1" p:b="2"/>`, "<a><b/><B/></a>", `<a xmlns:p="u"><b/><p:b/></a>`, `<a><b/><p:b xmlns:p="u"/></a>`,
		"<p:a/>", `<a p:b="1"/>`, `<a><b xmlns:p="u"/><p:c/></a>`, `<a xmlns:p="u" xmlns:p="v"/>`, `<a xmlns="u" xmlns="v"/>`, `<a xmlns:xml="u"/>`, `<a xmlns:xmlns="u"/>`, `<a xmlns:p=""/>`,
		strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65), "<" + strings.Repeat("n", 1025) + "/>", "<a>" + strings.Repeat("<b/>", 100_000) + "</a>",
		"<a " + strings.Repeat("xmlns:p='u' ", 70) + "/>",
	} {
		n, err := content.Parse([]byte(raw), xmlType, content.Limits{})
		var e *content.Error
		if !errors.As(err, &e) {
			t.Errorf("%.60q: %v, %v", raw, n, err)
		}
	}
}

// FuzzNamespaces holds the namespaces of elements and attributes against another reader's.
func FuzzNamespaces(f *testing.F) {
	for _, s := range []string{
		`<a xmlns="u"><b/><c xmlns=""/><p:d xmlns:p="v" p:x="1" y="2" xml:lang="en"/></a>`, `<p:a p:b="1" xmlns:p="u"><p:c xmlns:p="w"><p:d/></p:c><p:c/></p:a>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := content.Parse(data, content.Media{Type: "text/xml"}, content.Limits{})
		if err != nil || n == nil {
			return
		}
		var got []string
		named := map[uint32]string{}
		var walk func(n *content.Node, name string)
		walk = func(n *content.Node, name string) {
			if n.Kind != content.Array && name != "#text" {
				named[n.NameStart] = n.Namespace() + " " + strings.TrimPrefix(name, "@")
			}
			for i := range n.Children {
				if n.Kind == content.Array {
					walk(&n.Children[i], name)
				} else {
					walk(&n.Children[i], n.Children[i].Name)
				}
			}
		}
		walk(n, n.Name)
		for _, at := range slices.Sorted(maps.Keys(named)) {
			got = append(got, named[at])
		}
		var want []string
		for d := xml.NewDecoder(bytes.NewReader(data)); ; {
			token, err := d.Token()
			if err != nil {
				break
			}
			start, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			want = append(want, start.Name.Space+" "+start.Name.Local)
			for _, a := range start.Attr {
				if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
					want = append(want, a.Name.Space+" "+a.Name.Local)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %q, and to encoding/xml %q", data, got, want)
		}
	})
}
