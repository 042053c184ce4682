package listen

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"slices"
)

// Extensions with a place of their own in the fingerprint.
const (
	serverName = 0x0000
	alpn       = 0x0010
)

// hello is what is kept of a ClientHello.
type hello struct {
	ja4    string // "" on plain listeners
	grease bool   // it offers suites or extensions that mean nothing
}

func newHello(h *tls.ClientHelloInfo, transport byte) hello {
	return hello{fingerprint(h, transport), len(sincere(h.CipherSuites)) < len(h.CipherSuites) || len(sincere(h.Extensions)) < len(h.Extensions)}
}

// fingerprint is the JA4 of a ClientHello (FoxIO's technical description of JA4, BSD 3-Clause; nothing of JA4+): what
// the client offers, whoever it is. transport is t for TCP and q for QUIC. It tells programs apart, not people, and a
// program can imitate another: a hint for limits and rules, never a credential.
//
// crypto/tls hands out everything that it needs as it came, GREASE included: suites, extensions, signature algorithms
// and protocols in the client's order. Only where supported_versions is absent, the list of versions is crypto/tls's
// own, up to the one of the hello.
func fingerprint(hello *tls.ClientHelloInfo, transport byte) string {
	suites, extensions, versions := sincere(hello.CipherSuites), sincere(hello.Extensions), sincere(hello.SupportedVersions)
	room := make([]byte, 0, 36)
	room = append(room, transport)
	room = append(room, version(versions)...)
	room = append(room, destination(extensions))
	room = fmt.Appendf(room, "%02d%02d", min(len(suites), 99), min(len(extensions), 99))
	room = appendProtocol(room, hello.SupportedProtos)
	slices.Sort(suites)
	room = appendHash(append(room, '_'), appendHex(nil, suites))
	return string(appendHash(append(room, '_'), offers(extensions, hello.SignatureSchemes)))
}

// sincere leaves out GREASE (RFC 8701), which is there to mean nothing.
func sincere(list []uint16) []uint16 {
	kept := make([]uint16, 0, len(list))
	for _, v := range list {
		if v&0x0f0f != 0x0a0a || v>>8 != v&0xff {
			kept = append(kept, v)
		}
	}
	return kept
}

// version is the highest that the client offers.
func version(offered []uint16) string {
	if len(offered) == 0 {
		return "00"
	}
	switch slices.Max(offered) {
	case tls.VersionTLS13:
		return "13"
	case tls.VersionTLS12:
		return "12"
	case tls.VersionTLS11:
		return "11"
	case tls.VersionTLS10:
		return "10"
	}
	return "00"
}

func destination(extensions []uint16) byte {
	if slices.Contains(extensions, serverName) {
		return 'd'
	}
	return 'i'
}

// appendProtocol adds the first and last character of the first protocol, or of its hexadecimal form where one of the
// two is no letter or digit.
func appendProtocol(b []byte, offered []string) []byte {
	if len(offered) == 0 || offered[0] == "" {
		return append(b, "00"...)
	}
	p := offered[0]
	if !alnum(p[0]) || !alnum(p[len(p)-1]) {
		p = hex.EncodeToString([]byte(p))
	}
	return append(b, p[0], p[len(p)-1])
}

// offers is the sorted list of extensions without those that have a place of their own, and the signature algorithms
// in the client's order.
func offers(extensions []uint16, schemes []tls.SignatureScheme) []byte {
	extensions = slices.DeleteFunc(extensions, func(e uint16) bool { return e == serverName || e == alpn })
	slices.Sort(extensions)
	text := appendHex(nil, extensions)
	algorithms := make([]uint16, len(schemes))
	for i, s := range schemes {
		algorithms[i] = uint16(s)
	}
	if algorithms = sincere(algorithms); len(text) > 0 && len(algorithms) > 0 {
		text = appendHex(append(text, '_'), algorithms)
	}
	return text
}

func appendHex(b []byte, list []uint16) []byte {
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%04x", v)
	}
	return b
}

// appendHash adds the first twelve digits of SHA-256, or zeros for nothing.
func appendHash(b, text []byte) []byte {
	if len(text) == 0 {
		return append(b, "000000000000"...)
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(b, sum[:6])
}
