-- What verdicts rest on, for replay. Statements are in package event.
CREATE TABLE bases (
  hash  TEXT PRIMARY KEY,
  since BIGINT NOT NULL,
  used  BIGINT NOT NULL,
  basis BYTEA NOT NULL
);
