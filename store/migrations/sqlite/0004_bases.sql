-- What verdicts rest on, for replay. Statements are in package event.
CREATE TABLE bases (
  hash  TEXT PRIMARY KEY,  -- as in the records
  since INTEGER NOT NULL,  -- Unix seconds of its first use
  used  INTEGER NOT NULL,  -- … and of its last
  basis BLOB NOT NULL      -- JSON, compressed
) STRICT;
