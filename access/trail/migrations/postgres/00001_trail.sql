-- +goose Up

-- Who did what with people's data. Rows are only ever added, and deleted when
-- they have been kept long enough.

CREATE TABLE entries (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    actor      text        NOT NULL,
    role       text        NOT NULL,
    action     text        NOT NULL,
    status     integer,
    people     bigint,
    subjects   bytea,
    parameters text        NOT NULL
);
CREATE INDEX entries_at ON entries (at);
COMMENT ON TABLE  entries IS 'Who did what with people''s data, or was about to.';
COMMENT ON COLUMN entries.actor IS 'Name of the key, or of the person whom the token names.';
COMMENT ON COLUMN entries.role IS 'The role that the key or token had.';
COMMENT ON COLUMN entries.action IS 'The operation, by its id in the OpenAPI document.';
COMMENT ON COLUMN entries.status IS 'The HTTP status that it was answered with; null where the entry was made before it was done: see outcomes.';
COMMENT ON COLUMN entries.people IS 'How many people, or their records, it was about; null where that isn''t known.';
COMMENT ON COLUMN entries.subjects IS 'Pseudonyms of the users whom it was about, 16 bytes each, as in boxoffice_log.events.user_key: nobody''s once the user is erased.';
COMMENT ON COLUMN entries.parameters IS 'Names of the parameters that were given, separated by commas; never their values.';

CREATE TABLE outcomes (
    entry    bigint  PRIMARY KEY REFERENCES entries (id) ON DELETE CASCADE,
    status   integer NOT NULL,
    people   bigint,
    subjects bytea
);
COMMENT ON TABLE outcomes IS 'How what an entry was about to do came out. An entry with no status and no outcome may or may not have been done.';

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON outcomes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER kept BEFORE DELETE ON entries FOR EACH ROW WHEN (OLD.at > now() - interval '30 days') EXECUTE FUNCTION refuse_change();
-- +goose StatementBegin
CREATE FUNCTION refuse_orphaning() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM entries WHERE id = OLD.entry) THEN
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
    END IF;
    RETURN OLD;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER kept BEFORE DELETE ON outcomes FOR EACH ROW EXECUTE FUNCTION refuse_orphaning();
