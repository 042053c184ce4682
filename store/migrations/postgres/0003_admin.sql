-- People who administer the gateway. Statements are in package admin/people. Times are Unix seconds; 0 is never.
CREATE TABLE users (
  name     TEXT PRIMARY KEY,
  role     TEXT NOT NULL,                -- viewer, analyst, operator, admin
  password TEXT NOT NULL,                -- argon2id, in PHC string format
  created  BIGINT NOT NULL,
  changed  BIGINT NOT NULL               -- of the password
);

-- Sessions of browsers. hash is the SHA-256 of the cookie's value in hex.
CREATE TABLE sessions (
  hash    TEXT PRIMARY KEY,
  name    TEXT NOT NULL,
  role    TEXT NOT NULL,                 -- of who signed in elsewhere; '' for users, who have theirs at any moment
  created BIGINT NOT NULL,
  seen    BIGINT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX sessions_name ON sessions (name);

-- Tokens of users, for programs. hash is the SHA-256 of the token in hex.
CREATE TABLE user_tokens (
  id      TEXT PRIMARY KEY,
  hash    TEXT NOT NULL UNIQUE,
  name    TEXT NOT NULL,
  role    TEXT NOT NULL,                 -- at most; less where the user's own is less
  label   TEXT NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX user_tokens_name ON user_tokens (name);

-- Configurations that were in use. Statements are in package admin/change. Secrets are masked: none enters the store.
CREATE TABLE config_versions (
  id     TEXT PRIMARY KEY,               -- sorts by time
  time   BIGINT NOT NULL,
  actor  TEXT NOT NULL,
  note   TEXT NOT NULL,
  etag   TEXT NOT NULL,                  -- of the file as it was written
  text   TEXT NOT NULL
);

-- Changes that wait for a second person.
CREATE TABLE config_proposals (
  id      TEXT PRIMARY KEY,
  time    BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  actor   TEXT NOT NULL,
  note    TEXT NOT NULL,
  etag    TEXT NOT NULL,                 -- of the configuration that it changes
  hash    TEXT NOT NULL,                 -- SHA-256 of what is to be written, secrets and all
  text    TEXT NOT NULL                  -- with secrets masked
);
