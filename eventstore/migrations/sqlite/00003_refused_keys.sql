-- +goose Up

-- A wrapping key that a refused event's key is under can't be destroyed, as one
-- can't that a user's is under. A table that is there can't be given a
-- reference, so it is copied into one that has it; ids go on where they were.
CREATE TABLE refused_copied (
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
INSERT INTO refused_copied SELECT * FROM refused;
DELETE FROM sqlite_sequence WHERE name = 'refused_copied';
INSERT INTO sqlite_sequence (name, seq) SELECT 'refused_copied', seq FROM sqlite_sequence WHERE name = 'refused';
DROP TABLE refused;
ALTER TABLE refused_copied RENAME TO refused;
CREATE INDEX refused_identity ON refused (identity) WHERE identity IS NOT NULL;
CREATE INDEX refused_subject ON refused (subject) WHERE subject IS NOT NULL;
CREATE INDEX refused_retried ON refused (retry_identity) WHERE retry_identity IS NOT NULL;
CREATE INDEX refused_received_at ON refused (received_at);
