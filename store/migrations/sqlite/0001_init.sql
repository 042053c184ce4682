-- Keys of callers, kept as hashes. Statements are in package identity.
CREATE TABLE api_keys (
  id       TEXT PRIMARY KEY,             -- public part of the key
  hash     BLOB NOT NULL UNIQUE,         -- SHA-256 of the whole key
  identity TEXT NOT NULL DEFAULT '',     -- the api_key identity that it is confined to; '' for every one
  subject  TEXT NOT NULL,
  tenant   TEXT NOT NULL DEFAULT '',
  roles    TEXT NOT NULL DEFAULT '[]',   -- JSON list of strings
  scopes   TEXT NOT NULL DEFAULT '[]',   -- JSON list of strings
  created  INTEGER NOT NULL,             -- Unix seconds, as all times here
  expires  INTEGER NOT NULL DEFAULT 0,   -- 0: never
  revoked  INTEGER NOT NULL DEFAULT 0    -- 0: not revoked
) STRICT;

-- Records of refused exchanges, for explain. Statements are in package event.
CREATE TABLE refusals (
  id     TEXT PRIMARY KEY,               -- exchange id
  time   INTEGER NOT NULL,               -- Unix milliseconds
  record BLOB NOT NULL                   -- JSON
) STRICT;
CREATE INDEX refusals_time ON refusals (time);

-- Single values that outlive a restart.
CREATE TABLE settings (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- api_keys.version grows with every change of the table, whoever makes it, so that a running gateway notices cheaply.
INSERT INTO settings (key, value) VALUES ('api_keys.version', '1');
CREATE TRIGGER api_keys_inserted AFTER INSERT ON api_keys BEGIN
  UPDATE settings SET value = CAST(value AS INTEGER) + 1 WHERE key = 'api_keys.version';
END;
CREATE TRIGGER api_keys_updated AFTER UPDATE ON api_keys BEGIN
  UPDATE settings SET value = CAST(value AS INTEGER) + 1 WHERE key = 'api_keys.version';
END;
CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys BEGIN
  UPDATE settings SET value = CAST(value AS INTEGER) + 1 WHERE key = 'api_keys.version';
END;
