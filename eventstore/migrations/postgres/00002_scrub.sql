-- +goose Up

-- What it takes to make erasures hold in every byte, and in every copy.

ALTER TABLE log_head ADD COLUMN exchanges bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN log_head.exchanges IS 'Moves whenever a wrapping key is added or destroyed. Whoever keeps them in memory reads them again.';

CREATE INDEX events_erasures ON events (position) WHERE type = 'user.erased';

CREATE TABLE scrub (
    only_row smallint    PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    began_at timestamptz,
    ended_at timestamptz,
    erasures bigint      NOT NULL DEFAULT 0,
    problems text        NOT NULL DEFAULT ''
);
COMMENT ON TABLE  scrub IS 'The latest scrub, which removes what erasures have left in the database''s files: one row.';
COMMENT ON COLUMN scrub.began_at IS 'When it began; null before the first.';
COMMENT ON COLUMN scrub.ended_at IS 'When it ended; null before the first has, and before began_at while one runs or after one that was interrupted.';
COMMENT ON COLUMN scrub.erasures IS 'How many erasures, as log_head counts them, hold in every byte: those from before the latest scrub that did all it has to.';
COMMENT ON COLUMN scrub.problems IS 'What the latest couldn''t do; empty where it did all.';
INSERT INTO scrub DEFAULT VALUES;

-- The planner needs no samples of ciphertext and keys, and they would outlive
-- their rows in the server's statistics.
ALTER TABLE users ALTER COLUMN subject SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN wrapped_key SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN sealed_id SET STATISTICS 0;
ALTER TABLE vault_keys ALTER COLUMN wrapped SET STATISTICS 0;
ALTER TABLE refused ALTER COLUMN subject SET STATISTICS 0;
ALTER TABLE refused ALTER COLUMN row_key SET STATISTICS 0;
ALTER TABLE refused ALTER COLUMN sealed SET STATISTICS 0;
ALTER TABLE events ALTER COLUMN sealed SET STATISTICS 0;
