-- +goose Up

-- The log of events, and what it takes to know what became of every message.
-- Instants are in microseconds since 1970-01-01T00:00:00Z. What the tables and
-- columns mean is the same as for PostgreSQL, where it stands with each.

CREATE TABLE log_head (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    position    INTEGER NOT NULL CHECK (position >= 0),
    recorded_at INTEGER NOT NULL,
    epoch       TEXT    NOT NULL,
    erasures    INTEGER NOT NULL,
    exchanges   INTEGER NOT NULL
) STRICT;
INSERT INTO log_head VALUES (1, 0, 0, lower(hex(randomblob(16))), 0, 0);

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
CREATE INDEX events_erasures ON events (position) WHERE type = 'user.erased';

CREATE TABLE accounts (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    stream         TEXT    NOT NULL,
    first_sequence INTEGER NOT NULL,
    last_sequence  INTEGER NOT NULL,
    appended       INTEGER NOT NULL,
    duplicates     INTEGER NOT NULL,
    refused        INTEGER NOT NULL,
    first_position INTEGER,
    last_position  INTEGER,
    recorded_at    INTEGER NOT NULL,
    batches        INTEGER NOT NULL,
    CHECK (first_sequence <= last_sequence AND first_sequence >> 16 = last_sequence >> 16)
) STRICT;
CREATE INDEX accounts_sequences ON accounts (stream, first_sequence);

CREATE TABLE user_blocks (
    bits    INTEGER NOT NULL,
    block   INTEGER NOT NULL,
    bucket  INTEGER NOT NULL,
    entries BLOB    NOT NULL,
    PRIMARY KEY (bits, block, bucket)
) STRICT; -- with a rowid, since entries would else overflow their page

CREATE TABLE compaction (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    indexed_to  INTEGER NOT NULL,
    accounts_to INTEGER NOT NULL
) STRICT;
INSERT INTO compaction VALUES (1, 0, 0);

CREATE TABLE vault_keys (
    id      INTEGER PRIMARY KEY,
    purpose TEXT    NOT NULL CHECK (purpose IN ('hash', 'wrapping')),
    wrapped BLOB    NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;

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
    wrapping_key   INTEGER REFERENCES vault_keys (id),
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

CREATE TABLE scrub (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    began_at INTEGER,
    ended_at INTEGER,
    erasures INTEGER NOT NULL,
    problems TEXT    NOT NULL
) STRICT;
INSERT INTO scrub VALUES (1, NULL, NULL, 0, '');

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
CREATE TRIGGER accounts_delete BEFORE DELETE ON accounts
WHEN NOT EXISTS (SELECT 1 FROM accounts a WHERE a.stream = OLD.stream AND a.batches > OLD.batches
    AND a.first_sequence >= OLD.first_sequence >> 16 << 16 AND a.first_sequence <= OLD.first_sequence
    AND a.last_sequence >= OLD.last_sequence) BEGIN
    SELECT RAISE(ABORT, 'accounts is append-only: DELETE of what no other row accounts for refused');
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
