-- One generation of the read models, in PostgreSQL, in a schema of its own. For
-- SQL of one's own there are the views of the schema boxoffice, which stay
-- where they are and always show the live generation.
--
-- The file of the same name for SQLite is the same in the other engine: a
-- change goes into both. It goes into this file, and not into a further one:
-- a generation is never migrated but rebuilt, because FoldVersion moves.
--
-- Indexes stand in 00002_indexes.sql: a generation that is filled in bulk gets
-- them when its rows are there, any other at once. Only tables that are written
-- to by key meanwhile have their key here.

-- +goose Up
CREATE TABLE generation (
  only_row      boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
  position      bigint      NOT NULL,
  epoch         text        NOT NULL,
  recorded_at   timestamptz,
  time_zone     text        NOT NULL,
  fold_version  integer     NOT NULL,
  lease_token   uuid,
  lease_holder  text,
  lease_until   timestamptz
);
COMMENT ON TABLE generation IS 'Where this generation stands, and who projects into it. One row.';
COMMENT ON COLUMN generation.only_row IS 'Keeps the table at one row.';
COMMENT ON COLUMN generation.position IS 'Position in the log up to which the read models hold every event.';
COMMENT ON COLUMN generation.epoch IS 'Epoch of the log that the position belongs to.';
COMMENT ON COLUMN generation.recorded_at IS 'When the event at the position was recorded; null before the first.';
COMMENT ON COLUMN generation.time_zone IS 'IANA name of the platform''s time zone, in which months are counted.';
COMMENT ON COLUMN generation.fold_version IS 'Version of the code that made these rows.';
COMMENT ON COLUMN generation.lease_token IS 'Proves that a projector holds the lease; null where nobody does.';
COMMENT ON COLUMN generation.lease_holder IS 'Name of the process that holds the lease, for people.';
COMMENT ON COLUMN generation.lease_until IS 'When the lease ends unless it is renewed, on the database''s clock.';

CREATE TABLE users (
  user_key       uuid        NOT NULL,
  id             text        COLLATE "C",
  first_event_at timestamptz NOT NULL,
  registered_at  timestamptz,
  updated_at     timestamptz,
  email          text,
  first_name     text,
  last_name      text,
  locale         text,
  country        text,
  platform       text,
  custom         json        NOT NULL,
  search_name    text        COLLATE "C",
  search_email   text        COLLATE "C",
  search_id      text        COLLATE "C",
  status         text        COLLATE "C" NOT NULL,
  status_since   timestamptz NOT NULL,
  status_from    timestamptz NOT NULL,
  status_until   timestamptz
) WITH (fillfactor = 85);
-- The planner needs no samples of what people entered, and they would outlive
-- their rows in the server's statistics.
ALTER TABLE users ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN email SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN first_name SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN last_name SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN locale SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN country SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN platform SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN custom SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN search_name SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN search_email SET STATISTICS 0;
ALTER TABLE users ALTER COLUMN search_id SET STATISTICS 0;
COMMENT ON TABLE users IS 'Users with their profile and status. The row of an erased user stays, with nothing personal in it.';
COMMENT ON COLUMN users.user_key IS 'The user''s pseudonym, random; the same in every table and in the log.';
COMMENT ON COLUMN users.id IS 'The user''s id on the platform; null for an erased user.';
COMMENT ON COLUMN users.first_event_at IS 'Time of the first event about the user.';
COMMENT ON COLUMN users.registered_at IS 'Time of the first registration; null where none is recorded yet.';
COMMENT ON COLUMN users.updated_at IS 'Time of the latest registration or profile update; null where none is recorded yet.';
COMMENT ON COLUMN users.email IS 'E-mail address.';
COMMENT ON COLUMN users.first_name IS 'First name.';
COMMENT ON COLUMN users.last_name IS 'Last name.';
COMMENT ON COLUMN users.locale IS 'Language and region.';
COMMENT ON COLUMN users.country IS 'Country.';
COMMENT ON COLUMN users.platform IS 'Platform on which the user registered.';
COMMENT ON COLUMN users.custom IS 'The platform''s own registration fields, an object with sorted keys; json and not jsonb, so that numbers stay as they were written.';
COMMENT ON COLUMN users.search_name IS 'First name, a blank and last name, case-folded, for searching.';
COMMENT ON COLUMN users.search_email IS 'E-mail address, case-folded, for searching.';
COMMENT ON COLUMN users.search_id IS 'Id, case-folded, for searching.';
COMMENT ON COLUMN users.status IS 'registered, active or canceled, at every instant from status_from on and before status_until.';
COMMENT ON COLUMN users.status_since IS 'Since when the user has had the status.';
COMMENT ON COLUMN users.status_from IS 'First instant at which status and status_since hold.';
COMMENT ON COLUMN users.status_until IS 'First instant at which they no longer hold; null: never.';

-- What stands in status_from and status_until of users, once more: a renewal
-- changes nothing else of a user, and would be written into every index of
-- users if one of them had it.
CREATE TABLE status_terms (
  user_key uuid        NOT NULL,
  from_at  timestamptz NOT NULL,
  until_at timestamptz
);
COMMENT ON TABLE status_terms IS 'For how long the row of each user in users holds the status: status_from and status_until, to find by index the rows that don''t hold it at an instant. For the service alone.';
COMMENT ON COLUMN status_terms.user_key IS 'The user.';
COMMENT ON COLUMN status_terms.from_at IS 'status_from of the user.';
COMMENT ON COLUMN status_terms.until_at IS 'status_until of the user; null: never.';

CREATE TABLE user_facts (
  user_key uuid  NOT NULL,
  facts    bytea NOT NULL
);
ALTER TABLE user_facts ALTER COLUMN facts SET STATISTICS 0;
COMMENT ON TABLE user_facts IS 'The facts that decide all that the read models say of a user, except their viewing sessions.';
COMMENT ON COLUMN user_facts.user_key IS 'The user.';
COMMENT ON COLUMN user_facts.facts IS 'Binary form, for the service alone.';

CREATE TABLE entitlements (
  user_key          uuid   NOT NULL,
  kind              text   COLLATE "C" NOT NULL,
  id                text   COLLATE "C" NOT NULL,
  offer_id          text,
  offer_name        text,
  content_id        text,
  title             text,
  rental_kind       text,
  amount            bigint,
  currency          text,
  "interval"        text,
  interval_count    bigint,
  payment_interface text
);
COMMENT ON TABLE entitlements IS 'Subscriptions, rentals and free copies. When they ran is in periods.';
COMMENT ON COLUMN entitlements.user_key IS 'The user.';
COMMENT ON COLUMN entitlements.kind IS 'subscription, rental or free_copy.';
COMMENT ON COLUMN entitlements.id IS 'The subscription_id, rental_id or free_copy_id.';
COMMENT ON COLUMN entitlements.offer_id IS 'Offer.';
COMMENT ON COLUMN entitlements.offer_name IS 'Name of the offer.';
COMMENT ON COLUMN entitlements.content_id IS 'Content, of a rental or a free copy.';
COMMENT ON COLUMN entitlements.title IS 'Title of the content.';
COMMENT ON COLUMN entitlements.rental_kind IS 'rental or purchase; null for what is no rental.';
COMMENT ON COLUMN entitlements.amount IS 'Price in minor units (cents).';
COMMENT ON COLUMN entitlements.currency IS 'Currency, ISO 4217.';
COMMENT ON COLUMN entitlements."interval" IS 'What the price is paid for: day, week, month, quarter or year.';
COMMENT ON COLUMN entitlements.interval_count IS 'For how many of them.';
COMMENT ON COLUMN entitlements.payment_interface IS 'How it is paid.';

CREATE TABLE periods (
  user_key     uuid        NOT NULL,
  kind         text        COLLATE "C" NOT NULL,
  id           text        COLLATE "C" NOT NULL,
  n            integer     NOT NULL,
  from_at      timestamptz NOT NULL,
  to_at        timestamptz,
  trial_end_at timestamptz,
  trial_to     timestamptz,
  canceled_at  timestamptz,
  past_due_at  timestamptz,
  paused       boolean     NOT NULL,
  resumes_at   timestamptz,
  reason       text,
  comment      text
);
ALTER TABLE periods ALTER COLUMN comment SET STATISTICS 0;
COMMENT ON TABLE periods IS 'When an entitlement ran. One that ends where it begins is empty and counts for nothing.';
COMMENT ON COLUMN periods.user_key IS 'The user.';
COMMENT ON COLUMN periods.kind IS 'subscription, rental or free_copy.';
COMMENT ON COLUMN periods.id IS 'The subscription_id, rental_id or free_copy_id.';
COMMENT ON COLUMN periods.n IS 'Number of the period in its entitlement, from 1, in the order in which they began.';
COMMENT ON COLUMN periods.from_at IS 'First instant.';
COMMENT ON COLUMN periods.to_at IS 'First instant after the last; null: never.';
COMMENT ON COLUMN periods.trial_end_at IS 'End of the trial as the platform gave it; null: no trial.';
COMMENT ON COLUMN periods.trial_to IS 'First instant after the trial, which begins with the period; null: no trial.';
COMMENT ON COLUMN periods.canceled_at IS 'When the cancellation of the period was requested; null: it has none.';
COMMENT ON COLUMN periods.past_due_at IS 'Since when a payment for the period is missing; null: none is known to be.';
COMMENT ON COLUMN periods.paused IS 'Whether a pause ends or has ended the period.';
COMMENT ON COLUMN periods.resumes_at IS 'When a paused period is to go on; null: not known.';
COMMENT ON COLUMN periods.reason IS 'Reason of the cancellation; paused or non_payment where there is none and the period is paused or past due.';
COMMENT ON COLUMN periods.comment IS 'Comment of what the reason comes from; null for an erased user.';

CREATE TABLE access_spans (
  user_key uuid        NOT NULL,
  from_at  timestamptz NOT NULL,
  to_at    timestamptz
);
COMMENT ON TABLE access_spans IS 'When a user had access: the periods of all their entitlements, united.';
COMMENT ON COLUMN access_spans.user_key IS 'The user.';
COMMENT ON COLUMN access_spans.from_at IS 'First instant.';
COMMENT ON COLUMN access_spans.to_at IS 'First instant after the last; null: never.';

CREATE TABLE trial_spans (
  user_key uuid        NOT NULL,
  from_at  timestamptz NOT NULL,
  to_at    timestamptz
);
COMMENT ON TABLE trial_spans IS 'When a user was in a trial: the trials of all their subscriptions, united.';
COMMENT ON COLUMN trial_spans.user_key IS 'The user.';
COMMENT ON COLUMN trial_spans.from_at IS 'First instant.';
COMMENT ON COLUMN trial_spans.to_at IS 'First instant after the last; null: never.';

CREATE TABLE kpi_changes (
  counter text        COLLATE "C" NOT NULL,
  at      timestamptz NOT NULL,
  delta   bigint      NOT NULL,
  PRIMARY KEY (counter, at)
);
COMMENT ON TABLE kpi_changes IS 'The ledger of the figures: by how much each counter changes at each instant, over all users. active, trial and users:* stand, at an instant, at the sum of all up to and including it; registered, unsubscribed:* and cancellations are summed over a month.';
COMMENT ON COLUMN kpi_changes.counter IS 'The counter. One that begins with erased: has the part of the other that is of erased users.';
COMMENT ON COLUMN kpi_changes.at IS 'The instant.';
COMMENT ON COLUMN kpi_changes.delta IS 'The change, never zero.';

CREATE TABLE kpi_hours (
  counter text        COLLATE "C" NOT NULL,
  from_at timestamptz NOT NULL,
  delta   bigint      NOT NULL,
  PRIMARY KEY (counter, from_at)
);
COMMENT ON TABLE kpi_hours IS 'kpi_changes summed by hour.';
COMMENT ON COLUMN kpi_hours.counter IS 'The counter.';
COMMENT ON COLUMN kpi_hours.from_at IS 'First instant of the hour. Hours are counted from the first instant of their month, so that none reaches over a month''s end; the last of a month may be shorter.';
COMMENT ON COLUMN kpi_hours.delta IS 'The change over the hour, never zero.';

CREATE TABLE kpi_months (
  counter text        COLLATE "C" NOT NULL,
  from_at timestamptz NOT NULL,
  delta   bigint      NOT NULL,
  PRIMARY KEY (counter, from_at)
);
COMMENT ON TABLE kpi_months IS 'kpi_changes summed by month.';
COMMENT ON COLUMN kpi_months.counter IS 'The counter.';
COMMENT ON COLUMN kpi_months.from_at IS 'First instant of the month in the platform''s time zone.';
COMMENT ON COLUMN kpi_months.delta IS 'The change over the month, never zero.';

CREATE TABLE kpi_members (
  counter  text        COLLATE "C" NOT NULL,
  at       timestamptz NOT NULL,
  user_key uuid        NOT NULL,
  delta    bigint      NOT NULL,
  month_at timestamptz NOT NULL,
  registered_at timestamptz,
  id       text        COLLATE "C"
);
ALTER TABLE kpi_members ALTER COLUMN id SET STATISTICS 0;
COMMENT ON TABLE kpi_members IS 'Who is counted in registered, unsubscribed:* and cancellations: kpi_changes of these, user by user. A user is a member of a month at an instant where the sum over the month up to then is above zero. Members of active and trial are found in access_spans and trial_spans.';
COMMENT ON COLUMN kpi_members.counter IS 'The counter.';
COMMENT ON COLUMN kpi_members.at IS 'The instant.';
COMMENT ON COLUMN kpi_members.user_key IS 'The user.';
COMMENT ON COLUMN kpi_members.delta IS 'The change, never zero.';
COMMENT ON COLUMN kpi_members.month_at IS 'First instant of the month that it is counted in, in the platform''s time zone.';
COMMENT ON COLUMN kpi_members.registered_at IS 'As in users, for the order of the members of a month.';
COMMENT ON COLUMN kpi_members.id IS 'As in users, for the same; null for an erased user.';

CREATE TABLE sessions (
  session_key       uuid        NOT NULL,
  user_key          uuid        NOT NULL,
  session_id        text        COLLATE "C" NOT NULL,
  content_id        text        COLLATE "C" NOT NULL,
  title             text,
  started_at        timestamptz NOT NULL,
  last_event_at     timestamptz NOT NULL,
  ended             boolean     NOT NULL,
  duration_ms       bigint      NOT NULL,
  watched_ms        bigint      NOT NULL,
  content_length_ms bigint,
  completion_rate   integer,
  completed         boolean,
  position_ms       bigint,
  device            text,
  platform          text,
  facts             bytea       NOT NULL
) WITH (fillfactor = 80);
COMMENT ON TABLE sessions IS 'Viewing sessions: what one user played of one content in one session of a player.';
COMMENT ON COLUMN sessions.session_key IS 'Hash of user_key, session_id and content_id, which are the identity of a session.';
COMMENT ON COLUMN sessions.user_key IS 'The user; one without an id in users was erased.';
COMMENT ON COLUMN sessions.session_id IS 'The player''s session.';
COMMENT ON COLUMN sessions.content_id IS 'The content.';
COMMENT ON COLUMN sessions.title IS 'Title of the content.';
COMMENT ON COLUMN sessions.started_at IS 'Time of the earliest report.';
COMMENT ON COLUMN sessions.last_event_at IS 'Time of the latest report.';
COMMENT ON COLUMN sessions.ended IS 'The latest report says that viewing ended. Where it doesn''t, the session is in progress until the session timeout has passed since last_event_at, and abandoned from then on.';
COMMENT ON COLUMN sessions.duration_ms IS 'How long it played, in milliseconds.';
COMMENT ON COLUMN sessions.watched_ms IS 'How much of the content was played, parts played twice counted once, in milliseconds.';
COMMENT ON COLUMN sessions.content_length_ms IS 'Length of the content in milliseconds; null for live content.';
COMMENT ON COLUMN sessions.completion_rate IS 'watched of length in ten-thousandths; null without a length.';
COMMENT ON COLUMN sessions.completed IS 'At least nine tenths were watched; null without a length.';
COMMENT ON COLUMN sessions.position_ms IS 'The playhead in milliseconds, from the latest report that has it.';
COMMENT ON COLUMN sessions.device IS 'Device.';
COMMENT ON COLUMN sessions.platform IS 'Platform.';
COMMENT ON COLUMN sessions.facts IS 'The facts that decide the row, in binary form, for the service alone.';
