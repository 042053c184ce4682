package config

// Abuse says what becomes of clients that do not take no for an answer, and of strangers while the gateway is overloaded. It holds for all APIs together.
type Abuse struct {
	// Bans shut out for a while who goes on after it was turned away.
	Bans Bans `yaml:"bans"`
	// Overload bounds strangers while there is more work than the processors can do.
	Overload Overload `yaml:"overload"`
	// Lists are files of addresses that are refused, let in or watched. Of an address that is on several, allow counts before deny, and deny before monitor.
	Lists []List `yaml:"lists"`
	// Databases of MaxMind's format tell the system and the country of an address, for lists that name such: GeoLite2-ASN.mmdb, GeoLite2-Country.mmdb. Sallyport brings none.
	Databases []string `yaml:"databases"`
	// Agents are automated clients that can prove who they are: by signatures, or by the names of their addresses.
	Agents Agents `yaml:"agents"`
}

// Bans are by client address, of IPv6 by /64. Loopback addresses are never banned, nor are trusted proxies.
type Bans struct {
	// After is how often in a minute a client may be turned away at the door before it is banned. Default 300; -1 bans nobody.
	After int `yaml:"after"`
	// First is how long a ban lasts. A client that is banned again within a day is banned twice as long each time. Default 1m.
	First Duration `yaml:"first"`
	// Longest ban. Default 24h.
	Longest Duration `yaml:"longest"`
	// Tarpit is how long connections of banned clients are kept open without a word before they are closed, 1000 at most at once. Default: closed at once.
	Tarpit Duration `yaml:"tarpit"`
}

// Overload says when the gateway has more work than its processors can do, and who is refused then. Strangers are clients from whose address nobody was authenticated in the last ten minutes.
type Overload struct {
	// Queue is how long work may wait for a processor, on average over a tenth of a second. Beyond, strangers in flight are bounded ever more, until it waits less. Default 20ms.
	Queue Duration `yaml:"queue"`
	// Strangers are requests in flight that are always let in. Default 64 for each processor; -1 bounds them never.
	Strangers int `yaml:"strangers"`
}
