-- Query codes for callers on the telephone: which codes were given out anew. The codes themselves are stored nowhere.

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
CREATE TRIGGER code_issues_are_append_only BEFORE UPDATE OR DELETE ON code_issues FOR EACH ROW EXECUTE FUNCTION refuse_change();
