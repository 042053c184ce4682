package exchange

import "testing"

func TestOrderIsThatOfFieldsWithANumber(t *testing.T) {
	var o Order
	for _, name := range []string{"Host", "X-Other", "User-Agent", "Accept", "host", "accept-encoding"} {
		o = o.With(name)
	}
	if got := o.String(); got != "host user-agent accept accept-encoding" {
		t.Error(got)
	}
	for pair, want := range map[[2]string]bool{{"user-agent", "accept-encoding"}: true, {"accept", "host"}: false, {"host", "cookie"}: false, {"cookie", "host"}: false, {"x-other", "host"}: false} {
		if o.Before(NumberOf(pair[0]), NumberOf(pair[1])) != want {
			t.Error(pair)
		}
	}
	if got := (o | Small).String(); got != "host user-agent accept accept-encoding (small letters)" {
		t.Error(got)
	}
}

func TestOrderHasRoomForAllItKnows(t *testing.T) {
	var o Order
	for _, name := range ordered[1:] {
		o = o.With(name)
	}
	if o&Small != 0 || !o.Before(NumberOf(":method"), NumberOf("cookie")) || o.With("cookie") != o {
		t.Error(o)
	}
}
