package limit

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteBans writes one client per line, as a CIDR: what most firewalls and CDNs read.
func WriteBans(w io.Writer, bans []Ban) error {
	b := bufio.NewWriter(w)
	for _, ban := range bans {
		fmt.Fprintln(b, ban.Client)
	}
	return b.Flush()
}

// WriteNft writes commands for nft -f: two sets, whose elements end with their bans. Which packets the sets decide about is for the
// rules of the firewall to say.
func WriteNft(w io.Writer, bans []Ban, now time.Time) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, `add table inet sallyport
add set inet sallyport banned4 { type ipv4_addr; flags timeout; }
add set inet sallyport banned6 { type ipv6_addr; flags interval, timeout; }
flush set inet sallyport banned4
flush set inet sallyport banned6
`)
	for _, ban := range bans {
		left := int64((ban.Until.Sub(now) + time.Second - 1) / time.Second)
		if left <= 0 {
			continue
		}
		set, client := "banned6", ban.Client.String()
		if ban.Client.Addr().Is4() {
			set, client = "banned4", strings.TrimSuffix(client, "/32")
		}
		fmt.Fprintf(b, "add element inet sallyport %s { %s timeout %ds }\n", set, client, left)
	}
	return b.Flush()
}
