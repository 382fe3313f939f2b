-- +goose Up

ALTER TABLE log_head ADD COLUMN exchanges INTEGER NOT NULL DEFAULT 0;

CREATE INDEX events_erasures ON events (position) WHERE type = 'user.erased';

CREATE TABLE scrub (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    began_at INTEGER,
    ended_at INTEGER,
    erasures INTEGER NOT NULL,
    problems TEXT    NOT NULL
) STRICT;
INSERT INTO scrub VALUES (1, NULL, NULL, 0, '');
