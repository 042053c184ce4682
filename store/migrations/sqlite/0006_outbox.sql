-- Events of acts that were done beside a running gateway, until one has told of them. Statements are in package store.
CREATE TABLE outbox (
  id    TEXT PRIMARY KEY,   -- of the event: they sort by time
  event TEXT NOT NULL       -- JSON
) STRICT;
