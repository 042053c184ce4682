package dashboard

import (
	"testing"

	"github.com/sallyport/sallyport/exchange"
)

func TestEveryPageIsMade(t *testing.T) {
	for _, kept := range [][]*exchange.Record{nil, traffic(400)} {
		o := options(keep(t, kept...))
		for _, target := range every(kept) {
			page(t, o, target)
		}
	}
}
