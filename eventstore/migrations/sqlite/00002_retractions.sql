-- +goose Up

CREATE INDEX events_retractions ON events (user_key, position) WHERE type = 'event.retracted';
