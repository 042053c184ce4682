// Package identity answers who asks: every credential becomes an [exchange.Principal], or a refusal.
//
// # What is checked
//
// Access tokens are compact JWS by RFC 7515, judged by RFC 9068, RFC 8725 and its revision. The order is: size and
// alphabet before anything is decoded; a strict header (no duplicate members, no crit, no zip, no b64); typ; an
// algorithm that is allowed and is the one of the key; one signature check; a strict payload; iss, aud, exp, nbf, iat,
// sub. Keys come from the configured key set only: jwk, jku, x5u and x5c in a token are not even parsed, and kid is
// nothing but a map key. There is no symmetric algorithm and no "none" in the code.
//
// API keys are 256 random bits with a prefix and a checksum. They are kept as plain SHA-256, not Argon2 or bcrypt:
// slow hashes make guessable passwords expensive to guess, but nobody guesses 256 bits, and a slow hash on the
// request path would be work that anybody can order.
//
// # What survives a reload
//
// A [Providers] is immutable. [Providers.Next] builds its successor from a new list; both share one engine with the
// running key sets (by content of their settings), the cache of verified tokens and the copy of the stored API keys.
// Next starts nothing, so a reload that fails elsewhere drops its result and nothing leaks. After the swap,
// [Providers.Start] on the successor starts what is new and stops what only the predecessor needed.
//
// # What is remembered
//
// The cache keeps facts (this token was signed by that key and says this), never decisions: scopes, roles and the
// mapping of schemes are judged for each exchange. An entry is keyed by SHA-256 of the token and by the settings of
// the provider; it dies with the token, and with the key set that verified it.
package identity
