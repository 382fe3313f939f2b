-- +goose Up
ALTER TABLE generations ADD COLUMN kind text NOT NULL DEFAULT 'successor'
  CHECK (kind IN ('live', 'successor', 'candidate', 'history'));
ALTER TABLE generations ADD COLUMN name text;
ALTER TABLE generations ADD COLUMN stop_at bigint CHECK ((stop_at IS NOT NULL) = (kind = 'history'));
ALTER TABLE generations ADD COLUMN finished_at timestamptz;
ALTER TABLE generations ADD COLUMN compared_to bigint;
COMMENT ON COLUMN generations.kind IS 'live: answers, or did. successor: takes the live one''s place by itself when it has caught up. candidate: is compared, and becomes a successor when that is asked for. history: stops at a position and is kept.';
COMMENT ON COLUMN generations.name IS 'Name of a candidate or a history; null for the others.';
COMMENT ON COLUMN generations.stop_at IS 'Position in the log at which a history stops; null for what follows the log.';
COMMENT ON COLUMN generations.finished_at IS 'When a history reached its position; null before, and for the others.';
COMMENT ON COLUMN generations.compared_to IS 'Position at which a candidate was compared with the live generation; null before.';
UPDATE generations SET kind = 'live' WHERE live_at IS NOT NULL;
