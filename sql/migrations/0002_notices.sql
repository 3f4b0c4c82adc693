-- Notices get a place, people and units can be reached outside the pages, and what is wrong with the watch is an alarm.

CREATE SEQUENCE notice_places;
ALTER TABLE notices DROP COLUMN attempts;
ALTER TABLE notices ALTER COLUMN ticket_id DROP NOT NULL;
ALTER TABLE notices ADD COLUMN place bigint CONSTRAINT notices_have_a_place_of_their_own UNIQUE;
UPDATE notices SET place = old.number
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM notices WHERE try_at IS NULL) old
 WHERE notices.id = old.id;
SELECT setval('notice_places', greatest(1, (SELECT max(place) FROM notices)));
ALTER TABLE notices ADD CONSTRAINT only_alarms_are_about_no_ticket CHECK (ticket_id IS NOT NULL OR kind LIKE 'alarm%');
ALTER TABLE notices ADD CONSTRAINT placed_notices_wait_no_more CHECK ((place IS NULL) = (try_at IS NOT NULL));
DROP INDEX notices_to_deliver;
CREATE INDEX notices_to_place ON notices (id) WHERE try_at IS NOT NULL;
CREATE INDEX notices_by_place ON notices (department, place);
COMMENT ON COLUMN notices.place IS 'Its place in the order in which notices were handed out; given under one lock, so nothing ever comes in before it later.';
COMMENT ON COLUMN notices.seen_at IS 'When the first of those whom it is for had it before them.';

CREATE TABLE notice_marks (
    person text PRIMARY KEY REFERENCES people,
    place bigint NOT NULL,
    at timestamptz NOT NULL
);
COMMENT ON TABLE notice_marks IS 'Up to which place each person has had the notices before them; what comes after is new to them.';

CREATE TABLE contacts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person text REFERENCES people,
    department text REFERENCES departments,
    role text,
    channel text NOT NULL CONSTRAINT contacts_have_a_known_channel CHECK (channel IN ('webhook', 'wecom', 'sms', 'mail')),
    address_sealed bytea NOT NULL,
    address_hash bytea NOT NULL,
    kinds text[] NOT NULL DEFAULT '{}',
    active boolean NOT NULL DEFAULT true,
    CONSTRAINT contacts_belong_to_a_person_or_to_a_unit CHECK ((person IS NULL) <> (department IS NULL)),
    CONSTRAINT only_contacts_of_units_name_a_role CHECK (role IS NULL OR department IS NOT NULL),
    CONSTRAINT an_address_is_entered_once UNIQUE NULLS NOT DISTINCT (person, department, channel, address_hash)
);
COMMENT ON TABLE contacts IS 'Where officials and units are reached outside the pages; addresses only sealed. No kinds: all of them.';
CREATE INDEX contacts_of_department ON contacts (department) WHERE active AND department IS NOT NULL;
CREATE INDEX people_of_department ON people (department) WHERE active;

CREATE TABLE deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id bigint NOT NULL REFERENCES notices,
    contact_id bigint NOT NULL REFERENCES contacts,
    ticket_id bigint,
    state text NOT NULL CONSTRAINT deliveries_have_a_known_state CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    try_at timestamptz,
    ended_at timestamptz,
    last_error text,
    CONSTRAINT a_contact_gets_a_notice_once UNIQUE (notice_id, contact_id),
    CONSTRAINT only_waiting_deliveries_are_tried CHECK ((state = 'waiting') = (try_at IS NOT NULL)),
    CONSTRAINT ended_deliveries_say_when CHECK ((state = 'waiting') = (ended_at IS NULL))
);
COMMENT ON TABLE deliveries IS 'Each notice on its way to each contact 送达, with a state of its own; putting try_at off is how a sender claims it.';
CREATE INDEX deliveries_to_try ON deliveries (try_at, id) WHERE state = 'waiting';
CREATE INDEX deliveries_in_order ON deliveries (contact_id, ticket_id, id) WHERE state = 'waiting';
CREATE INDEX deliveries_failed ON deliveries (ended_at) WHERE state = 'failed';

CREATE TABLE alarms (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT alarms_have_a_known_kind CHECK (kind IN ('dead', 'silent', 'behind', 'delivery', 'look')),
    subject text NOT NULL,
    facts jsonb NOT NULL,
    raised_at timestamptz NOT NULL,
    ended_at timestamptz
);
COMMENT ON TABLE alarms IS 'What was wrong with the watch itself, one row an episode: no worker, one silent, behind, a contact not reached, a look that fails.';
CREATE UNIQUE INDEX an_alarm_is_raised_once_an_episode ON alarms (kind, subject) WHERE ended_at IS NULL;
