-- +goose Up
ALTER TABLE generations ADD COLUMN forgotten_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE generations ADD COLUMN forgotten_epoch TEXT NOT NULL DEFAULT '';
