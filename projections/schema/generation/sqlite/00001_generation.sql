-- One generation of the read models, in a SQLite file of its own. Instants are
-- microseconds since 1970-01-01T00:00:00Z, keys are blobs of 16 bytes, and
-- booleans 0 and 1. What the tables and columns mean stands in the file of the
-- same name for PostgreSQL, as comments; a change goes into both.

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

CREATE UNIQUE INDEX users_id ON users (id) WHERE id IS NOT NULL;
-- The list of users walks one of these. Nulls of the first column stand
-- together in each, so a walk takes those that have it, then those that don't.
CREATE INDEX users_registered_up ON users (registered_at, id) WHERE id IS NOT NULL;
CREATE INDEX users_registered_down ON users (registered_at DESC, id) WHERE id IS NOT NULL;
CREATE INDEX users_updated_up ON users (updated_at, id) WHERE id IS NOT NULL;
CREATE INDEX users_updated_down ON users (updated_at DESC, id) WHERE id IS NOT NULL;
CREATE INDEX users_status_registered_up ON users (status, registered_at, id) WHERE id IS NOT NULL;
CREATE INDEX users_status_registered_down ON users (status, registered_at DESC, id) WHERE id IS NOT NULL;
CREATE INDEX users_status_updated_up ON users (status, updated_at, id) WHERE id IS NOT NULL;
CREATE INDEX users_status_updated_down ON users (status, updated_at DESC, id) WHERE id IS NOT NULL;
-- Those of whom something is known from before their registration, of whom
-- there are few: a month can't count the others before they registered.
CREATE INDEX users_known_before ON users (registered_at DESC, id) WHERE id IS NOT NULL AND first_event_at < registered_at;
-- Those whose profile was updated after they registered. Of the others a range
-- of the one instant is one of the other.
CREATE INDEX users_changed_registered_up ON users (registered_at, id) WHERE id IS NOT NULL AND updated_at > registered_at;
CREATE INDEX users_changed_registered_down ON users (registered_at DESC, id) WHERE id IS NOT NULL AND updated_at > registered_at;
CREATE INDEX users_changed_updated_up ON users (updated_at, id) WHERE id IS NOT NULL AND updated_at > registered_at;
CREATE INDEX users_changed_updated_down ON users (updated_at DESC, id) WHERE id IS NOT NULL AND updated_at > registered_at;
-- Who has an e-mail.
CREATE INDEX users_email ON users (search_email) WHERE id IS NOT NULL;
-- The rows whose status doesn't hold at an instant.
CREATE INDEX users_status_from ON users (status_from);
CREATE INDEX users_status_until ON users (status_until) WHERE status_until IS NOT NULL;

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
CREATE INDEX access_spans_from ON access_spans (from_at, to_at, user_key);
CREATE INDEX access_spans_to ON access_spans (to_at, from_at, user_key);

CREATE TABLE trial_spans (
  user_key BLOB    NOT NULL,
  from_at  INTEGER NOT NULL,
  to_at    INTEGER,
  PRIMARY KEY (user_key, from_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX trial_spans_from ON trial_spans (from_at, to_at, user_key);
CREATE INDEX trial_spans_to ON trial_spans (to_at, from_at, user_key);

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
-- The members of a month are listed by this one.
CREATE INDEX kpi_members_list ON kpi_members (counter, month_at, registered_at DESC, id) WHERE id IS NOT NULL;
CREATE INDEX kpi_members_user ON kpi_members (user_key, counter, at);

CREATE TABLE sessions (
  session_key       BLOB    NOT NULL PRIMARY KEY,
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
CREATE INDEX sessions_user ON sessions (user_key, started_at DESC, session_id, content_id);
CREATE INDEX sessions_started ON sessions (started_at DESC, session_id, content_id);
CREATE INDEX sessions_content ON sessions (content_id, started_at DESC, session_id);
