-- +goose Up
CREATE TABLE api_keys (
  hash       bytea       NOT NULL PRIMARY KEY,
  name       text        NOT NULL UNIQUE,
  role       text        NOT NULL,
  created_at timestamptz NOT NULL
);
COMMENT ON TABLE api_keys IS 'API keys that the service made.';
COMMENT ON COLUMN api_keys.hash IS 'SHA-256 of the key; the key itself is nowhere.';
COMMENT ON COLUMN api_keys.name IS 'Name of the key, for people.';
COMMENT ON COLUMN api_keys.role IS 'What its holder may do.';
COMMENT ON COLUMN api_keys.created_at IS 'When it was made.';
