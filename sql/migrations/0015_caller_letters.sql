-- Query codes sent to callers as text messages, where the city wants it; the messages themselves are stored nowhere.

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
