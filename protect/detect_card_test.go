package protect

import (
	"strings"
	"testing"
)

// A sample is a text and what becomes of it; an empty want means that it stays as it is.
type sample struct{ text, want string }

// masksAll runs samples through the detector of one kind alone.
func masksAll(t *testing.T, kind string, samples []sample) {
	t.Helper()
	d, err := newDetectors([]string{kind})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples {
		want, wantKind := s.want, kind
		if want == "" {
			want, wantKind = s.text, ""
		}
		got, gotKind := d.mask(s.text)
		if got != want || gotKind != wantKind {
			t.Errorf("%s of %q:\n got %q (%s)\nwant %q", kind, s.text, got, gotKind, want)
		}
		if again, _ := d.mask(got); again != got {
			t.Errorf("%s of %q: masked twice it is %q, once %q", kind, s.text, again, got)
		}
	}
}

// The numbers that schemes and processors publish for tests.
var testCards = []string{
	"4111111111111111", "4012888888881881", "4242424242424242", "4222222222222", "4000056655665556", "4000000000000000006", // Visa
	"5555555555554444", "5105105105105100", "5200828282828210", "2223003122003222", // Mastercard
	"378282246310005", "371449635398431", "378734493671000", // American Express
	"30569309025904", "38520000023237", "36227206271667", "3056930009020004", // Diners Club
	"6011111111111117", "6011000990139424", "6011981111111113", // Discover
	"3530111333300000", "3566002020360505", // JCB
	"6200000000000005", "6205500000000000004", // UnionPay
	"6759649826438453", "2200000000000004", // Maestro, Mir
}

func TestCardNumbers(t *testing.T) {
	for _, number := range testCards {
		stars := strings.Repeat("*", len(number)-4) + number[len(number)-4:]
		masksAll(t, "pan", []sample{
			{number, stars}, {"card " + number + ".", "card " + stars + "."}, {"(" + number + ")", "(" + stars + ")"},
			{`{"pan":"` + number + `"}`, `{"pan":"` + stars + `"}`}, {number + ".0", stars + ".0"}, {"日本" + number + "円", "日本" + stars + "円"},
		})
		wrong := number[:len(number)-1] + string('0'+(number[len(number)-1]-'0'+1)%10)
		masksAll(t, "pan", []sample{{text: wrong}, {text: number + "1"}, {text: "7" + number}, {text: "x" + number}, {text: number + "x"}})
	}
}

func TestCardNumbersAsTheyAreWritten(t *testing.T) {
	masksAll(t, "pan", []sample{
		{"4111 1111 1111 1111", "**** **** **** 1111"},
		{"4111-1111-1111-1111", "****-****-****-1111"},
		{"4111.1111.1111.1111", "****.****.****.1111"},
		{"3782 822463 10005", "**** ****** *0005"},
		{"4111 1111 1111 1111 12/26 123", "**** **** **** 1111 12/26 123"},
		{"12/2026 4111 1111 1111 1111", "12/2026 **** **** **** 1111"},
		{"1 4111 1111 1111 1111", "1 **** **** **** 1111"},
		{"4111111111111111 123", "************1111 123"},
		{"4111111111111111 5555555555554444", "************1111 ************4444"},
		{"4111 1111 1111 1111 5555 5555 5555 4444", "**** **** **** 1111 **** **** **** 4444"},
		{"4111111111111111,5555555555554444", "************1111,************4444"},
		{"* 4111111111111111\n* 5555555555554444", "* ************1111\n* ************4444"},
		{"**4111 1111 1111 1111**", "****** **** **** 1111**"},
		{"**** **** **** 4242 4242 4242 4242", ""},
		{"card_4111111111111111", "card_************1111"},
		{"card-4111111111111111-used", "card-************1111-used"},
		{"pan=4111111111111111&cvv=123", "pan=************1111&cvv=123"},
		{"/cards/4111111111111111/limits", "/cards/************1111/limits"},
		{"next%3D4111111111111111%26a", "next%3D************1111%26a"},
		{"card%204111111111111111", "card%20************1111"},
		{`{\"note\":\"a\n4111111111111111\"}`, `{\"note\":\"a\n************1111\"}`},
		{"q=card+4111111111111111", "q=card+************1111"},
	})
}

// What must stay as it is: the number formats that APIs are full of.
func TestNotCardNumbers(t *testing.T) {
	var samples []sample
	for _, text := range []string{
		"ORD-20240131-000123", "2024-0012-3456-7890", "PO 450 0012 345", "100-0004-1111", // orders
		"1700000000", "1700000000123", "1700000000123456", "1700000000123456789", "20240131235959", "2024-01-31T23:59:59.123456789Z", // times
		"40000000-0000-4000-8000-000000000000", "41111111-1111-1111-8111-111111111111", "4f3c1a2b-1111-4111-8111-111111111111", "44444444-1234-4123-8123-123456789012", // UUIDs
		"4006381333931", "4006381334211", "4006381334914", "4006381335614", "4902430735063", "4011200296908", "9783161484100", "978-3-16-148410-0", "0-306-40615-2", // articles and books
		"1Z999AA10123456784", "9400 1000 0000 0000 0000 00", "9405511899223197428490", "123456789012", "RR123456789DE", "9400 4111 1111 1111 1111 00", // parcels
		"+49 1601 2345678", "+4915112345678", "+1 (555) 123-4567", "+4222222222222", "tel +4222222222222", "0049 1601 2345678", // telephones
		"0.4539148803436467", "12.4111111111111111", "4539.148803436467", "4111111111111111.25", // fractions
		"45 23 12 67 89 12 34 56", "41 11 11 11 11 11 11 11", "4111 11 11 11 11 11 11", "4111.111111111111", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", // lists of numbers
		"deadbeef4111111111111111cafe", "a4111111111111111", "4111111111111111e", // hexadecimal, base64
		"0000000000000000", "9999999999999995", "4111111111111112", "1234567812345670", // no issuer, no check digit
		"192.168.100.100", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "49015420323751", "490154203237518", // addresses, IMEI
	} {
		samples = append(samples, sample{text: text})
	}
	masksAll(t, "pan", samples)
}

// What is known to be masked although it is no card number: digits in a range of issuers that pass Luhn's check.
func TestKnownFalseCardNumbers(t *testing.T) {
	masksAll(t, "pan", []sample{{"order 4539148803436467", "order ************6467"}, {"ORD-4539148803436467", "ORD-************6467"}})
	const n = 200_000
	found := 0
	for i := range uint64(n) {
		digits := make([]byte, 16)
		for x, j := i*0x9E3779B97F4A7C15+12345, 0; j < len(digits); j++ { // evenly distributed, the same at every run
			x ^= x >> 31
			x *= 0xBF58476D1CE4E5B9
			digits[j] = '0' + byte((x>>33)%10)
		}
		if len(findPAN(string(digits), nil)) > 0 {
			found++
		}
	}
	if share := float64(found) / n; share < 0.005 || share > 0.03 {
		t.Errorf("%.2f %% of random numbers of 16 digits are masked; the package doc says one in fifty", 100*share)
	}
}

func TestCardNumbersOfNumbers(t *testing.T) {
	for literal, want := range map[string]string{
		"4111111111111111": "4111111111111111", "4111111111111111.0": "4111111111111111", "4111111111111111.00": "4111111111111111",
		"4.111111111111111E15": "4111111111111111", "4.111111111111111e+15": "4111111111111111", "4111111111111111e0": "4111111111111111",
		"378282246310005": "378282246310005", "30569309025904": "30569309025904", "3.0569309025904e13": "30569309025904",
		"4111111111111112": "", "-4111111111111111": "", "4111111111111111.5": "", "0.4111111111111111": "", "4.111111111111111": "",
		"4111111111111111e1": "", "4111111111111111e-1": "", "4.1e999999999999": "", "1e15": "", "4222222222222": "", "4000000000000000006": "",
		"4111111111111110000000000000000000000000000000000001": "", "41111111111111110": "",
	} {
		if got := cardNumber(literal); got != want {
			t.Errorf("the card number of %s is %q, want %q", literal, got, want)
		}
	}
}
