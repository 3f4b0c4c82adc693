-- What was asked for with a key of the asker's own, so that asking again does nothing.

CREATE TABLE done_once (
    ticket_id bigint NOT NULL REFERENCES tickets,
    person text NOT NULL,
    key text NOT NULL CONSTRAINT keys_of_requests_are_short CHECK (length(key) BETWEEN 8 AND 80),
    version integer NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT a_request_is_done_once PRIMARY KEY (ticket_id, person, key)
);
COMMENT ON TABLE done_once IS 'Which request of whom brought a ticket to which version: the same request again does nothing. Append-only.';
CREATE TRIGGER what_was_done_once_stays BEFORE UPDATE OR DELETE ON done_once FOR EACH ROW EXECUTE FUNCTION refuse_change();
