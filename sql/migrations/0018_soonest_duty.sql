-- A unit's list goes by whatever it must do next, not by its answer alone: signing and contacting come first.
UPDATE assignments part SET due_at = owed.due_at
  FROM (SELECT clock.ticket_id, coalesce(paper.assignment, request.assignment, clock.subject) AS number, min(clock.due_at) AS due_at
          FROM clocks clock
          LEFT JOIN orders paper ON clock.kind = 'order' AND paper.ticket_id = clock.ticket_id AND paper.number = clock.subject
          LEFT JOIN requests request ON clock.kind = 'inform' AND request.ticket_id = clock.ticket_id AND request.number = clock.subject
         WHERE clock.stopped_at IS NULL
           AND clock.kind IN ('sign', 'contact', 'reply', 'co_reply', 'redo', 'promise', 'order', 'inform')
         GROUP BY 1, 2) owed
 WHERE part.ticket_id = owed.ticket_id AND part.number = owed.number AND part.due_at IS NOT NULL
   AND part.due_at <> owed.due_at;
COMMENT ON COLUMN assignments.due_at IS 'When the unit must next do something: sign, contact, answer, answer an order, tell the caller; null when it is done.';
