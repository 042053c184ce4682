package exchange

// Rating says what a client seems to be.
type Rating string

// The ratings.
const (
	Verified    Rating = "verified"     // it proved who it is: a credential, a signature, an address that is vouched for
	LikelyHuman Rating = "likely_human" // a browser, as far as can be seen, behind which somebody sits
	Suspected   Rating = "suspected"    // a program that proved nothing
	Hostile     Rating = "hostile"      // it says that it is something else than it is, attacks, or searches for what is not its own
)

// Ratings are all of them. The store has them by their places: a further one is the last.
var Ratings = []Rating{Verified, LikelyHuman, Suspected, Hostile}

// Bot is how a client is rated, and what was done for it. The zero Bot is not rated.
type Bot struct {
	Rating Rating
	Action string // of the config, that the rating has: "deny"; "" where it has none
	Points int
	Marks  uint32 // what spoke for the rating; package limit/bot has the sentences
}
