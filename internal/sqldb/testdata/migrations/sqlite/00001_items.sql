-- +goose Up
CREATE TABLE items (
    n    INTEGER PRIMARY KEY,
    at   INTEGER,
    key  BLOB,
    body BLOB
) STRICT;
