package protect

import "testing"

func TestSSN(t *testing.T) {
	masksAll(t, "ssn", []sample{
		{"123-45-6789", "***-**-6789"}, {"SSN: 078-05-1120.", "SSN: ***-**-1120."}, {"(899-99-9999)", "(***-**-9999)"}, {"001-01-0001", "***-**-0001"},
		{"123-45-6789 and 219-09-9999", "***-**-6789 and ***-**-9999"}, {"123-45-6789-", "***-**-6789-"}, {`\n123-45-6789`, `\n***-**-6789`},
		{text: "000-12-3456"}, {text: "666-12-3456"}, {text: "900-12-3456"}, {text: "987-65-4320"}, {text: "123-00-4567"}, {text: "123-45-0000"},
		{text: "1123-45-6789"}, {text: "123-45-67890"}, {text: "a123-45-6789"}, {text: "123-45-6789a"}, {text: "9-123-45-6789"}, {text: "123-45-6789-0"},
		{text: "+123-45-6789"}, {text: "2024-01-31"}, {text: "555-123-4567"}, {text: "123456789"}, {text: "123 45 6789"}, {text: "12-345-6789"}, {text: "---------------"},
	})
}

func TestEmail(t *testing.T) {
	masksAll(t, "email", []sample{
		{"jane.doe@example.com", "j***@example.com"}, {"<jane+shop@mail.example.co.uk>", "<j***@mail.example.co.uk>"}, {"jörg@müller.example", "j***@müller.example"},
		{"ask a@b.io, or c@d.io.", "ask a***@b.io, or c***@d.io."}, {"mailto:o'neil@example.org?x", "mailto:o***@example.org?x"}, {"élan@example.com", "é***@example.com"},
		{"a@b@example.com", "a@b***@example.com"},
		{text: "jane@localhost"}, {text: "@example.com"}, {text: "jane@"}, {text: "jane@example."}, {text: "jane@.com"}, {text: "jane@example.c"}, {text: "a @ b.com"},
		{text: "twitter: @jane"}, {text: "image@2x"}, {text: "@@@@@@@@"},
	})
}

func TestPhone(t *testing.T) {
	masksAll(t, "phone", []sample{
		{"+49 160 1234567", "+** *** *****67"}, {"tel:+1-202-555-0143;", "tel:+*-***-***-**43;"}, {"+1 (202) 555-0143", "+* (***) ***-**43"}, {"+442071838750", "+**********50"},
		{"+49 160 1234567, +49 160 7654321", "+** *** *****67, +** *** *****21"},
		{text: "+1234567"}, {text: "+1234567890123456"}, {text: "+0123456789"}, {text: "1 + 2 = 3"}, {text: "0160 1234567"}, {text: "+ 49 160 1234567"}, {text: "++++++++++"},
	})
}
