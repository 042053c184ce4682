-- Whose an API key is, sealed for who has the store's keys and for who has the API key; NULL where it stands in clear, as versions before
-- this wrote it. Of a sealed row, subject and tenant are empty, and identity begins with "sealed:", so that a gateway of such a version
-- takes the key for one of another identity, and not for nobody's in particular.
ALTER TABLE api_keys ADD COLUMN sealed BYTEA;
ALTER TABLE api_keys ADD COLUMN by_key BYTEA;

-- The name of an account, sealed; then name is a keyed hash of it. NULL where name is in clear: it is nobody's, or older.
ALTER TABLE quotas ADD COLUMN sealed BYTEA;
CREATE INDEX quotas_clear ON quotas (start) WHERE sealed IS NULL AND kind IN ('principal', 'tenant', 'client');
