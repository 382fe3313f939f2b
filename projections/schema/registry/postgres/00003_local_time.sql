-- Two functions for people's own SQL, between instants and what the clocks of
-- the platform show. PostgreSQL's AT TIME ZONE alone isn't enough: of a time
-- that a clock shows twice it takes the second, where the rules take the first.
-- SQLite has no such file: nobody but the service reads there.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION local_time(instant timestamptz) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT instant AT TIME ZONE g.time_zone
  FROM boxoffice.live l JOIN boxoffice.generations g ON g.number = l.number
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION local_time IS 'What the clocks of the platform''s time zone show at an instant.';

-- +goose StatementBegin
CREATE FUNCTION first_instant(shown timestamp) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN e.earlier AT TIME ZONE z.name = shown THEN e.earlier ELSE z.later END
  FROM boxoffice.live l
  JOIN boxoffice.generations g ON g.number = l.number
  CROSS JOIN LATERAL (SELECT g.time_zone AS name, shown AT TIME ZONE g.time_zone AS later) z
  -- What the clocks were ahead of UTC by a day before. Where they were put back
  -- since, that is how they first showed a time that they showed twice.
  CROSS JOIN LATERAL (SELECT z.later - interval '24 hours' AS at) day_before
  CROSS JOIN LATERAL (SELECT (day_before.at AT TIME ZONE z.name) - (day_before.at AT TIME ZONE 'UTC') AS ahead) o
  CROSS JOIN LATERAL (SELECT (shown - o.ahead) AT TIME ZONE 'UTC' AS earlier) e
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION first_instant IS 'The instant at which the clocks of the platform''s time zone show a time: the first of two, and where they skip it, as they would have shown it had they not jumped.';
