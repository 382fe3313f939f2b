-- +goose Up

-- A wrapping key that a refused event's key is under can't be destroyed, as one
-- can't that a user's is under.
ALTER TABLE refused ADD FOREIGN KEY (wrapping_key) REFERENCES vault_keys (id);
