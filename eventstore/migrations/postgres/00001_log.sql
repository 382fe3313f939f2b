-- +goose Up

-- The log of events, and what it takes to know what became of every message.

CREATE TABLE log_head (
    only_row    smallint    PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    position    bigint      NOT NULL DEFAULT 0 CHECK (position >= 0),
    recorded_at timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    epoch       text        NOT NULL DEFAULT gen_random_uuid()::text,
    erasures    bigint      NOT NULL DEFAULT 0,
    exchanges   bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
COMMENT ON TABLE  log_head IS 'Where the log stands: one row. Whoever appends holds its lock, so that positions have no holes and their order is the order of the commits.';
COMMENT ON COLUMN log_head.position IS 'The position of the last event; 0 for an empty log.';
COMMENT ON COLUMN log_head.recorded_at IS 'The latest recorded_at so far: it never goes back, whatever clock the appending process has.';
COMMENT ON COLUMN log_head.epoch IS 'Another text whenever history was recovered from a backup or a lagging standby: positions of another epoch may name other events.';
COMMENT ON COLUMN log_head.erasures IS 'How many erasures have taken effect. Whoever keeps users'' keys in memory drops them when it has moved.';
COMMENT ON COLUMN log_head.exchanges IS 'Moves whenever a wrapping key is added or destroyed. Whoever keeps them in memory reads them again.';
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

CREATE INDEX events_erasures ON events (position) WHERE type = 'user.erased';

CREATE TABLE accounts (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream         text        COLLATE "C" NOT NULL,
    first_sequence bigint      NOT NULL,
    last_sequence  bigint      NOT NULL,
    appended       bigint      NOT NULL,
    duplicates     bigint      NOT NULL,
    refused        bigint      NOT NULL,
    first_position bigint,
    last_position  bigint,
    recorded_at    timestamptz NOT NULL,
    batches        bigint      NOT NULL,
    CHECK (first_sequence <= last_sequence AND first_sequence >> 16 = last_sequence >> 16)
);
CREATE INDEX accounts_sequences ON accounts (stream, first_sequence);
COMMENT ON TABLE  accounts IS 'What became of the messages of a range of the broker''s sequence numbers. A batch adds a row for each of its ranges; rows of neighbouring and overlapping ranges become one in time. No range crosses a multiple of 65,536.';
COMMENT ON COLUMN accounts.stream IS 'The incarnation of the broker''s stream that the messages came from.';
COMMENT ON COLUMN accounts.first_sequence IS 'The first sequence number of the range; every number up to last_sequence was received.';
COMMENT ON COLUMN accounts.appended IS 'How many messages were appended; with duplicates and refused it makes the number of messages received, one that was received again counting again.';
COMMENT ON COLUMN accounts.first_position IS 'The positions of what was appended lie from here to last_position; null where nothing was.';
COMMENT ON COLUMN accounts.recorded_at IS 'When the latest of them was judged.';
COMMENT ON COLUMN accounts.batches IS 'How many rows have become this one.';

CREATE TABLE user_blocks (
    bits    smallint NOT NULL,
    block   bigint   NOT NULL,
    bucket  integer  NOT NULL,
    entries bytea    NOT NULL,
    PRIMARY KEY (bits, block, bucket)
);
ALTER TABLE user_blocks ALTER COLUMN entries SET STORAGE EXTERNAL;
ALTER TABLE user_blocks ALTER COLUMN entries SET STATISTICS 0;
COMMENT ON TABLE  user_blocks IS 'Where one user''s events are. A block is 2^bits positions, the first being block * 2^bits + 1. It is written once those are there, and becomes part of a larger one.';
COMMENT ON COLUMN user_blocks.bucket IS 'The first bits of the pseudonyms in it, so many that a bucket has some hundred entries.';
COMMENT ON COLUMN user_blocks.entries IS 'An entry for each event, sorted: the first four bytes of the pseudonym, and three of the offset of its position in the block.';

CREATE TABLE compaction (
    only_row    smallint PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    indexed_to  bigint   NOT NULL DEFAULT 0,
    accounts_to bigint   NOT NULL DEFAULT 0
);
COMMENT ON TABLE  compaction IS 'How far the log is compacted: one row.';
COMMENT ON COLUMN compaction.indexed_to IS 'Up to which position user_blocks say where events are. Its digits say which blocks there are.';
COMMENT ON COLUMN compaction.accounts_to IS 'Up to which id accounts have been looked at.';
INSERT INTO compaction DEFAULT VALUES;

CREATE TABLE vault_keys (
    id      integer     PRIMARY KEY,
    purpose text        NOT NULL CHECK (purpose IN ('hash', 'wrapping')),
    wrapped bytea       NOT NULL,
    made_at timestamptz NOT NULL
);
COMMENT ON TABLE  vault_keys IS 'The service''s own keys, wrapped by the master key, which is kept outside the database.';
COMMENT ON COLUMN vault_keys.purpose IS 'hash: of identities and subjects; there is one. wrapping: wraps the keys of users and of refused events; the one with the greatest id is in use.';

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
    wrapping_key   integer     REFERENCES vault_keys (id),
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

CREATE TABLE scrub (
    only_row smallint    PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    began_at timestamptz,
    ended_at timestamptz,
    erasures bigint      NOT NULL DEFAULT 0,
    problems text        NOT NULL DEFAULT ''
);
COMMENT ON TABLE  scrub IS 'The latest scrub, which removes what erasures have left in the database''s files: one row.';
COMMENT ON COLUMN scrub.began_at IS 'When it began; null before the first.';
COMMENT ON COLUMN scrub.ended_at IS 'When it ended; null before the first has, and before began_at while one runs or after one that was interrupted.';
COMMENT ON COLUMN scrub.erasures IS 'How many erasures, as log_head counts them, hold in every byte: those from before the latest scrub that did all it has to.';
COMMENT ON COLUMN scrub.problems IS 'What the latest couldn''t do; empty where it did all.';
INSERT INTO scrub DEFAULT VALUES;

-- The planner needs no samples of ciphertext and keys, and they would outlive
-- their rows in the server's statistics.
ALTER TABLE users ALTER COLUMN subject SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN wrapped_key SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN sealed_id SET STATISTICS 0;
ALTER TABLE vault_keys ALTER COLUMN wrapped SET STATISTICS 0;
ALTER TABLE refused ALTER COLUMN subject SET STATISTICS 0;
ALTER TABLE refused ALTER COLUMN row_key SET STATISTICS 0;
ALTER TABLE refused ALTER COLUMN sealed SET STATISTICS 0;
ALTER TABLE events ALTER COLUMN sealed SET STATISTICS 0;

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
END
$$;
-- +goose StatementEnd

-- An account goes only where another has taken its range over.
-- +goose StatementBegin
CREATE FUNCTION refuse_unaccounted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM accounts a WHERE a.stream = OLD.stream AND a.batches > OLD.batches
        AND a.first_sequence >= OLD.first_sequence >> 16 << 16 AND a.first_sequence <= OLD.first_sequence
        AND a.last_sequence >= OLD.last_sequence) THEN
        RAISE EXCEPTION 'accounts is append-only: DELETE of what no other row accounts for refused';
    END IF;
    RETURN OLD;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON accounts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_rows BEFORE DELETE ON accounts
    FOR EACH ROW EXECUTE FUNCTION refuse_unaccounted();
CREATE TRIGGER one_row BEFORE DELETE OR TRUNCATE ON log_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER forward_only BEFORE UPDATE ON log_head
    FOR EACH ROW WHEN (NEW.position < OLD.position OR NEW.erasures < OLD.erasures)
    EXECUTE FUNCTION refuse_change();
