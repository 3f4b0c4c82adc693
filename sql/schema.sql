-- The schema as it is now; migrations/ lead here, and a test proves it. Times are timestamptz and come from the
-- service: nothing here asks for the present time. Codes are text with a check; the nouns are in dispatch/model.py.

CREATE TABLE areas (
    code text PRIMARY KEY,
    name text NOT NULL,
    parent text REFERENCES areas
);
COMMENT ON TABLE areas IS 'Every administrative division 行政区划 there ever was, as last published; what rules is in rulebook_parts. 00 is the city.';

CREATE TABLE departments (
    code text PRIMARY KEY,
    name text NOT NULL,
    level text NOT NULL CONSTRAINT departments_have_a_known_level
        CHECK (level IN ('hotline', 'city', 'utility', 'county', 'town')),
    parent text REFERENCES departments,
    area text NOT NULL REFERENCES areas,
    CONSTRAINT departments_are_not_their_own_superior CHECK (parent <> code)
);
COMMENT ON TABLE departments IS 'Every unit 承办单位 there ever was, as last published: city, county, town, the hotline itself; what rules is in rulebook_parts.';

CREATE TABLE categories (
    code text PRIMARY KEY CONSTRAINT categories_have_two_four_or_six_digits CHECK (code ~ '^(\d\d){1,3}$'),
    name text NOT NULL,
    departmental boolean NOT NULL DEFAULT false,
    sensitive boolean NOT NULL DEFAULT false,
    statutory text,
    basis text NOT NULL DEFAULT ''
);
COMMENT ON TABLE categories IS 'Every kind of matter 事项分类 there ever was, as last published; what rules is in rulebook_parts. A prefix is the broader kind.';

CREATE TABLE rulebook_parts (
    part text NOT NULL CONSTRAINT rulebook_parts_are_known
        CHECK (part IN ('calendar', 'allowances', 'catalogue', 'policy', 'refusals', 'risk_words', 'ladder',
                        'areas', 'departments', 'categories')),
    version integer NOT NULL,
    body jsonb NOT NULL,
    source text NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL,
    drafted_by text,
    effective_at timestamptz,
    PRIMARY KEY (part, version),
    CONSTRAINT rules_are_published_by_another_than_their_drafter CHECK (drafted_by <> published_by),
    CONSTRAINT only_founding_rules_have_no_drafter CHECK (version = 1 OR part = 'calendar' OR drafted_by IS NOT NULL)
);
COMMENT ON TABLE rulebook_parts IS 'Dated versions of what a city changes without a release; never changed once published.';
COMMENT ON COLUMN rulebook_parts.effective_at IS 'From when the version rules; null: from its publication on.';

CREATE TABLE people (
    id text PRIMARY KEY CONSTRAINT people_have_a_plain_log_in_name CHECK (id ~ '^[a-z0-9_.-]{2,40}$'),
    name text NOT NULL,
    role text NOT NULL CONSTRAINT people_have_a_known_role CHECK (role IN
        ('agent', 'dispatcher', 'handler', 'head', 'follow_up', 'supervisor', 'analyst', 'administrator')),
    department text NOT NULL REFERENCES departments,
    password_hash text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    password_until timestamptz
);
COMMENT ON TABLE people IS 'Who may log in, in which role and for which department; passwords are argon2id hashes.';
COMMENT ON COLUMN people.password_until IS 'Until when a password that an administrator gave out serves; null for one of the person''s own.';

CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    person text NOT NULL REFERENCES people,
    csrf text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE sessions IS 'Who is logged in; the token itself is known to the browser only. Redis caches these rows.';
-- Serves: sessions_expired.
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Ticket serials are taken in blocks of 100 by each process; within one second a million are enough.
CREATE SEQUENCE ticket_serials AS integer MINVALUE 0 MAXVALUE 999999 START 0 INCREMENT 100 CYCLE;

-- A fair share of a text's grams, by which likeness is guessed at a quarter of the cost; all of them where they are few.
CREATE FUNCTION sample_of(grams integer[]) RETURNS integer[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN cardinality(grams) <= 48 THEN grams
                ELSE (SELECT coalesce(array_agg(gram), '{}') FROM unnest(grams) AS own(gram) WHERE gram % 4 = 0) END
$$;

CREATE TABLE tickets (
    id bigint PRIMARY KEY CONSTRAINT ticket_numbers_have_18_digits CHECK (id BETWEEN 100000000000000000 AND 999999999999999999),
    version integer NOT NULL CONSTRAINT versions_count_from_one CHECK (version >= 1),
    state text NOT NULL CONSTRAINT tickets_have_a_known_state
        CHECK (state IN ('received', 'analysis', 'handling', 'review', 'follow_up', 'closed')),
    type text NOT NULL CONSTRAINT tickets_have_a_known_type
        CHECK (type IN ('consult', 'help', 'complaint', 'report', 'suggest', 'praise', 'invalid')),
    urgency text NOT NULL CONSTRAINT tickets_have_a_known_urgency CHECK (urgency IN ('normal', 'urgent', 'critical')),
    category text REFERENCES categories,
    area text REFERENCES areas,
    owner text NOT NULL DEFAULT '',
    confidential boolean NOT NULL DEFAULT false,
    sensitive boolean NOT NULL DEFAULT false,
    reported text REFERENCES departments,
    outcome text CONSTRAINT tickets_have_a_known_outcome CHECK (outcome IN ('answered', 'resolved', 'explained',
        'not_accepted', 'terminated', 'withdrawn', 'merged', 'handed_over')),
    cycle integer NOT NULL DEFAULT 0,
    returns integer NOT NULL DEFAULT 0,
    returned_by text[] NOT NULL DEFAULT '{}',
    merged_into bigint REFERENCES tickets,
    urged_at timestamptz,
    bad_rating_at timestamptz,
    received_at timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    due_at timestamptz,
    channel text NOT NULL CONSTRAINT tickets_have_a_known_channel CHECK (channel IN ('phone', 'website', 'wechat', 'app',
        'mail', 'sms', 'weibo', 'province', 'police_110', 'petition', 'inspection', 'leader', 'visit')),
    source text NOT NULL,
    outside_id text,
    title text NOT NULL,
    text text NOT NULL,
    original_sealed bytea,
    place text NOT NULL DEFAULT '',
    opened_by text NOT NULL,
    judged boolean NOT NULL DEFAULT false,
    suggestion jsonb,
    urges integer NOT NULL DEFAULT 0,
    CONSTRAINT tickets_from_elsewhere_keep_their_number UNIQUE (source, outside_id),
    CONSTRAINT upstream_tickets_have_an_upstream_number CHECK (source = 'local' OR outside_id IS NOT NULL),
    CONSTRAINT closed_tickets_and_only_they_have_an_outcome CHECK ((state = 'closed') = (outcome IS NOT NULL)),
    CONSTRAINT merged_tickets_and_only_they_point_to_another CHECK ((outcome = 'merged') IS TRUE = (merged_into IS NOT NULL)),
    CONSTRAINT tickets_are_not_merged_into_themselves CHECK (merged_into <> id),
    CONSTRAINT sent_tickets_have_a_category CHECK (state NOT IN ('handling', 'review') OR category IS NOT NULL)
);
COMMENT ON TABLE tickets IS 'One matter 工单 as its last event left it; the text has its phone and identity numbers masked.';
COMMENT ON COLUMN tickets.due_at IS 'The earliest due time of the clocks that run against anybody; null when none runs.';
-- Serves: board_of_state, the hotline''s own queues, soonest due first.
CREATE INDEX tickets_by_state ON tickets (state, due_at, id) WHERE state <> 'closed';
-- Serves: unjudged_tickets, what the worker must judge.
CREATE INDEX tickets_unjudged ON tickets (id) WHERE NOT judged AND state = 'received';
-- Serves: merged_tickets, the callers of a family.
CREATE INDEX tickets_by_merge ON tickets (merged_into) WHERE merged_into IS NOT NULL;
-- Serves: direct_answers, what callers with the like matter were told.
CREATE INDEX tickets_answered ON tickets (category, id DESC) WHERE outcome = 'answered';
-- Serves: newest_of_matter, the newest that are open about the same matter.
CREATE INDEX tickets_by_matter ON tickets (category, id DESC) WHERE state <> 'closed';
-- Serves: newest_of_matter, the newest that are open about the same matter in one place.
CREATE INDEX tickets_by_matter_and_place ON tickets (category, area, id DESC) WHERE state <> 'closed';

CREATE TABLE ticket_grams (
    ticket_id bigint PRIMARY KEY REFERENCES tickets,
    grams integer[] NOT NULL,
    sample integer[] NOT NULL
);
COMMENT ON TABLE ticket_grams IS 'What searching and likeness read of a ticket; apart from it, for its row changes and this never does.';
COMMENT ON COLUMN ticket_grams.grams IS 'Every two neighbouring characters of title, text and place, both 16-bit code units in one integer.';
COMMENT ON COLUMN ticket_grams.sample IS 'A quarter of the grams, the same quarter in every text; all of them where they are few.';
-- Serves: search_tickets: a two-character word is one element, for which a trigram index is no help.
CREATE INDEX tickets_by_gram ON ticket_grams USING gin (grams) WITH (fastupdate = on);

CREATE TABLE callers (
    ticket_id bigint NOT NULL REFERENCES tickets,
    number integer NOT NULL,
    reachable boolean NOT NULL,
    real_name boolean NOT NULL,
    wants_visit boolean NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    visited boolean NOT NULL DEFAULT false,
    rating text CONSTRAINT ratings_have_five_levels CHECK (rating IN ('very_good', 'good', 'fair', 'bad', 'very_bad')),
    origin bigint REFERENCES tickets,
    name_sealed bytea,
    phone_sealed bytea,
    address_sealed bytea,
    phone_hash bytea,
    name_hash bytea,
    PRIMARY KEY (ticket_id, number),
    CONSTRAINT reachable_callers_have_a_phone CHECK (NOT reachable OR phone_sealed IS NOT NULL)
);
COMMENT ON TABLE callers IS 'Who raised a matter 诉求人; name, phone and address only sealed, to be found by keyed hash.';
-- Serves: tickets_of_phone, earlier tickets of a caller.
CREATE INDEX callers_by_phone ON callers (phone_hash, ticket_id) WHERE phone_hash IS NOT NULL;
-- Serves: tickets_of_name.
CREATE INDEX callers_by_name ON callers (name_hash, ticket_id) WHERE name_hash IS NOT NULL;

CREATE TABLE assignments (
    ticket_id bigint NOT NULL REFERENCES tickets,
    number integer NOT NULL,
    department text NOT NULL REFERENCES departments,
    duty text NOT NULL CONSTRAINT assignments_are_lead_or_co CHECK (duty IN ('lead', 'co')),
    state text NOT NULL CONSTRAINT assignments_have_a_known_state
        CHECK (state IN ('sent', 'accepted', 'replied', 'returned', 'withdrawn')),
    sent_at timestamptz NOT NULL,
    parent integer,
    designated boolean NOT NULL DEFAULT false,
    sent_cycle integer NOT NULL DEFAULT 0,
    accepted_at timestamptz,
    contacted_at timestamptz,
    replied_at timestamptz,
    solved boolean,
    extensions integer NOT NULL DEFAULT 0,
    promised_for timestamptz,
    due_at timestamptz,
    PRIMARY KEY (ticket_id, number),
    CONSTRAINT parents_are_assignments_of_the_same_ticket FOREIGN KEY (ticket_id, parent) REFERENCES assignments,
    CONSTRAINT open_assignments_have_a_due_time CHECK ((state IN ('sent', 'accepted')) = (due_at IS NOT NULL)),
    CONSTRAINT replied_assignments_say_when CHECK (state <> 'replied' OR replied_at IS NOT NULL)
);
COMMENT ON TABLE assignments IS 'One department''s duty on a ticket 承办单: lead or co; a child is a second-level dispatch.';
COMMENT ON COLUMN assignments.due_at IS 'When the unit must next do something: sign, contact, answer, answer an order, tell the caller; null when it is done.';
-- One live lead a ticket, whatever two dispatchers do at once.
CREATE UNIQUE INDEX tickets_have_one_live_lead ON assignments (ticket_id)
    WHERE duty = 'lead' AND parent IS NULL AND state IN ('sent', 'accepted', 'replied');
-- Serves: board_of_department: a department''s open list, soonest due first.
CREATE INDEX assignments_of_department ON assignments (department, due_at, ticket_id) WHERE state IN ('sent', 'accepted');
-- Serves: may_see: whether a department has, or had, a part in a ticket.
CREATE INDEX assignments_by_department ON assignments (department, ticket_id);

CREATE TABLE requests (
    ticket_id bigint NOT NULL REFERENCES tickets,
    number integer NOT NULL,
    kind text NOT NULL CONSTRAINT requests_have_a_known_kind 
        CHECK (kind IN ('return', 'extension', 'pause', 'promise', 'termination')),
    assignment integer NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    reason text NOT NULL,
    reason_code text,
    basis text NOT NULL DEFAULT '',
    suggested text REFERENCES departments,
    working_days integer,
    until timestamptz,
    decision text NOT NULL CONSTRAINT requests_have_a_known_decision
        CHECK (decision IN ('pending', 'approved', 'rejected', 'moot')),
    decided_at timestamptz,
    decided_by text,
    answer text NOT NULL DEFAULT '',
    cycle integer NOT NULL DEFAULT 0,
    pause_code text,
    approver text,
    ended_at timestamptz,
    told_at timestamptz,
    PRIMARY KEY (ticket_id, number),
    FOREIGN KEY (ticket_id, assignment) REFERENCES assignments,
    CONSTRAINT pauses_have_a_reason_and_a_length CHECK (kind <> 'pause' OR (pause_code IS NOT NULL AND working_days > 0)),
    CONSTRAINT granted_pauses_have_an_end CHECK (kind <> 'pause' OR decision <> 'approved' OR until IS NOT NULL),
    CONSTRAINT returns_have_a_reason_code CHECK (kind <> 'return' OR reason_code IS NOT NULL),
    CONSTRAINT extensions_have_a_length CHECK (kind <> 'extension' OR working_days > 0),
    CONSTRAINT promises_have_a_date CHECK (kind <> 'promise' OR until IS NOT NULL)
);
COMMENT ON TABLE requests IS 'What a department asked for: return 退单, extension 延期, pause 暂停计时, promise 承诺, termination 终止.';
-- An assignment has at most one undecided request, whatever two handlers do at once.
CREATE UNIQUE INDEX assignments_have_one_pending_request ON requests (ticket_id, assignment) WHERE decision = 'pending';
-- Serves: pending_requests, what the hotline must decide.
CREATE INDEX requests_pending ON requests (asked_at, ticket_id, number) WHERE decision = 'pending';

CREATE TABLE orders (
    ticket_id bigint NOT NULL REFERENCES tickets,
    number integer NOT NULL,
    assignment integer NOT NULL,
    rung text NOT NULL CONSTRAINT orders_have_a_known_rung 
        CHECK (rung IN ('order', 'listed', 'summoned', 'circulated', 'transferred')),
    issued_by text NOT NULL,
    issued_at timestamptz NOT NULL,
    demand text NOT NULL,
    answered_at timestamptz,
    answer text NOT NULL DEFAULT '',
    lapsed boolean NOT NULL DEFAULT false,
    joint integer,
    returned integer NOT NULL DEFAULT 0,
    remark text NOT NULL DEFAULT '',
    accepted_at timestamptz,
    escalated boolean NOT NULL DEFAULT false,
    body text CONSTRAINT transfers_go_to_a_known_body CHECK (body IN ('efficiency', 'personnel', 'discipline')),
    ground text,
    exemption text CONSTRAINT exemptions_have_a_known_decision CHECK (exemption IN ('pending', 'approved', 'rejected')),
    exemption_ground text,
    exemption_reason text NOT NULL DEFAULT '',
    exemption_answer text NOT NULL DEFAULT '',
    CONSTRAINT transfers_and_only_they_name_a_body_and_a_ground
        CHECK ((rung = 'transferred') = (body IS NOT NULL) AND (rung = 'transferred') = (ground IS NOT NULL)),
    CONSTRAINT claimed_exemptions_name_their_ground CHECK ((exemption IS NULL) = (exemption_ground IS NULL)),
    CONSTRAINT only_answered_orders_are_accepted CHECK (accepted_at IS NULL OR answered_at IS NOT NULL),
    PRIMARY KEY (ticket_id, number),
    FOREIGN KEY (ticket_id, assignment) REFERENCES assignments
);
COMMENT ON TABLE orders IS 'Papers of supervision 督办: orders that must be answered, circulars, cases handed over; they change no state.';
-- Serves: papers, paper_counts: what the units or the supervisors still owe on a paper, the oldest first.
CREATE INDEX orders_unsettled ON orders (issued_at, ticket_id, number)
    WHERE accepted_at IS NULL AND NOT escalated AND NOT lapsed AND rung IN ('order', 'listed', 'summoned');
-- Serves: claims: excusable errors that nobody has decided.
CREATE INDEX orders_claimed ON orders (issued_at, ticket_id, number) WHERE exemption = 'pending';

CREATE TABLE clocks (
    ticket_id bigint NOT NULL REFERENCES tickets,
    number integer NOT NULL,
    kind text NOT NULL,
    subject integer NOT NULL,
    cycle integer NOT NULL,
    department text NOT NULL REFERENCES departments,
    started_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    allowance text NOT NULL,
    rule text NOT NULL,
    provisional boolean NOT NULL DEFAULT false,
    stopped_at timestamptz,
    stop text CONSTRAINT clocks_stop_for_a_known_reason CHECK (stop IN ('done', 'void', 'cut')),
    look_at timestamptz,
    rules text NOT NULL DEFAULT '',
    calendar text NOT NULL DEFAULT '',
    counted_from timestamptz,
    until timestamptz,
    ceiling timestamptz,
    floor timestamptz,
    warns_at timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, number),
    CONSTRAINT stopped_clocks_say_why CHECK ((stopped_at IS NULL) = (stop IS NULL)),
    CONSTRAINT nobody_looks_at_a_stopped_clock CHECK (stopped_at IS NULL OR look_at IS NULL),
    CONSTRAINT clocks_do_not_stop_before_they_start CHECK (stopped_at >= started_at)
);
COMMENT ON TABLE clocks IS 'Deadlines that run, or ran 时限; what was overdue stays so.';
COMMENT ON COLUMN clocks.warns_at IS 'When the lamp turns yellow, by the rules in force when the clock was written.';
COMMENT ON COLUMN clocks.look_at IS 'When somebody must look again; putting it off is how a watcher claims a clock.';
CREATE UNIQUE INDEX a_duty_has_one_running_clock ON clocks (ticket_id, kind, subject) WHERE stopped_at IS NULL;
-- Serves: claim_due_clocks: finds 'nothing is due' without reading a row.
CREATE INDEX clocks_to_look_at ON clocks (look_at) WHERE look_at IS NOT NULL;
-- Serves: duties, duty_counts: what runs in the whole city, a unit at a time, without reading a row that is not shown.
CREATE INDEX clocks_of_department ON clocks (department, due_at, ticket_id, number) INCLUDE (kind, warns_at)
    WHERE stopped_at IS NULL AND kind <> 'return_window';
-- Serves: duties, what runs in the whole city in the order of its due times.
CREATE INDEX clocks_in_order ON clocks (due_at, ticket_id, number) INCLUDE (department, kind, warns_at)
    WHERE stopped_at IS NULL AND kind <> 'return_window';

CREATE TABLE events (
    ticket_id bigint NOT NULL REFERENCES tickets,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    person text NOT NULL,
    role text NOT NULL,
    department text NOT NULL,
    action text NOT NULL,
    data jsonb NOT NULL,
    changes jsonb NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (ticket_id, number)
);
COMMENT ON TABLE events IS 'What happened to each ticket 流转记录, append-only: who did what when, and what it changed.';
-- Serves: replies_of_department, answers to compare a new one with.
CREATE INDEX replies_by_department ON events (department, at DESC) WHERE action = 'reply';

CREATE TABLE findings (
    ticket_id bigint NOT NULL,
    clock integer NOT NULL,
    finding text NOT NULL,
    due_at timestamptz NOT NULL,
    found_at timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, clock, finding),
    FOREIGN KEY (ticket_id, clock) REFERENCES clocks
);
COMMENT ON TABLE findings IS 'What the watcher noticed, once each: a clock about to run out, or past due. Append-only.';
-- Serves: work_counts, rungs_for_people: the few findings that only a person may act on, out of years of others.
CREATE INDEX findings_by_rung ON findings (split_part(finding, ' ', 1), ticket_id, clock);

CREATE SEQUENCE notice_places;

CREATE TABLE notices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL CONSTRAINT notices_are_sent_once UNIQUE,
    ticket_id bigint REFERENCES tickets,
    department text NOT NULL REFERENCES departments,
    role text,
    kind text NOT NULL,
    facts jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz,
    try_at timestamptz,
    seen_at timestamptz,
    place bigint CONSTRAINT notices_have_a_place_of_their_own UNIQUE,
    CONSTRAINT only_alarms_are_about_no_ticket CHECK (ticket_id IS NOT NULL OR kind LIKE 'alarm%'),
    CONSTRAINT placed_notices_wait_no_more CHECK ((place IS NULL) = (try_at IS NOT NULL))
);
COMMENT ON TABLE notices IS 'The outbox: written in the transaction that has something to say, delivered after it.';
COMMENT ON COLUMN notices.place IS 'Its place in the order in which notices were handed out; given under one lock, so nothing ever comes in before it later.';
COMMENT ON COLUMN notices.seen_at IS 'When the first of those whom it is for had it before them.';
-- Serves: place_notices.
CREATE INDEX notices_to_place ON notices (id) WHERE try_at IS NOT NULL;
-- Serves: notices_page, department_page.
CREATE INDEX notices_by_department ON notices (department, id DESC);
-- Serves: told_of_ticket: whom a case file says was told.
CREATE INDEX notices_by_ticket ON notices (ticket_id, id) WHERE ticket_id IS NOT NULL;
-- Serves: unread_notices, mark_notices.
CREATE INDEX notices_by_place ON notices (department, place);

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
-- Serves: place_notices, whom to reach.
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
-- Serves: claim_deliveries.
CREATE INDEX deliveries_to_try ON deliveries (try_at, id) WHERE state = 'waiting';
-- Serves: claim_deliveries: whether an earlier word about the same ticket is still on its way to the same contact.
CREATE INDEX deliveries_in_order ON deliveries (contact_id, ticket_id, id) WHERE state = 'waiting';
-- Serves: deliveries_by_state.
CREATE INDEX deliveries_failed ON deliveries (ended_at) WHERE state = 'failed';

CREATE TABLE alarms (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CONSTRAINT alarms_have_a_known_kind CHECK (kind IN ('dead', 'silent', 'behind', 'delivery', 'look', 'calendar')),
    subject text NOT NULL,
    facts jsonb NOT NULL,
    raised_at timestamptz NOT NULL,
    ended_at timestamptz
);
COMMENT ON TABLE alarms IS 'What was wrong with the watch itself, one row an episode: no worker, one silent, behind, a contact not reached, a look that fails, a year without a calendar.';
-- Whichever processes notice it at once.
CREATE UNIQUE INDEX an_alarm_is_raised_once_an_episode ON alarms (kind, subject) WHERE ended_at IS NULL;

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    person text NOT NULL,
    what text NOT NULL,
    ticket_id bigint,
    reason text NOT NULL,
    facts jsonb NOT NULL
);
COMMENT ON TABLE audit IS 'Who unsealed personal data and who changed the rules, with the reason; append-only.';
-- Serves: audit_of_ticket.
CREATE INDEX audit_by_ticket ON audit (ticket_id) WHERE ticket_id IS NOT NULL;
-- Serves: changes, who changed what.
CREATE INDEX audit_by_kind ON audit (what, id);

CREATE TABLE heartbeats (
    worker text PRIMARY KEY,
    at timestamptz NOT NULL,
    lag_seconds double precision NOT NULL
);
COMMENT ON TABLE heartbeats IS 'When each worker was last alive, and how late it was.';

CREATE TABLE seats (
    extension text PRIMARY KEY CONSTRAINT extensions_are_digits CHECK (extension ~ '^[0-9]{1,10}$'),
    person text NOT NULL CONSTRAINT people_sit_at_one_extension UNIQUE REFERENCES people,
    since timestamptz NOT NULL
);
COMMENT ON TABLE seats IS 'Who sits at which extension of the telephone system, so that a call reaches the right screen.';

CREATE TABLE calls (
    id text PRIMARY KEY CONSTRAINT calls_have_a_plain_id CHECK (id ~ '^[A-Za-z0-9_.:-]{1,80}$'),
    phone_sealed bytea,
    phone_hash bytea,
    extension text NOT NULL DEFAULT '',
    rang_at timestamptz NOT NULL,
    answered_at timestamptz,
    ended_at timestamptz,
    agent text REFERENCES people,
    taken_at timestamptz,
    alive_at timestamptz,
    turn integer NOT NULL DEFAULT 0,
    done_at timestamptz,
    ticket_id bigint REFERENCES tickets,
    CONSTRAINT taken_calls_and_only_they_have_an_agent CHECK (
        (agent IS NULL) = (taken_at IS NULL) AND (agent IS NULL) = (alive_at IS NULL) AND (agent IS NULL) = (turn = 0)),
    CONSTRAINT done_calls_were_taken CHECK (done_at IS NULL OR agent IS NOT NULL),
    CONSTRAINT only_done_calls_have_a_ticket CHECK (ticket_id IS NULL OR done_at IS NOT NULL)
);
COMMENT ON TABLE calls IS 'Calls as the telephone system tells of them, and who has each in hand; the number only sealed.';
COMMENT ON COLUMN calls.alive_at IS 'When the page of whoever has the call was last heard of; a silent one may be relieved.';
-- Serves: calls_at_hand, what rings or is being written now.
CREATE INDEX calls_open ON calls (rang_at) WHERE done_at IS NULL;
-- Serves: calls_of_agent, how the agent's own day went.
CREATE INDEX calls_by_agent ON calls (agent, done_at) WHERE done_at IS NOT NULL;

CREATE TABLE call_claims (
    call_id text NOT NULL REFERENCES calls,
    turn integer NOT NULL,
    agent text NOT NULL REFERENCES people,
    at timestamptz NOT NULL,
    CONSTRAINT a_call_is_taken_by_one_at_a_time PRIMARY KEY (call_id, turn)
);
COMMENT ON TABLE call_claims IS 'Who took each call, and who relieved whom; append-only.';

CREATE TABLE drafts (
    id text PRIMARY KEY,
    person text NOT NULL REFERENCES people,
    kept_at timestamptz NOT NULL,
    body_sealed bytea NOT NULL
);
COMMENT ON TABLE drafts IS 'What is typed into a form that was not sent yet, sealed; kept every few seconds, for a day.';
-- Serves: keep_draft, which forgets what is older than a day.
CREATE INDEX drafts_by_age ON drafts (kept_at);

CREATE TABLE attachments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id bigint NOT NULL REFERENCES tickets,
    event integer,
    name text NOT NULL,
    type text NOT NULL CONSTRAINT attachments_are_pictures CHECK (type IN ('image/jpeg', 'image/png', 'image/webp')),
    bytes integer NOT NULL CONSTRAINT attachments_are_not_empty CHECK (bytes > 0),
    key text NOT NULL CONSTRAINT attachments_are_named_by_their_content CHECK (key ~ '^[0-9a-f]{64}$'),
    person text NOT NULL,
    role text NOT NULL,
    department text NOT NULL,
    added_at timestamptz NOT NULL,
    CONSTRAINT a_picture_is_on_a_ticket_once UNIQUE (ticket_id, key)
);
COMMENT ON TABLE attachments IS 'Pictures of a ticket; the picture itself lies outside the database. No event: not sent yet.';

CREATE TABLE rulebook_drafts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    part text NOT NULL,
    body jsonb NOT NULL,
    source text NOT NULL,
    effective_at timestamptz,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    ended_by text,
    ended_at timestamptz,
    version integer,
    based_on integer NOT NULL,
    FOREIGN KEY (part, version) REFERENCES rulebook_parts,
    CONSTRAINT drafts_are_published_by_another_person CHECK (version IS NULL OR ended_by <> drafted_by),
    CONSTRAINT ended_drafts_say_who_and_when CHECK ((ended_by IS NULL) = (ended_at IS NULL)),
    CONSTRAINT published_drafts_have_ended CHECK (version IS NULL OR ended_at IS NOT NULL)
);
COMMENT ON TABLE rulebook_drafts IS 'New rules before two people have agreed on them; ended by publishing or by taking them back.';
COMMENT ON COLUMN rulebook_drafts.based_on IS 'The newest version of the part when the draft was made; 0 where there was none.';

CREATE TABLE experience (
    category text NOT NULL REFERENCES categories,
    area text NOT NULL DEFAULT '',
    department text NOT NULL REFERENCES departments,
    month date NOT NULL,
    kept integer NOT NULL,
    returned integer NOT NULL,
    rerouted integer NOT NULL,
    PRIMARY KEY (category, area, department, month)
);
COMMENT ON TABLE experience IS 'How many matters of a kind and place each department kept, returned or lost again, by month; counted anew each night.';

CREATE TABLE labels (
    ticket_id bigint PRIMARY KEY REFERENCES tickets,
    reason text NOT NULL CONSTRAINT labels_are_asked_for_a_known_reason CHECK (reason IN ('uncertain', 'disagreement', 'returned')),
    worth double precision NOT NULL,
    guesses jsonb NOT NULL,
    asked_at timestamptz NOT NULL,
    category text REFERENCES categories,
    labelled_by text REFERENCES people,
    labelled_at timestamptz,
    CONSTRAINT labels_say_who_and_when CHECK (num_nonnulls(category, labelled_by, labelled_at) IN (0, 3))
);
COMMENT ON TABLE labels IS 'The few tickets whose right category would teach the model most, and who said what it is.';
-- Serves: labels_waiting.
CREATE INDEX labels_waiting ON labels (worth DESC, ticket_id) WHERE labelled_at IS NULL;

CREATE TABLE lessons (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    champion text NOT NULL,
    challenger text NOT NULL,
    verdict text NOT NULL,
    activated boolean NOT NULL,
    facts jsonb NOT NULL
);
COMMENT ON TABLE lessons IS 'What each night of learning came to: who was compared with whom, and why the challenger is in use or is not. Append-only.';

CREATE TABLE nights (
    night date PRIMARY KEY,
    worker text NOT NULL,
    begun_at timestamptz NOT NULL
);
COMMENT ON TABLE nights IS 'Which worker began to learn in which night; the first one that asks.';

CREATE TABLE models_in_use (
    process text PRIMARY KEY,
    at timestamptz NOT NULL,
    version text NOT NULL,
    fault text NOT NULL
);
COMMENT ON TABLE models_in_use IS 'Which model each running process judges with, and why it refused a newer one if it did.';

CREATE SEQUENCE knowledge_codes;

CREATE TABLE knowledge (
    code text NOT NULL CONSTRAINT knowledge_has_a_plain_code CHECK (code ~ '^[A-Z0-9][A-Z0-9_.-]{0,39}$'),
    version integer NOT NULL CONSTRAINT knowledge_versions_count_from_one CHECK (version >= 1),
    question text NOT NULL CONSTRAINT knowledge_asks_something CHECK (question <> ''),
    answer text NOT NULL CONSTRAINT knowledge_answers_something CHECK (answer <> ''),
    category text REFERENCES categories,
    department text NOT NULL REFERENCES departments,
    basis text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz CONSTRAINT knowledge_ends_after_it_begins CHECK (valid_until > valid_from),
    retired boolean NOT NULL DEFAULT false,
    reason text NOT NULL,
    drafted_by text NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL,
    grams integer[] NOT NULL,
    PRIMARY KEY (code, version),
    CONSTRAINT knowledge_is_published_by_another_than_its_drafter CHECK (drafted_by <> published_by)
);
COMMENT ON TABLE knowledge IS 'Answers that a unit vouches for 知识库: of the versions in force the highest rules; append-only.';
COMMENT ON COLUMN knowledge.grams IS 'Every two neighbouring characters of code, question and answer, as in tickets.grams.';
-- Serves: search_knowledge.
CREATE INDEX knowledge_by_gram ON knowledge USING gin (grams);

CREATE TABLE knowledge_drafts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CONSTRAINT knowledge_drafts_have_a_plain_code CHECK (code ~ '^[A-Z0-9][A-Z0-9_.-]{0,39}$'),
    based_on integer NOT NULL CONSTRAINT knowledge_drafts_change_a_version_or_begin CHECK (based_on >= 0),
    question text NOT NULL,
    answer text NOT NULL,
    category text REFERENCES categories,
    department text NOT NULL REFERENCES departments,
    basis text NOT NULL,
    valid_from timestamptz,
    valid_until timestamptz CONSTRAINT knowledge_drafts_end_after_they_begin CHECK (valid_until > valid_from),
    retired boolean NOT NULL DEFAULT false,
    reason text NOT NULL,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    ended_by text,
    ended_at timestamptz,
    version integer,
    FOREIGN KEY (code, version) REFERENCES knowledge,
    CONSTRAINT knowledge_drafts_are_published_by_another_person CHECK (version IS NULL OR ended_by <> drafted_by),
    CONSTRAINT ended_knowledge_drafts_say_who_and_when CHECK ((ended_by IS NULL) = (ended_at IS NULL)),
    CONSTRAINT published_knowledge_drafts_have_ended CHECK (version IS NULL OR ended_at IS NOT NULL)
);
COMMENT ON TABLE knowledge_drafts IS 'Answers before a second person has agreed on them; ended by publishing or by taking them back. No valid_from: from publication on.';
-- Whoever wants to change an entry sees that somebody is at it; also serves: knowledge_drafts_waiting.
CREATE UNIQUE INDEX an_entry_has_one_draft_that_waits ON knowledge_drafts (code) WHERE ended_at IS NULL;

CREATE TABLE done_once (
    ticket_id bigint NOT NULL REFERENCES tickets,
    person text NOT NULL,
    key text NOT NULL CONSTRAINT keys_of_requests_are_short CHECK (length(key) BETWEEN 8 AND 80),
    version integer NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT a_request_is_done_once PRIMARY KEY (ticket_id, person, key)
);
COMMENT ON TABLE done_once IS 'Which request of whom brought a ticket to which version: the same request again does nothing. Append-only.';

CREATE TABLE code_issues (
    ticket_id bigint NOT NULL,
    caller integer NOT NULL,
    issue integer NOT NULL CONSTRAINT new_codes_count_from_one CHECK (issue >= 1),
    person text NOT NULL,
    checked text NOT NULL CONSTRAINT who_asks_was_checked_in_a_known_way CHECK (checked IN ('number', 'facts', 'document')),
    reason text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT a_code_is_given_out_once PRIMARY KEY (ticket_id, caller, issue),
    FOREIGN KEY (ticket_id, caller) REFERENCES callers
);
COMMENT ON TABLE code_issues IS 'Query codes that were given out anew, by whom, why, and how the caller was known: only the newest opens. Append-only.';

CREATE TABLE caller_letters (
    id bigint PRIMARY KEY DEFAULT nextval('deliveries_id_seq'),
    ticket_id bigint NOT NULL,
    caller integer NOT NULL,
    issue integer NOT NULL,
    state text NOT NULL CONSTRAINT caller_letters_have_a_known_state CHECK (state IN ('waiting', 'sent', 'failed', 'void')),
    attempts integer NOT NULL DEFAULT 0,
    try_at timestamptz,
    ended_at timestamptz,
    last_error text,
    FOREIGN KEY (ticket_id, caller) REFERENCES callers,
    CONSTRAINT a_caller_is_sent_a_code_once UNIQUE (ticket_id, caller, issue),
    CONSTRAINT only_waiting_letters_are_tried CHECK ((state = 'waiting') = (try_at IS NOT NULL)),
    CONSTRAINT ended_letters_say_when CHECK ((state = 'waiting') = (ended_at IS NULL))
);
COMMENT ON TABLE caller_letters IS 'Text messages to callers with number and query code on their way; numbered with the deliveries, put off by who sends.';
-- Serves: claim_letters.
CREATE INDEX letters_to_try ON caller_letters (try_at, id) WHERE state = 'waiting';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER findings_are_append_only BEFORE UPDATE OR DELETE ON findings FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER published_rules_never_change BEFORE UPDATE OR DELETE ON rulebook_parts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER call_claims_are_append_only BEFORE UPDATE OR DELETE ON call_claims
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lessons_are_append_only BEFORE UPDATE OR DELETE ON lessons FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER published_knowledge_never_changes BEFORE UPDATE OR DELETE ON knowledge
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER what_was_done_once_stays BEFORE UPDATE OR DELETE ON done_once FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER code_issues_are_append_only BEFORE UPDATE OR DELETE ON code_issues FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION keep_an_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One after another: two administrators who send each other away at once must not both succeed.
    PERFORM pg_advisory_xact_lock(hashtextextended('there_is_always_an_administrator', 0));
    IF NOT EXISTS (SELECT FROM people WHERE active AND role = 'administrator' AND id <> OLD.id) THEN
        RAISE EXCEPTION 'the last administrator cannot leave'
              USING ERRCODE = 'check_violation', CONSTRAINT = 'there_is_always_an_administrator';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER there_is_always_an_administrator BEFORE UPDATE OF role, active ON people FOR EACH ROW
    WHEN (OLD.active AND OLD.role = 'administrator' AND NOT (NEW.active AND NEW.role = 'administrator'))
    EXECUTE FUNCTION keep_an_administrator();
