-- The moment at which each lamp turns yellow, kept with its clock, so that a whole city's lamps can be counted in SQL.

ALTER TABLE clocks ADD COLUMN warns_at timestamptz;
-- Clocks of before: the last quarter, at most a day before due; the next event of the ticket writes it by the calendar.
UPDATE clocks SET warns_at = CASE WHEN kind = 'return_window' THEN due_at
                                  ELSE greatest(due_at - (due_at - started_at) * 0.25, due_at - interval '1 day') END;
ALTER TABLE clocks ALTER COLUMN warns_at SET NOT NULL;
COMMENT ON COLUMN clocks.warns_at IS 'When the lamp turns yellow, by the rules in force when the clock was written.';

CREATE INDEX clocks_of_department ON clocks (department, due_at, ticket_id, number) INCLUDE (kind, warns_at)
    WHERE stopped_at IS NULL AND kind <> 'return_window';

CREATE INDEX orders_unsettled ON orders (issued_at, ticket_id, number)
    WHERE accepted_at IS NULL AND NOT escalated AND NOT lapsed AND rung IN ('order', 'listed', 'summoned');
CREATE INDEX orders_claimed ON orders (issued_at, ticket_id, number) WHERE exemption = 'pending';

CREATE INDEX notices_by_ticket ON notices (ticket_id, id) WHERE ticket_id IS NOT NULL;
