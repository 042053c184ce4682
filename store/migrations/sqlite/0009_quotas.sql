-- The plan of quotas that a key is held to; '' for that of the tenant or API.
ALTER TABLE api_keys ADD COLUMN plan TEXT NOT NULL DEFAULT '';

-- What was used in the windows of quotas. Statements are in package limit. Several gateways add to one row.
CREATE TABLE quotas (
  kind     TEXT NOT NULL,                -- principal, tenant, client, upstream; spill for those that had no room of their own
  issuer   TEXT NOT NULL,                -- identity of the config; '' where there is none
  name     TEXT NOT NULL,
  span     TEXT NOT NULL,                -- day, month
  start    BIGINT NOT NULL,              -- of the window, Unix seconds
  plan     TEXT NOT NULL,                -- that it was used under last
  requests BIGINT NOT NULL,
  units    BIGINT NOT NULL,              -- of upstreams: millionths of the price
  bytes    BIGINT NOT NULL,
  records  BIGINT NOT NULL,
  PRIMARY KEY (kind, issuer, name, span, start)
);
CREATE INDEX quotas_start ON quotas (start);
