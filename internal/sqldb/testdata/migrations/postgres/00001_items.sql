-- +goose Up
CREATE TABLE items (
    n    bigint PRIMARY KEY,
    at   timestamptz,
    key  uuid,
    body bytea
);
