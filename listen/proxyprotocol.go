package listen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Bounds of a header of the PROXY protocol (HAProxy's proxy-protocol.txt, versions 1 and 2).
const (
	maxProxyLine     = 107     // section 2.1: a line of version 1 with its CRLF
	maxProxyBlock    = 4 << 10 // addresses and TLVs of version 2; the wire has room for 64 KiB, and nobody needs it
	crc32cType       = 0x03    // section 2.2.3
	maxIntroductions = 1024    // headers that are awaited at once
	beginning        = 12      // what both versions have at least
)

var proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// proxied is a connection that a proxy has introduced.
type proxied struct {
	net.Conn
	from net.Addr
}

func (c proxied) RemoteAddr() net.Addr { return c.from }

// CloseWrite lets net/http and tunnels end one direction only.
func (c proxied) CloseWrite() error { return closeWrite(c.Conn, c) }

// introduced reads the header, and not a byte more, from a connection of a peer that must send one. A header that
// speaks of no client (LOCAL, UNKNOWN, unspecified) leaves the peer's own address, as its health checks want it.
func introduced(c net.Conn) (net.Conn, error) {
	from, err := readProxyHeader(c)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the PROXY header: %w", err)
	}
	if !from.IsValid() {
		return c, nil
	}
	return proxied{c, net.TCPAddrFromAddrPort(from)}, nil
}

// readProxyHeader returns the client's address, or one that is not valid where the header speaks of none.
func readProxyHeader(r io.Reader) (netip.AddrPort, error) {
	head := make([]byte, beginning, maxProxyLine)
	if _, err := io.ReadFull(r, head); err != nil {
		return netip.AddrPort{}, err
	}
	if bytes.Equal(head, proxySignature) {
		return readBinary(r, head)
	}
	if !bytes.HasPrefix(head, []byte("PROXY ")) {
		return netip.AddrPort{}, errors.New("there is none")
	}
	for head[len(head)-1] != '\n' {
		if len(head) == maxProxyLine {
			return netip.AddrPort{}, errors.New("the line is longer than 107 bytes")
		}
		if _, err := io.ReadFull(r, head[len(head):len(head)+1]); err != nil {
			return netip.AddrPort{}, err
		}
		head = head[:len(head)+1]
	}
	return parseLine(string(head))
}

// parseLine reads version 1: "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n", with single spaces.
func parseLine(line string) (from netip.AddrPort, err error) {
	line, ok := strings.CutSuffix(line, "\r\n")
	if !ok {
		return from, errors.New("the line does not end in CRLF")
	}
	f := strings.Split(line, " ")
	if f[1] == "UNKNOWN" {
		return from, nil
	}
	if len(f) != 6 || f[1] != "TCP4" && f[1] != "TCP6" {
		return from, errors.New("not a family, two addresses and two ports")
	}
	for i := range 2 { // both ends are read strictly; only the source is of interest
		at, err := endpoint(f[2+i], f[4+i], f[1] == "TCP4")
		if err != nil {
			return from, err
		}
		if i == 0 {
			from = at
		}
	}
	return from, nil
}

func endpoint(host, port string, four bool) (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Is4() != four || addr.Zone() != "" {
		return netip.AddrPort{}, errors.New("an address is not one of the family")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != port {
		return netip.AddrPort{}, errors.New("a port is not one")
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}

// readBinary reads version 2 behind its signature.
func readBinary(r io.Reader, head []byte) (from netip.AddrPort, err error) {
	head = head[:beginning+4]
	if _, err := io.ReadFull(r, head[beginning:]); err != nil {
		return from, err
	}
	command, family, length := head[12], head[13], int(binary.BigEndian.Uint16(head[14:]))
	if length > maxProxyBlock {
		return from, errors.New("the header is longer than 4 KiB")
	}
	whole := append(make([]byte, 0, len(head)+length), head...)[:len(head)+length]
	if _, err := io.ReadFull(r, whole[len(head):]); err != nil {
		return from, err
	}
	switch command {
	case 0x20: // LOCAL: the rest means nothing
		return from, nil
	case 0x21: // PROXY
	default:
		return from, errors.New("neither version 2, nor LOCAL or PROXY")
	}
	return parseBlock(whole, len(head), family)
}

// parseBlock reads addresses and TLVs of a whole header, which begin at start.
func parseBlock(whole []byte, start int, family byte) (from netip.AddrPort, err error) {
	sizes := map[byte]int{0x00: 0, 0x11: 4, 0x21: 16} // unspecified, TCP over IPv4, TCP over IPv6
	size, known := sizes[family]
	if !known {
		return from, fmt.Errorf("family and protocol %#02x are not TCP over IP", family)
	}
	block := whole[start:]
	if size > 0 {
		if len(block) < 2*size+4 {
			return from, errors.New("the addresses are cut short")
		}
		addr, _ := netip.AddrFromSlice(block[:size]) // of 4 or 16 bytes
		from = netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(block[2*size:]))
		start += 2*size + 4
	}
	return from, checkTLVs(whole, start)
}

// checkTLVs demands that the type-length-values fill the rest exactly, and that a checksum among them is right.
func checkTLVs(whole []byte, at int) error {
	summed := false
	for at < len(whole) {
		if len(whole)-at < 3 {
			return errors.New("a TLV is cut short")
		}
		value := at + 3
		end := value + int(binary.BigEndian.Uint16(whole[at+1:]))
		if end > len(whole) {
			return errors.New("a TLV is cut short")
		}
		if whole[at] == crc32cType {
			if summed || end-value != 4 || !summedUp(whole, value) {
				return errors.New("the checksum is wrong")
			}
			summed = true
		}
		at = end
	}
	return nil
}

// summedUp compares the CRC32c at a place with that of the header with zeros in this place.
func summedUp(whole []byte, at int) bool {
	want := binary.BigEndian.Uint32(whole[at:])
	blank := bytes.Clone(whole)
	clear(blank[at : at+4])
	return crc32.Checksum(blank, crc32.MakeTable(crc32.Castagnoli)) == want
}
