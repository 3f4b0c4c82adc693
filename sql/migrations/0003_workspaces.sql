-- What people have in front of them: calls and who has them in hand, drafts, pictures.

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

-- Serves: replies_of_department, answers to compare a new one with.
CREATE INDEX replies_by_department ON events (department, at DESC) WHERE action = 'reply';
-- Serves: direct_answers, what callers with the like matter were told.
CREATE INDEX tickets_answered ON tickets (category, id DESC) WHERE outcome = 'answered';

CREATE TRIGGER call_claims_are_append_only BEFORE UPDATE OR DELETE ON call_claims
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
