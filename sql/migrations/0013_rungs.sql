-- What supervisors must decide is counted from the findings of a few rungs, not from all that was ever found.

CREATE INDEX findings_by_rung ON findings (split_part(finding, ' ', 1), ticket_id, clock);
