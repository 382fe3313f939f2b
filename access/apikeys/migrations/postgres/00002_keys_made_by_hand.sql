-- +goose Up
ALTER TABLE api_keys ADD COLUMN types text, ADD COLUMN expires_at timestamptz, ADD COLUMN revoked_at timestamptz;
COMMENT ON TABLE api_keys IS 'API keys that the service made. A key that was revoked stays, so that its name is nobody else''s.';
COMMENT ON COLUMN api_keys.types IS 'The types of events that a publisher may publish, separated by commas; null for no limit.';
COMMENT ON COLUMN api_keys.expires_at IS 'From when on it is good for nothing; null for never.';
COMMENT ON COLUMN api_keys.revoked_at IS 'When it was revoked; null where it wasn''t.';
