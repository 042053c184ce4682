-- The archive. Statements are in package event; what the columns mean stands in the migration of SQLite. What grows with
-- traffic is in partitions of a day each, which package store makes ahead and retention drops: passed exchanges for one
-- time, everything else for another.
CREATE TABLE names (n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE TABLE exchanges (
  seq       BIGINT NOT NULL,
  id        TEXT NOT NULL,
  outcome   BIGINT NOT NULL,
  api       BIGINT NOT NULL,
  operation BIGINT NOT NULL,
  method    BIGINT NOT NULL,
  status    BIGINT NOT NULL,
  code      BIGINT NOT NULL,
  guard     BIGINT NOT NULL,
  client    BIGINT NOT NULL,
  subject   BIGINT NOT NULL,
  record    BYTEA NOT NULL,
  sealed    BYTEA NOT NULL
) PARTITION BY LIST (outcome);
CREATE TABLE exchanges_passed PARTITION OF exchanges FOR VALUES IN (0) PARTITION BY RANGE (seq);
CREATE TABLE exchanges_kept PARTITION OF exchanges FOR VALUES IN (1, 2, 3) PARTITION BY RANGE (seq);
CREATE INDEX exchanges_seq ON exchanges (seq);
CREATE INDEX exchanges_code ON exchanges (code, seq) WHERE code <> 0;
CREATE INDEX exchanges_operation ON exchanges (operation, seq);
CREATE INDEX exchanges_client ON exchanges (client, seq) WHERE client <> 0;
CREATE INDEX exchanges_subject ON exchanges (subject, seq) WHERE subject <> 0;

CREATE TABLE findings (
  seq       BIGINT NOT NULL,
  n         BIGINT NOT NULL,
  api       BIGINT NOT NULL,
  operation BIGINT NOT NULL,
  guard     BIGINT NOT NULL,
  rule      BIGINT NOT NULL,
  severity  BIGINT NOT NULL,
  monitored BIGINT NOT NULL
) PARTITION BY RANGE (seq);
CREATE INDEX findings_seq ON findings (seq);
CREATE INDEX findings_rule ON findings (rule, seq);

CREATE TABLE events (
  seq    BIGINT NOT NULL,
  id     TEXT NOT NULL,
  kind   BIGINT NOT NULL,
  record BYTEA NOT NULL,
  sealed BYTEA NOT NULL
) PARTITION BY RANGE (seq);
CREATE INDEX events_seq ON events (seq);

CREATE TABLE counts (
  width BIGINT NOT NULL, start BIGINT NOT NULL,
  api BIGINT NOT NULL, operation BIGINT NOT NULL, method BIGINT NOT NULL, status BIGINT NOT NULL,
  outcome BIGINT NOT NULL, code BIGINT NOT NULL, guard BIGINT NOT NULL,
  n BIGINT NOT NULL, took BIGINT NOT NULL, bytes_in BIGINT NOT NULL, bytes_out BIGINT NOT NULL,
  PRIMARY KEY (width, start, api, operation, method, status, outcome, code, guard)
);
CREATE TABLE noticed (
  width BIGINT NOT NULL, start BIGINT NOT NULL,
  api BIGINT NOT NULL, operation BIGINT NOT NULL, guard BIGINT NOT NULL, rule BIGINT NOT NULL,
  severity BIGINT NOT NULL, monitored BIGINT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (width, start, api, operation, guard, rule, severity, monitored)
);
CREATE TABLE latencies (
  width BIGINT NOT NULL, start BIGINT NOT NULL,
  guard BIGINT NOT NULL, bucket BIGINT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (width, start, guard, bucket)
);
