-- Silences of alerts that people have made. Statements are in package event/alert.
CREATE TABLE silences (
  id     TEXT PRIMARY KEY,
  rule   TEXT NOT NULL,
  key    TEXT NOT NULL,
  until  BIGINT NOT NULL,
  reason TEXT NOT NULL,
  actor  TEXT NOT NULL,
  made   BIGINT NOT NULL
);
