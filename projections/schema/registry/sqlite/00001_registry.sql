-- The registry of generations, in a SQLite file of its own: which there are,
-- and which is live. What the columns mean stands in the file of the same name
-- for PostgreSQL, as comments.

-- +goose Up
CREATE TABLE generations (
  number       INTEGER NOT NULL PRIMARY KEY,
  time_zone    TEXT    NOT NULL,
  fold_version INTEGER NOT NULL,
  epoch        TEXT    NOT NULL,
  created_at   INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS INTEGER)),
  live_at      INTEGER,
  retired_at   INTEGER,
  dropped_at   INTEGER
) STRICT;

CREATE TABLE live (
  only_row INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  number   INTEGER REFERENCES generations
) STRICT;

INSERT INTO live (number) VALUES (NULL);
