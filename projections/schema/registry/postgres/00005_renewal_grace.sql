-- +goose Up
ALTER TABLE generations ADD COLUMN renewal_grace bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN generations.renewal_grace IS 'The platform''s renewal grace that it was built with, in microseconds.';
