-- Clients that are shut out, for every process that serves with this store. Statements are in package limit.
CREATE TABLE bans (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT, -- grows with each change, so that it is found without a look at the others
  client TEXT NOT NULL UNIQUE,  -- an IPv4 address, or a /64 of IPv6
  since  INTEGER NOT NULL,      -- milliseconds since 1970
  until  INTEGER NOT NULL,      -- likewise; not after since where it was ended before its time
  times  INTEGER NOT NULL,
  reason TEXT NOT NULL,
  who    TEXT NOT NULL          -- '' is a gateway
) STRICT;
