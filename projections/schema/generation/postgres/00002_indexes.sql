-- The keys and indexes of a generation, in PostgreSQL. A generation that has had
-- this file is complete up to its position, which may be 0; one that hasn't is
-- being filled (see fill.go). The file of the same name for SQLite is the same
-- in the other engine: a change goes into both.

-- +goose Up
ALTER TABLE users ADD PRIMARY KEY (user_key);
ALTER TABLE status_terms ADD PRIMARY KEY (user_key);
ALTER TABLE user_facts ADD PRIMARY KEY (user_key);
ALTER TABLE entitlements ADD PRIMARY KEY (user_key, kind, id);
ALTER TABLE periods ADD PRIMARY KEY (user_key, kind, id, n);
ALTER TABLE access_spans ADD PRIMARY KEY (user_key, from_at);
ALTER TABLE trial_spans ADD PRIMARY KEY (user_key, from_at);
ALTER TABLE kpi_members ADD PRIMARY KEY (counter, at, user_key);
ALTER TABLE sessions ADD PRIMARY KEY (session_key);

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
-- Lists by a range of the one instant in the order of the other: those of whom
-- both are the same, and the others by buckets of 2^40 microseconds of the one.
-- The last column is there so that whom a range doesn't take in is passed over
-- in the index.
CREATE INDEX users_same_up ON users (status, registered_at, id) WHERE id IS NOT NULL AND updated_at = registered_at;
CREATE INDEX users_same_down ON users (status, registered_at DESC, id) WHERE id IS NOT NULL AND updated_at = registered_at;
CREATE INDEX users_different_registered_up ON users (status, date_bin('1099511.627776 seconds', updated_at, '0002-12-16 04:12:22.289408+00 BC'), registered_at, id, updated_at)
  WHERE id IS NOT NULL AND updated_at IS DISTINCT FROM registered_at;
CREATE INDEX users_different_registered_down ON users (status, date_bin('1099511.627776 seconds', updated_at, '0002-12-16 04:12:22.289408+00 BC'), registered_at DESC, id, updated_at)
  WHERE id IS NOT NULL AND updated_at IS DISTINCT FROM registered_at;
CREATE INDEX users_different_updated_up ON users (status, date_bin('1099511.627776 seconds', registered_at, '0002-12-16 04:12:22.289408+00 BC'), updated_at, id, registered_at)
  WHERE id IS NOT NULL AND updated_at IS DISTINCT FROM registered_at;
CREATE INDEX users_different_updated_down ON users (status, date_bin('1099511.627776 seconds', registered_at, '0002-12-16 04:12:22.289408+00 BC'), updated_at DESC, id, registered_at)
  WHERE id IS NOT NULL AND updated_at IS DISTINCT FROM registered_at;
-- Who has an e-mail. A hash takes texts of any length, which a tree doesn't.
CREATE INDEX users_email ON users USING hash (search_email) WHERE id IS NOT NULL;
-- The rows whose status doesn't hold at an instant.
CREATE INDEX status_terms_from ON status_terms (from_at);
CREATE INDEX status_terms_until ON status_terms (until_at) WHERE until_at IS NOT NULL;
CREATE INDEX access_spans_from ON access_spans (from_at, to_at, user_key);
CREATE INDEX access_spans_to ON access_spans (to_at, from_at, user_key);
CREATE INDEX trial_spans_from ON trial_spans (from_at, to_at, user_key);
CREATE INDEX trial_spans_to ON trial_spans (to_at, from_at, user_key);
-- The members of a month are listed by this one.
CREATE INDEX kpi_members_list ON kpi_members (counter, month_at, registered_at DESC, id) WHERE id IS NOT NULL;
CREATE INDEX kpi_members_user ON kpi_members (user_key, counter, at);
CREATE INDEX sessions_user ON sessions (user_key, started_at DESC, session_id, content_id);
CREATE INDEX sessions_started ON sessions (started_at DESC, session_id, content_id);
CREATE INDEX sessions_content ON sessions (content_id, started_at DESC, session_id);
