-- +goose Up
CREATE TABLE sessions (
    hash       bytea       NOT NULL PRIMARY KEY,
    kind       text        NOT NULL,
    ref        text        NOT NULL,
    name       text        NOT NULL,
    role       text        NOT NULL,
    created_at timestamptz NOT NULL,
    used_at    timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL
);
COMMENT ON TABLE  sessions IS 'Browsers that are signed in. A session that has ended is deleted.';
COMMENT ON COLUMN sessions.hash IS 'SHA-256 of the value in the browser''s cookie; the value itself is nowhere.';
COMMENT ON COLUMN sessions.kind IS 'What was signed in with: a key that the service made, a key of the configuration, or a token of an issuer.';
COMMENT ON COLUMN sessions.ref IS 'By what that is found again: the key''s name, a keyed hash of it, or the issuer.';
COMMENT ON COLUMN sessions.name IS 'Who signed in, as the trail has it.';
COMMENT ON COLUMN sessions.role IS 'The role that it was signed in with.';
COMMENT ON COLUMN sessions.used_at IS 'When it was last used, to the minute.';
COMMENT ON COLUMN sessions.ends_at IS 'When it ends, however much it is used.';

CREATE TABLE links (
    hash    bytea       NOT NULL PRIMARY KEY,
    kind    text        NOT NULL,
    ref     text        NOT NULL,
    name    text        NOT NULL,
    role    text        NOT NULL,
    ends_at timestamptz NOT NULL
);
COMMENT ON TABLE  links IS 'Links that sign in once. One that was used is deleted.';
COMMENT ON COLUMN links.hash IS 'SHA-256 of what stands in the link, which is nowhere itself.';
