-- +goose Up
ALTER TABLE generations ADD COLUMN renewal_grace INTEGER NOT NULL DEFAULT 0;
