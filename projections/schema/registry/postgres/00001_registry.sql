-- The registry of generations, in PostgreSQL: which there are, and which is
-- live. It stands in the schema boxoffice, beside the views of the live one.

-- +goose Up
CREATE TABLE generations (
  number       integer     NOT NULL PRIMARY KEY,
  time_zone    text        NOT NULL,
  fold_version integer     NOT NULL,
  epoch        text        NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  live_at      timestamptz,
  retired_at   timestamptz,
  dropped_at   timestamptz
);
COMMENT ON TABLE generations IS 'The complete sets of read models that there are. Generation n is in the schema boxoffice_gen_n.';
COMMENT ON COLUMN generations.number IS 'Number of the generation, from 1.';
COMMENT ON COLUMN generations.time_zone IS 'IANA name of the platform''s time zone that it was built with.';
COMMENT ON COLUMN generations.fold_version IS 'Version of the code that it was built with.';
COMMENT ON COLUMN generations.epoch IS 'Epoch of the log that it was built from.';
COMMENT ON COLUMN generations.created_at IS 'When it was begun.';
COMMENT ON COLUMN generations.live_at IS 'When it became live; null before.';
COMMENT ON COLUMN generations.retired_at IS 'When another took its place or its building was given up; its tables are dropped some minutes later.';
COMMENT ON COLUMN generations.dropped_at IS 'When its tables were dropped.';

CREATE TABLE live (
  only_row boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (only_row),
  number   integer REFERENCES generations
);
COMMENT ON TABLE live IS 'The live generation, which every answer comes from. One row.';
COMMENT ON COLUMN live.only_row IS 'Keeps the table at one row.';
COMMENT ON COLUMN live.number IS 'Number of the live generation; null before the first.';

INSERT INTO live (number) VALUES (NULL);
