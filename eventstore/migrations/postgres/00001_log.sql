-- +goose Up

-- The log of events, and what it takes to know what became of every message.

CREATE TABLE log_head (
    only_row    smallint    PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    position    bigint      NOT NULL DEFAULT 0 CHECK (position >= 0),
    recorded_at timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    epoch       text        NOT NULL DEFAULT gen_random_uuid()::text,
    erasures    bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
COMMENT ON TABLE  log_head IS 'Where the log stands: one row. Whoever appends holds its lock, so that positions have no holes and their order is the order of the commits.';
COMMENT ON COLUMN log_head.position IS 'The position of the last event; 0 for an empty log.';
COMMENT ON COLUMN log_head.recorded_at IS 'The latest recorded_at so far: it never goes back, whatever clock the appending process has.';
COMMENT ON COLUMN log_head.epoch IS 'Another text whenever history was recovered from a backup or a lagging standby: positions of another epoch may name other events.';
COMMENT ON COLUMN log_head.erasures IS 'How many erasures have taken effect. Whoever keeps users'' keys in memory drops them when it has moved.';
INSERT INTO log_head DEFAULT VALUES;

CREATE TABLE events (
    position    bigint      PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    time        timestamptz NOT NULL,
    type        text        COLLATE "C" NOT NULL,
    user_key    uuid        NOT NULL,
    source      text        COLLATE "C" NOT NULL,
    id          text        COLLATE "C" NOT NULL,
    data        bytea       NOT NULL,
    sealed      bytea,
    identity    bytea       NOT NULL,
    content     bytea       NOT NULL
);
CREATE UNIQUE INDEX events_identity ON events (identity);
COMMENT ON TABLE  events IS 'The log: every event that was accepted, once, in the order in which it was recorded. Rows are only ever added.';
COMMENT ON COLUMN events.position IS 'The number of the event in the log: 1, 2, 3 … with none missing.';
COMMENT ON COLUMN events.recorded_at IS 'When the event was recorded, by the clock of the process that did.';
COMMENT ON COLUMN events.time IS 'When it happened, as the event says.';
COMMENT ON COLUMN events.user_key IS 'The pseudonym of the user whom the event is about: random, and linked to the user''s id by the table users only.';
COMMENT ON COLUMN events.data IS 'The part of data that the catalogue lists as impersonal: a JSON object in UTF-8, its values as they came. convert_from(data, ''UTF8'')::jsonb reads it.';
COMMENT ON COLUMN events.sealed IS 'The personal part, encrypted under the user''s key (AES-256-GCM); null where there is none. It can''t be read any more once that key is destroyed.';
COMMENT ON COLUMN events.identity IS 'A keyed hash of source and id. The same pair twice is the same event.';
COMMENT ON COLUMN events.content IS 'A hash of the event''s content under the user''s key, by which the same event sent again is told from another one of the same identity.';

CREATE TABLE accounts (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at    timestamptz NOT NULL,
    stream         text        COLLATE "C" NOT NULL,
    sequences      text        COLLATE "C" NOT NULL,
    appended       integer     NOT NULL,
    duplicates     integer     NOT NULL,
    refused        integer     NOT NULL,
    first_position bigint,
    last_position  bigint,
    users          bytea       NOT NULL
);
CREATE INDEX accounts_positions ON accounts (last_position) WHERE last_position IS NOT NULL;
COMMENT ON TABLE  accounts IS 'What became of each batch of messages. Rows are only ever added.';
COMMENT ON COLUMN accounts.stream IS 'The incarnation of the broker''s stream that the messages came from.';
COMMENT ON COLUMN accounts.sequences IS 'The sequence numbers of the messages, ascending, as ranges: "17-5016 5020".';
COMMENT ON COLUMN accounts.appended IS 'How many were appended; with duplicates and refused it makes the number of messages of the batch.';
COMMENT ON COLUMN accounts.first_position IS 'The first position that the batch took; null where it appended nothing.';
COMMENT ON COLUMN accounts.users IS 'The first four bytes of the pseudonyms of the users of the appended events, sorted, each once: where one user''s history is, without an index that every event pays for.';

CREATE TABLE refused (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream         text        COLLATE "C" NOT NULL,
    sequence       bigint      NOT NULL,
    received_at    timestamptz NOT NULL,
    reason         text        COLLATE "C" NOT NULL,
    time           timestamptz,
    type           bytea,
    identity       bytea,
    subject        bytea,
    wrapping_key   integer,
    row_key        bytea,
    sealed         bytea,
    retry_identity bytea,
    UNIQUE (stream, sequence)
);
CREATE INDEX refused_identity ON refused (identity) WHERE identity IS NOT NULL;
CREATE INDEX refused_subject ON refused (subject) WHERE subject IS NOT NULL;
CREATE INDEX refused_retried ON refused (retry_identity) WHERE retry_identity IS NOT NULL;
CREATE INDEX refused_received_at ON refused (received_at);
COMMENT ON TABLE  refused IS 'Events that broke a rule, kept for 30 days to be looked at, repaired and sent again.';
COMMENT ON COLUMN refused.time IS 'The event''s time; null where it couldn''t be read.';
COMMENT ON COLUMN refused.type IS 'The event''s type as it came, in bytes, since it may be anything.';
COMMENT ON COLUMN refused.identity IS 'A keyed hash of source and id; null where they couldn''t be read.';
COMMENT ON COLUMN refused.subject IS 'A keyed hash of the subject, by which an erasure finds the row; null where it couldn''t be read or nothing of it may be kept.';
COMMENT ON COLUMN refused.row_key IS 'The key of sealed, wrapped under the key of that number in vault_keys.';
COMMENT ON COLUMN refused.sealed IS 'Message, subject and the event as it came, encrypted (AES-256-GCM); null where nothing of them may be kept.';
COMMENT ON COLUMN refused.retry_identity IS 'The identity under which the event was sent again: the row leaves the list once that is recorded.';

-- What links pseudonyms to people. Unlike the log, rows here are destroyed.

CREATE TABLE vault_keys (
    id      integer     PRIMARY KEY,
    purpose text        NOT NULL CHECK (purpose IN ('hash', 'wrapping')),
    wrapped bytea       NOT NULL,
    made_at timestamptz NOT NULL
);
COMMENT ON TABLE  vault_keys IS 'The service''s own keys, wrapped by the master key, which is kept outside the database.';
COMMENT ON COLUMN vault_keys.purpose IS 'hash: of identities and subjects; there is one. wrapping: wraps the keys of users and of refused events; the one with the greatest id is in use.';

CREATE TABLE users (
    user_key     uuid    PRIMARY KEY,
    subject      bytea   NOT NULL UNIQUE,
    wrapping_key integer NOT NULL REFERENCES vault_keys (id),
    wrapped_key  bytea   NOT NULL,
    sealed_id    bytea   NOT NULL
);
COMMENT ON TABLE  users IS 'The users who haven''t been erased. An erasure deletes the row, and with it the only way from a user''s id to the log and to what is encrypted there.';
COMMENT ON COLUMN users.subject IS 'A keyed hash of the user''s id.';
COMMENT ON COLUMN users.wrapped_key IS 'The user''s key, wrapped under the key of that number in vault_keys.';
COMMENT ON COLUMN users.sealed_id IS 'The user''s id, encrypted under the user''s key.';

CREATE TABLE tombstones (
    subject   bytea       PRIMARY KEY,
    erased_at timestamptz NOT NULL
);
COMMENT ON TABLE  tombstones IS 'By which an erased user''s id is known again, and nothing more of it.';
COMMENT ON COLUMN tombstones.subject IS 'A keyed hash of the user''s id.';
COMMENT ON COLUMN tombstones.erased_at IS 'The time of the user.erased, as the event says.';

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER one_row BEFORE DELETE OR TRUNCATE ON log_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER forward_only BEFORE UPDATE ON log_head
    FOR EACH ROW WHEN (NEW.position < OLD.position OR NEW.erasures < OLD.erasures)
    EXECUTE FUNCTION refuse_change();
