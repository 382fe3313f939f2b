-- One generation of the read models, in a SQLite file of its own. Instants are
-- microseconds since 1970-01-01T00:00:00Z, keys are blobs of 16 bytes, and
-- booleans 0 and 1. What the tables and columns mean stands in the file of the
-- same name for PostgreSQL, as comments; a change goes into both.
--
-- Indexes stand in 00002_indexes.sql, except the keys: rows are loaded in their
-- order, and SQLite can't add a key later. Sessions have a unique index instead.

-- +goose Up

CREATE TABLE generation (
  only_row     INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  position     INTEGER NOT NULL,
  epoch        TEXT    NOT NULL,
  recorded_at  INTEGER,
  time_zone    TEXT    NOT NULL,
  fold_version INTEGER NOT NULL,
  lease_token  BLOB,
  lease_holder TEXT,
  lease_until  INTEGER
) STRICT;

CREATE TABLE users (
  user_key       BLOB    NOT NULL PRIMARY KEY,
  id             TEXT,
  first_event_at INTEGER NOT NULL,
  registered_at  INTEGER,
  updated_at     INTEGER,
  email          TEXT,
  first_name     TEXT,
  last_name      TEXT,
  locale         TEXT,
  country        TEXT,
  platform       TEXT,
  custom         TEXT    NOT NULL,
  search_name    TEXT,
  search_email   TEXT,
  search_id      TEXT,
  status         TEXT    NOT NULL,
  status_since   INTEGER NOT NULL,
  status_from    INTEGER NOT NULL,
  status_until   INTEGER
) STRICT;

CREATE TABLE status_terms (
  user_key BLOB    NOT NULL PRIMARY KEY,
  from_at  INTEGER NOT NULL,
  until_at INTEGER
) STRICT;

CREATE TABLE user_facts (
  user_key BLOB    NOT NULL PRIMARY KEY,
  facts    BLOB    NOT NULL
) STRICT;

CREATE TABLE entitlements (
  user_key          BLOB    NOT NULL,
  kind              TEXT    NOT NULL,
  id                TEXT    NOT NULL,
  offer_id          TEXT,
  offer_name        TEXT,
  content_id        TEXT,
  title             TEXT,
  rental_kind       TEXT,
  amount            INTEGER,
  currency          TEXT,
  "interval"        TEXT,
  interval_count    INTEGER,
  payment_interface TEXT,
  PRIMARY KEY (user_key, kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE periods (
  user_key     BLOB    NOT NULL,
  kind         TEXT    NOT NULL,
  id           TEXT    NOT NULL,
  n            INTEGER NOT NULL,
  from_at      INTEGER NOT NULL,
  to_at        INTEGER,
  trial_end_at INTEGER,
  trial_to     INTEGER,
  canceled_at  INTEGER,
  past_due_at  INTEGER,
  paused       INTEGER NOT NULL,
  resumes_at   INTEGER,
  reason       TEXT,
  comment      TEXT,
  PRIMARY KEY (user_key, kind, id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE access_spans (
  user_key BLOB    NOT NULL,
  from_at  INTEGER NOT NULL,
  to_at    INTEGER,
  PRIMARY KEY (user_key, from_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE trial_spans (
  user_key BLOB    NOT NULL,
  from_at  INTEGER NOT NULL,
  to_at    INTEGER,
  PRIMARY KEY (user_key, from_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE kpi_changes (
  counter TEXT    NOT NULL,
  at      INTEGER NOT NULL,
  delta   INTEGER NOT NULL,
  PRIMARY KEY (counter, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE kpi_hours (
  counter TEXT    NOT NULL,
  from_at INTEGER NOT NULL,
  delta   INTEGER NOT NULL,
  PRIMARY KEY (counter, from_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE kpi_months (
  counter TEXT    NOT NULL,
  from_at INTEGER NOT NULL,
  delta   INTEGER NOT NULL,
  PRIMARY KEY (counter, from_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE kpi_members (
  counter  TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  user_key BLOB    NOT NULL,
  delta    INTEGER NOT NULL,
  month_at INTEGER NOT NULL,
  registered_at INTEGER,
  id       TEXT,
  PRIMARY KEY (counter, at, user_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  session_key       BLOB    NOT NULL,
  user_key          BLOB    NOT NULL,
  session_id        TEXT    NOT NULL,
  content_id        TEXT    NOT NULL,
  title             TEXT,
  started_at        INTEGER NOT NULL,
  last_event_at     INTEGER NOT NULL,
  ended             INTEGER NOT NULL,
  duration_ms       INTEGER NOT NULL,
  watched_ms        INTEGER NOT NULL,
  content_length_ms INTEGER,
  completion_rate   INTEGER,
  completed         INTEGER,
  position_ms       INTEGER,
  device            TEXT,
  platform          TEXT,
  facts             BLOB    NOT NULL
) STRICT;
