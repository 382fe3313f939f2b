-- +goose Up

-- What the tables and columns mean is the same as for PostgreSQL, where it
-- stands with each.

CREATE TABLE sessions (
    hash       BLOB    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    ref        TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE links (
    hash    BLOB    NOT NULL PRIMARY KEY,
    kind    TEXT    NOT NULL,
    ref     TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    role    TEXT    NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;
