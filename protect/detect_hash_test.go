package protect

import (
	"strings"
	"testing"
)

// Examples from the documentation of each format; the passwords are public.
var testHashes = []string{
	"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m",
	"$2y$10$.vGA1O9wmRjrwAVXD98HNOgsNpDczlqm3Jq7KnEd1rVAGv3Fykk1a", "$1$O3JMY.Tw$AdLnLjQ/5jXF9.MTp3gHv/", "$apr1$Q6ZYh...$RV6ft2bZ8j.NGrxLYaJt9.",
	"$5$rounds=80000$wnsT7Yr92oJoP28r$cKhJImk5mfuSKV9b3mumNzlbstFUplKtQXXMo4G6Ep5", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8",
	"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
	"$argon2id$v=19$m=65536,t=2,p=1$gZiV/M1gPc22ElAH/Jh1Hw$CWOrkoo7oJBQ/iyh7uJ0LO2aLEfrHwTWllSAxT0zRno", "$argon2i$m=120,t=5000,p=2$4fXXG0spB92WPB1NitT8/OH0VKI$iPBVuORECm5biUsjq33hn9/7BKqy9aPWKhFfK2haEsM",
	"$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
	"$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44", "$P$BiaE8q4lHAqMhWd0jMkN5C1JQq5cE0.", "$S$DjAm2bmDJ0aPn4pWz9hgnRYR3RHGPMXvO5VZ3RSxVk6QzGPqf1ng",
	"pbkdf2_sha256$260000$SaltSaltSalt$cTYoi2eDGs0K5rFQ8mL8OQ3bQ2Vd1m8y0e8kT6kEXhg=", "scrypt:32768:8:1$CUPaSJxqfqqzJMAt$dc6b2a8fd5d8ad0ce2d8c3f8f5a3c4a4b7a0c7d1", "pbkdf2:sha256:600000$qzJMAtCUPaSJxq$c1dc6b2a8fd5d8ad0ce2d8c3f8f5a3c4",
	"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
	"{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3", "{SSHA512}zrLhG0jpl3XwbqTLWrwy0pZqr3PCHBkVYvQvmjxjVqkVJYOZo6Bfjk0BgHy2bNYh", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8i",
	"{bcrypt}$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHQ$hash4hash4hash4hash4", "sha1$salt5salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
}

func TestPasswordHashes(t *testing.T) {
	for _, hash := range testHashes {
		masksAll(t, "password_hash", []sample{
			{hash, "********"}, {"hash " + hash + " of jane", "hash ******** of jane"}, {`{"pw":"` + hash + `"}`, `{"pw":"********"}`}, {hash + "\n" + hash, "********\n********"},
			{"jane:" + hash, "jane:********"}, {"$5$ and $6$ then " + hash, "$5$ and $6$ then ********"},
		})
	}
}

func TestNotPasswordHashes(t *testing.T) {
	masksAll(t, "password_hash", []sample{
		{text: "$5$"}, {text: "costs $5, or $6 with tax"}, {text: "$1$2$3$4"}, {text: "${HOME}/bin and ${PATH}:/usr/local/bin/and/more"}, {text: "{SHA}"}, {text: "$argon2 is a password hash"},
		{text: "{name} bought {count} of {product} for {price}"}, {text: "d41d8cd98f00b204e9800998ecf8427e"}, {text: "jQuery$plugin$aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, {text: "$md5"}, {text: "notmd5$aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{text: strings.Repeat("$2a$", 4)}, {text: "bcrypt: see $docs"},
	})
}
