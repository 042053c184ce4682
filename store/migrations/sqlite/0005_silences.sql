-- Silences of alerts that people have made. Statements are in package event/alert.
CREATE TABLE silences (
  id     TEXT PRIMARY KEY,
  rule   TEXT NOT NULL,
  key    TEXT NOT NULL,     -- '' for every one
  until  INTEGER NOT NULL,  -- Unix seconds, as all times here
  reason TEXT NOT NULL,
  actor  TEXT NOT NULL,
  made   INTEGER NOT NULL
) STRICT;
