-- +goose Up
ALTER TABLE generations ADD COLUMN forgotten_to bigint NOT NULL DEFAULT 0;
ALTER TABLE generations ADD COLUMN forgotten_epoch text NOT NULL DEFAULT '';
COMMENT ON COLUMN generations.forgotten_to IS 'Who was erased up to this position of the log has been forgotten here too, though nothing follows the log into it any more.';
COMMENT ON COLUMN generations.forgotten_epoch IS 'Epoch of the log that forgotten_to is a position of.';
