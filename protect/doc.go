// Package protect decides what leaves: it removes what the response schema does not declare or the caller may not see,
// masks values by their kind, replaces the bodies of failures, and sets the headers that browsers need.
//
// It never blocks a well-formed answer that can be judged; a body that cannot be parsed as its declared type, or took too
// much work to judge, cannot be protected and is refused. Edits are spans of the judged bytes (see [content.Body]): in
// JSON and text, only the characters of a masked value change.
//
// # What detectors find
//
// A value of a declared kind is masked as the spec says. In everything else (strings, also those that quote JSON or URLs;
// names of members in JSON; text, HTML, CSV; header fields) detectors look for pan, iban, ssn, secret and password_hash,
// and for email, phone and jwt where protect.detect lists them. Digits of all scripts, wide and narrow spaces, hyphens of
// all lengths and characters without width are read as a person would read them. The time of each detector grows with
// the length of the text, whatever the text is.
//
//   - pan: a range of issuers with its length, and Luhn's check digit; together, or in groups of three and more with one
//     separator. A number of 14 to 16 digits counts too, where a name on the way to it speaks of cards.
//   - iban: the form and length of 89 countries, and mod 97.
//   - ssn: in its written form with hyphens.
//   - secret: published prefixes, private keys in PEM, passwords in URLs, and JSON Web Tokens within prose, logs or quoted
//     messages. A token that is the whole value, or in a link, is what sign-in is for and stays; jwt masks it too.
//   - password_hash: bcrypt, Argon2, scrypt, PBKDF2, sha-crypt, phpass, SCRAM, LDAP and others, by prefix.
//
// # What they find by mistake
//
// Of random numbers of 16 digits in strings, about one in fifty has the form of a card number, and of random ids of 19
// digits about one in a hundred; order numbers of that kind are masked unless the spec says kind: id (or mask: none) of
// the property. Times, UUIDs, articles (GTIN-13), books, parcels, telephone numbers and fractions are told apart. Part
// numbers that look like 123-45-6789 are masked. A redirect whose Location has a card number leads nowhere. Clients that
// are made for keys in answers (Google Maps, say) need mask: none on that property.
//
// # What they do not see
//
// Values in base64 or any other encoding within a value, with escapes within a number (a %20 between groups), split over
// several values, with two separators in a row, directly behind a letter, or in images, archives and all media types that
// are octets to content (PDF, NDJSON, YAML, uploaded files). Cookies and challenges, and names of form fields and of XML
// elements, are not looked at. A number without a form of its own (nine digits that are an SSN) and a digest without
// prefix cannot be told from others: declare them. Operations that stream are not masked at all.
package protect
