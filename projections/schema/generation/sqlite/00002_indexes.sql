-- The indexes of a generation, in SQLite. A generation that has had this file is
-- complete up to its position, which may be 0; one that hasn't is being filled
-- (see fill.go). The file of the same name for PostgreSQL is the same in the
-- other engine: a change goes into both.
--
-- Each index is a transaction of its own, since one of all of them would make a
-- write-ahead log as large as they are; where the process died in between, those
-- that are there are passed over. What has to be sorted doesn't fit into memory
-- where there is much of it: a temporary file takes it, but never what says who
-- somebody is (ids and e-mails), which takes about 100 bytes a user of memory.

-- +goose NO TRANSACTION
-- +goose Up
PRAGMA temp_store = file;
CREATE UNIQUE INDEX IF NOT EXISTS sessions_key ON sessions (session_key);
-- The rows whose status doesn't hold at an instant.
CREATE INDEX IF NOT EXISTS status_terms_from ON status_terms (from_at);
CREATE INDEX IF NOT EXISTS status_terms_until ON status_terms (until_at) WHERE until_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS access_spans_from ON access_spans (from_at, to_at, user_key);
CREATE INDEX IF NOT EXISTS access_spans_to ON access_spans (to_at, from_at, user_key);
CREATE INDEX IF NOT EXISTS trial_spans_from ON trial_spans (from_at, to_at, user_key);
CREATE INDEX IF NOT EXISTS trial_spans_to ON trial_spans (to_at, from_at, user_key);
CREATE INDEX IF NOT EXISTS kpi_members_user ON kpi_members (user_key, counter, at);
CREATE INDEX IF NOT EXISTS sessions_user ON sessions (user_key, started_at DESC, session_id, content_id);
CREATE INDEX IF NOT EXISTS sessions_started ON sessions (started_at DESC, session_id, content_id);
CREATE INDEX IF NOT EXISTS sessions_content ON sessions (content_id, started_at DESC, session_id);

PRAGMA temp_store = memory;
CREATE UNIQUE INDEX IF NOT EXISTS users_id ON users (id) WHERE id IS NOT NULL;
-- The list of users walks one of these. Nulls of the first column stand
-- together in each, so a walk takes those that have it, then those that don't.
CREATE INDEX IF NOT EXISTS users_registered_up ON users (registered_at, id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS users_registered_down ON users (registered_at DESC, id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS users_updated_up ON users (updated_at, id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS users_updated_down ON users (updated_at DESC, id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS users_status_registered_up ON users (status, registered_at, id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS users_status_registered_down ON users (status, registered_at DESC, id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS users_status_updated_up ON users (status, updated_at, id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS users_status_updated_down ON users (status, updated_at DESC, id) WHERE id IS NOT NULL;
-- Those of whom something is known from before their registration, of whom
-- there are few: a month can't count the others before they registered.
CREATE INDEX IF NOT EXISTS users_known_before ON users (registered_at DESC, id) WHERE id IS NOT NULL AND first_event_at < registered_at;
-- Lists by a range of the one instant in the order of the other: those of whom
-- both are the same, and the others by buckets of 2^40 microseconds of the one.
-- The last column is there so that whom a range doesn't take in is passed over
-- in the index.
CREATE INDEX IF NOT EXISTS users_same_up ON users (status, registered_at, id) WHERE id IS NOT NULL AND updated_at = registered_at;
CREATE INDEX IF NOT EXISTS users_same_down ON users (status, registered_at DESC, id) WHERE id IS NOT NULL AND updated_at = registered_at;
CREATE INDEX IF NOT EXISTS users_different_registered_up ON users (status, (updated_at >> 40), registered_at, id, updated_at)
  WHERE id IS NOT NULL AND updated_at IS DISTINCT FROM registered_at;
CREATE INDEX IF NOT EXISTS users_different_registered_down ON users (status, (updated_at >> 40), registered_at DESC, id, updated_at)
  WHERE id IS NOT NULL AND updated_at IS DISTINCT FROM registered_at;
CREATE INDEX IF NOT EXISTS users_different_updated_up ON users (status, (registered_at >> 40), updated_at, id, registered_at)
  WHERE id IS NOT NULL AND updated_at IS DISTINCT FROM registered_at;
CREATE INDEX IF NOT EXISTS users_different_updated_down ON users (status, (registered_at >> 40), updated_at DESC, id, registered_at)
  WHERE id IS NOT NULL AND updated_at IS DISTINCT FROM registered_at;
-- Who has an e-mail.
CREATE INDEX IF NOT EXISTS users_email ON users (search_email) WHERE id IS NOT NULL;
-- The members of a month are listed by this one.
CREATE INDEX IF NOT EXISTS kpi_members_list ON kpi_members (counter, month_at, registered_at DESC, id) WHERE id IS NOT NULL;
