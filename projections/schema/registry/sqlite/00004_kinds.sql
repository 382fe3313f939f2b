-- +goose Up
ALTER TABLE generations ADD COLUMN kind TEXT NOT NULL DEFAULT 'successor'
  CHECK (kind IN ('live', 'successor', 'candidate', 'history'));
ALTER TABLE generations ADD COLUMN name TEXT;
ALTER TABLE generations ADD COLUMN stop_at INTEGER CHECK ((stop_at IS NOT NULL) = (kind = 'history'));
ALTER TABLE generations ADD COLUMN finished_at INTEGER;
ALTER TABLE generations ADD COLUMN compared_to INTEGER;
UPDATE generations SET kind = 'live' WHERE live_at IS NOT NULL;
