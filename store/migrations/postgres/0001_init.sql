-- Keys of callers, kept as hashes. Statements are in package identity.
CREATE TABLE api_keys (
  id       TEXT PRIMARY KEY,             -- public part of the key
  hash     BYTEA NOT NULL UNIQUE,        -- SHA-256 of the whole key
  identity TEXT NOT NULL DEFAULT '',     -- the api_key identity that it is confined to; '' for every one
  subject  TEXT NOT NULL,
  tenant   TEXT NOT NULL DEFAULT '',
  roles    TEXT NOT NULL DEFAULT '[]',   -- JSON list of strings
  scopes   TEXT NOT NULL DEFAULT '[]',   -- JSON list of strings
  created  BIGINT NOT NULL,              -- Unix seconds, as all times here
  expires  BIGINT NOT NULL DEFAULT 0,    -- 0: never
  revoked  BIGINT NOT NULL DEFAULT 0     -- 0: not revoked
);

-- Single values that outlive a restart.
CREATE TABLE settings (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

-- api_keys.version grows with every change of the table, whoever makes it, so that a running gateway notices cheaply.
INSERT INTO settings (key, value) VALUES ('api_keys.version', '1');
CREATE FUNCTION api_keys_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE settings SET value = (value::bigint + 1)::text WHERE key = 'api_keys.version';
  RETURN NULL;
END $$;
CREATE TRIGGER api_keys_changed AFTER INSERT OR UPDATE OR DELETE ON api_keys FOR EACH ROW EXECUTE FUNCTION api_keys_changed();
