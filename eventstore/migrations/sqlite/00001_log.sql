-- +goose Up

-- The log of events, and what it takes to know what became of every message.
-- Instants are in microseconds since 1970-01-01T00:00:00Z. What the tables and
-- columns mean is the same as for PostgreSQL, where it stands with each.

CREATE TABLE log_head (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    position    INTEGER NOT NULL CHECK (position >= 0),
    recorded_at INTEGER NOT NULL,
    epoch       TEXT    NOT NULL,
    erasures    INTEGER NOT NULL
) STRICT;
INSERT INTO log_head VALUES (1, 0, 0, lower(hex(randomblob(16))), 0);

CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    type        TEXT    NOT NULL,
    user_key    BLOB    NOT NULL CHECK (length(user_key) = 16),
    source      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    data        BLOB    NOT NULL,
    sealed      BLOB,
    identity    BLOB    NOT NULL,
    content     BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_identity ON events (identity);

CREATE TABLE accounts (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    recorded_at    INTEGER NOT NULL,
    stream         TEXT    NOT NULL,
    sequences      TEXT    NOT NULL,
    appended       INTEGER NOT NULL,
    duplicates     INTEGER NOT NULL,
    refused        INTEGER NOT NULL,
    first_position INTEGER,
    last_position  INTEGER,
    users          BLOB    NOT NULL
) STRICT;
CREATE INDEX accounts_positions ON accounts (last_position) WHERE last_position IS NOT NULL;

CREATE TABLE refused (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    stream         TEXT    NOT NULL,
    sequence       INTEGER NOT NULL,
    received_at    INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    time           INTEGER,
    type           BLOB,
    identity       BLOB,
    subject        BLOB,
    wrapping_key   INTEGER,
    row_key        BLOB,
    sealed         BLOB,
    retry_identity BLOB,
    UNIQUE (stream, sequence)
) STRICT;
CREATE INDEX refused_identity ON refused (identity) WHERE identity IS NOT NULL;
CREATE INDEX refused_subject ON refused (subject) WHERE subject IS NOT NULL;
CREATE INDEX refused_retried ON refused (retry_identity) WHERE retry_identity IS NOT NULL;
CREATE INDEX refused_received_at ON refused (received_at);

-- What links pseudonyms to people. Unlike the log, rows here are destroyed.

CREATE TABLE vault_keys (
    id      INTEGER PRIMARY KEY,
    purpose TEXT    NOT NULL CHECK (purpose IN ('hash', 'wrapping')),
    wrapped BLOB    NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    user_key     BLOB    PRIMARY KEY CHECK (length(user_key) = 16),
    subject      BLOB    NOT NULL UNIQUE,
    wrapping_key INTEGER NOT NULL REFERENCES vault_keys (id),
    wrapped_key  BLOB    NOT NULL,
    sealed_id    BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstones (
    subject   BLOB    PRIMARY KEY,
    erased_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER events_update BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'events is append-only: UPDATE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_delete BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'events is append-only: DELETE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER accounts_update BEFORE UPDATE ON accounts BEGIN
    SELECT RAISE(ABORT, 'accounts is append-only: UPDATE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER accounts_delete BEFORE DELETE ON accounts BEGIN
    SELECT RAISE(ABORT, 'accounts is append-only: DELETE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_head_delete BEFORE DELETE ON log_head BEGIN
    SELECT RAISE(ABORT, 'log_head has one row: DELETE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_head_update BEFORE UPDATE ON log_head
WHEN NEW.position < OLD.position OR NEW.erasures < OLD.erasures BEGIN
    SELECT RAISE(ABORT, 'log_head only moves forward: UPDATE refused');
END;
-- +goose StatementEnd
