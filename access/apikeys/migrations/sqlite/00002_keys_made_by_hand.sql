-- +goose Up
ALTER TABLE api_keys ADD COLUMN types TEXT;
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE api_keys ADD COLUMN revoked_at INTEGER;
