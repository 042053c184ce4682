-- The archive. Statements are in package event. seq is the time of an exchange in Unix milliseconds, shifted by 20 bits for
-- what tells those of one millisecond apart: order, place in time and key in one. Words that come again and again are
-- numbers of the table names. What is personal is sealed (package keyring); client and subject are numbers of keys.
-- The archive takes over what it finds in refusals; the table stays for a predecessor that still drains.
CREATE TABLE names (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE exchanges (
  seq       INTEGER PRIMARY KEY,
  id        TEXT NOT NULL,
  outcome   INTEGER NOT NULL,  -- 0 passed, 1 passed with findings, 2 passed although a guard in monitor mode refused, 3 refused
  api       INTEGER NOT NULL,
  operation INTEGER NOT NULL,
  method    INTEGER NOT NULL,
  status    INTEGER NOT NULL,
  code      INTEGER NOT NULL,  -- 0: none
  guard     INTEGER NOT NULL,
  client    INTEGER NOT NULL,
  subject   INTEGER NOT NULL,
  record    BLOB NOT NULL,     -- JSON without what is personal, compressed
  sealed    BLOB NOT NULL
) STRICT;
CREATE INDEX exchanges_code ON exchanges (code, seq) WHERE code <> 0;
CREATE INDEX exchanges_operation ON exchanges (operation, seq);
CREATE INDEX exchanges_client ON exchanges (client, seq) WHERE client <> 0;
CREATE INDEX exchanges_subject ON exchanges (subject, seq) WHERE subject <> 0;

-- What guards noticed, and what those in monitor mode would have refused.
CREATE TABLE findings (
  seq       INTEGER NOT NULL,  -- of the exchange
  n         INTEGER NOT NULL,
  api       INTEGER NOT NULL,
  operation INTEGER NOT NULL,
  guard     INTEGER NOT NULL,
  rule      INTEGER NOT NULL,  -- rule, detector or code of the reason
  severity  INTEGER NOT NULL,
  monitored INTEGER NOT NULL,  -- 1: a refusal that was not made
  PRIMARY KEY (seq, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX findings_rule ON findings (rule, seq);

CREATE TABLE events (
  seq    INTEGER PRIMARY KEY,
  id     TEXT NOT NULL,
  kind   INTEGER NOT NULL,
  record BLOB NOT NULL,
  sealed BLOB NOT NULL
) STRICT;

-- What overviews are drawn from: counts by minute (width 60) and hour (width 3600).
CREATE TABLE counts (
  width INTEGER NOT NULL, start INTEGER NOT NULL, -- Unix seconds
  api INTEGER NOT NULL, operation INTEGER NOT NULL, method INTEGER NOT NULL, status INTEGER NOT NULL,
  outcome INTEGER NOT NULL, code INTEGER NOT NULL, guard INTEGER NOT NULL,
  n INTEGER NOT NULL, took INTEGER NOT NULL, bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL,
  PRIMARY KEY (width, start, api, operation, method, status, outcome, code, guard)
) STRICT, WITHOUT ROWID;
CREATE TABLE noticed (
  width INTEGER NOT NULL, start INTEGER NOT NULL,
  api INTEGER NOT NULL, operation INTEGER NOT NULL, guard INTEGER NOT NULL, rule INTEGER NOT NULL,
  severity INTEGER NOT NULL, monitored INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (width, start, api, operation, guard, rule, severity, monitored)
) STRICT, WITHOUT ROWID;
CREATE TABLE latencies (
  width INTEGER NOT NULL, start INTEGER NOT NULL,
  guard INTEGER NOT NULL, bucket INTEGER NOT NULL, -- a power of two of microseconds
  n INTEGER NOT NULL,
  PRIMARY KEY (width, start, guard, bucket)
) STRICT, WITHOUT ROWID;
