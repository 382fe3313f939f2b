-- +goose Up
CREATE TABLE api_keys (
  hash       BLOB    NOT NULL PRIMARY KEY,
  name       TEXT    NOT NULL UNIQUE,
  role       TEXT    NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
