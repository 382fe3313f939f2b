-- +goose Up

-- Who did what with people's data. What the tables and columns mean is the same
-- as for PostgreSQL, where it stands with each.

CREATE TABLE entries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    status     INTEGER,
    people     INTEGER,
    subjects   BLOB,
    parameters TEXT    NOT NULL
) STRICT;
CREATE INDEX entries_at ON entries (at);

CREATE TABLE outcomes (
    entry    INTEGER PRIMARY KEY REFERENCES entries (id) ON DELETE CASCADE,
    status   INTEGER NOT NULL,
    people   INTEGER,
    subjects BLOB
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER entries_update BEFORE UPDATE ON entries BEGIN
    SELECT RAISE(ABORT, 'entries is append-only: UPDATE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outcomes_update BEFORE UPDATE ON outcomes BEGIN
    SELECT RAISE(ABORT, 'outcomes is append-only: UPDATE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_delete BEFORE DELETE ON entries
WHEN OLD.at > (CAST(strftime('%s', 'now') AS INTEGER) - 30 * 86400) * 1000000 BEGIN
    SELECT RAISE(ABORT, 'entries is append-only: DELETE refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outcomes_delete BEFORE DELETE ON outcomes
WHEN EXISTS (SELECT 1 FROM entries WHERE id = OLD.entry) BEGIN
    SELECT RAISE(ABORT, 'outcomes is append-only: DELETE refused');
END;
-- +goose StatementEnd
