-- name: board_of_department
-- One page of a department's open assignments as JSON, the soonest due first, after the key (due, ticket), each with what
-- is due then.
SELECT coalesce(json_agg(row_to_json(line)), '[]')::text AS page
  FROM (SELECT ticket.id::text AS id, ticket.title, ticket.type, ticket.urgency, ticket.category, ticket.area,
               ticket.state AS ticket_state, ticket.cycle, ticket.received_at, assignment.number, assignment.duty,
               assignment.state, assignment.due_at, assignment.designated, owed.warns_at, owed.kind AS owes
          FROM assignments assignment
          JOIN tickets ticket ON ticket.id = assignment.ticket_id
          LEFT JOIN LATERAL (
               SELECT clock.kind, clock.warns_at FROM clocks clock
                WHERE clock.ticket_id = ticket.id AND clock.department = assignment.department
                  AND clock.due_at = assignment.due_at AND clock.stopped_at IS NULL AND clock.kind <> 'return_window'
                ORDER BY clock.warns_at, clock.number
                LIMIT 1) owed ON true
         WHERE assignment.department = :department AND assignment.state IN ('sent', 'accepted')
           AND (assignment.due_at, assignment.ticket_id) > (:after_due, :after_id)
         ORDER BY assignment.due_at, assignment.ticket_id
         LIMIT :most) line;

-- name: department_page
-- A page of a department: its board as `board_of_department` gives it, how many open assignments it has, how many of them
-- are past due, and the newest notices for the role as JSON, with the titles that `notices_page` gives the units.
SELECT (SELECT coalesce(json_agg(row_to_json(line)), '[]')::text
          FROM (SELECT ticket.id::text AS id, ticket.title, ticket.type, ticket.urgency, ticket.category, ticket.area,
                       ticket.state AS ticket_state, ticket.cycle, ticket.received_at, assignment.number, assignment.duty,
                       assignment.state, assignment.due_at, assignment.designated, owed.warns_at, owed.kind AS owes
                  FROM assignments assignment
                  JOIN tickets ticket ON ticket.id = assignment.ticket_id
                  LEFT JOIN LATERAL (
                       SELECT clock.kind, clock.warns_at FROM clocks clock
                        WHERE clock.ticket_id = ticket.id AND clock.department = assignment.department
                          AND clock.due_at = assignment.due_at AND clock.stopped_at IS NULL AND clock.kind <> 'return_window'
                        ORDER BY clock.warns_at, clock.number
                        LIMIT 1) owed ON true
                 WHERE assignment.department = :department AND assignment.state IN ('sent', 'accepted')
                   AND (assignment.due_at, assignment.ticket_id) > (:after_due, :after_id)
                 ORDER BY assignment.due_at, assignment.ticket_id
                 LIMIT :most) line) AS page,
       counts.open, counts.late,
       (SELECT coalesce(json_agg(row_to_json(notice)), '[]')::text
          FROM (SELECT notice.ticket_id, notice.kind, notice.created_at, notice.seen_at, ticket.title
                  FROM notices notice
                  LEFT JOIN tickets ticket
                         ON ticket.id = notice.ticket_id AND NOT ticket.confidential AND ticket.type <> 'report'
                        AND ticket.reported IS DISTINCT FROM notice.department
                        AND EXISTS (SELECT 1 FROM assignments part
                                     WHERE part.ticket_id = ticket.id AND part.department = ANY (:units::text[]))
                 WHERE notice.department = :department AND (notice.role IS NULL OR notice.role = :role)
                 ORDER BY notice.id DESC
                 LIMIT :notices) notice) AS told
  FROM (SELECT count(*) AS open, count(*) FILTER (WHERE due_at < :at) AS late
          FROM assignments
         WHERE department = :department AND state IN ('sent', 'accepted')) counts;

-- name: board_of_state
-- One page of the tickets in one state as JSON, the soonest due first, after the key (due, ticket).
SELECT coalesce(json_agg(row_to_json(line)), '[]')::text AS page
  FROM (SELECT ticket.id::text AS id, ticket.title, ticket.type, ticket.urgency, ticket.category, ticket.area,
               ticket.state, ticket.cycle, ticket.received_at, ticket.due_at, ticket.returns, ticket.sensitive,
               ticket.confidential,
               (SELECT min(clock.warns_at) FROM clocks clock
                 WHERE clock.ticket_id = ticket.id AND clock.stopped_at IS NULL AND clock.kind <> 'return_window') AS warns_at
          FROM tickets ticket
         WHERE ticket.state = :state AND ticket.state <> 'closed' AND (ticket.due_at, ticket.id) > (:after_due, :after_id)
         ORDER BY ticket.due_at, ticket.id
         LIMIT :most) line;

-- name: pending_requests
-- What the hotline must decide as JSON, the oldest first.
SELECT coalesce(json_agg(row_to_json(line)), '[]')::text AS page
  FROM (SELECT request.ticket_id::text AS id, ticket.title, ticket.type, ticket.urgency, request.number, request.kind,
               request.asked_at, request.reason, request.reason_code, request.working_days, request.until,
               request.suggested, assignment.department
          FROM requests request
          JOIN tickets ticket ON ticket.id = request.ticket_id
          JOIN assignments assignment ON assignment.ticket_id = request.ticket_id AND assignment.number = request.assignment
         WHERE request.decision = 'pending' AND assignment.parent IS NULL
         ORDER BY request.asked_at, request.ticket_id, request.number
         LIMIT :most) line;

-- name: pending_requests_count
-- How many requests the hotline must decide, counted up to `most`.
SELECT count(*)
  FROM (SELECT 1
          FROM requests request
          JOIN assignments assignment ON assignment.ticket_id = request.ticket_id AND assignment.number = request.assignment
         WHERE request.decision = 'pending' AND assignment.parent IS NULL
         LIMIT :most) waiting;

-- name: search_tickets
-- The newest tickets that contain every word, as JSON; for a department only those that it, or a unit below it,
-- has or had a part in, and none that is about itself.
-- What the index finds is put in order before anything is read of it, so that only as many texts are looked at as are shown.
-- Added to nothing, the number is no key: where the word is what narrows, no index of all numbers is read beside it.
SELECT coalesce(json_agg(row_to_json(line)), '[]')::text AS page
  FROM (SELECT ticket.id::text AS id, ticket.title, ticket.type, ticket.urgency, ticket.category, ticket.area,
               ticket.state, ticket.received_at, ticket.due_at, ticket.confidential,
               (SELECT min(clock.warns_at) FROM clocks clock
                 WHERE clock.ticket_id = ticket.id AND clock.stopped_at IS NULL AND clock.kind <> 'return_window') AS warns_at
          FROM (SELECT ticket_id AS id FROM ticket_grams WHERE grams @> :grams AND ticket_id + 0 < :before
                 ORDER BY ticket_id DESC OFFSET 0) found
         CROSS JOIN LATERAL (
               SELECT one.* FROM tickets one
                WHERE one.id = found.id
                  AND (one.reported IS NULL OR one.reported IS DISTINCT FROM :asking)
                  AND lower(one.title || ' ' || one.text || ' ' || one.place) LIKE ALL (:likes::text[])
               OFFSET 0) ticket
         WHERE (:departments::text[] IS NULL OR EXISTS (
               SELECT 1 FROM assignments part WHERE part.ticket_id = found.id AND part.department = ANY (:departments)))
         ORDER BY found.id DESC
         LIMIT :most) line;

-- name: tickets_of_phone
-- Earlier tickets of callers with one of these phone fingerprints, open ones first, then the newest.
SELECT DISTINCT ticket.id, ticket.title, ticket.state, ticket.type, ticket.received_at, ticket.confidential, ticket.outcome
  FROM callers caller
  JOIN tickets ticket ON ticket.id = caller.ticket_id
 WHERE caller.phone_hash = ANY (:phones)
 ORDER BY ticket.state, ticket.id DESC
 LIMIT :most;

-- name: tickets_of_name
-- Earlier tickets of callers with one of these name fingerprints, the newest first.
SELECT DISTINCT ticket.id, ticket.title, ticket.state, ticket.type, ticket.received_at, ticket.confidential, ticket.outcome
  FROM callers caller
  JOIN tickets ticket ON ticket.id = caller.ticket_id
 WHERE caller.name_hash = ANY (:names)
 ORDER BY ticket.id DESC
 LIMIT :most;

-- name: state_counts
-- How many tickets are in each of some open states, counted up to `most`.
SELECT asked.state,
       (SELECT count(*)
          FROM (SELECT 1 FROM tickets WHERE tickets.state = asked.state AND tickets.state <> 'closed' LIMIT :most) counted) AS tickets
  FROM unnest(:states::text[]) AS asked(state);

-- name: visit_queue
-- One page of the callers whom somebody must call back, the soonest due first, each with the calls in vain so far.
SELECT ticket.id, ticket.title, ticket.type, ticket.urgency, ticket.area, ticket.due_at, ticket.cycle, ticket.confidential,
       ticket.bad_rating_at IS NOT NULL AS is_bad, caller.number, caller.attempts, caller.reachable,
       ARRAY(SELECT event.at FROM events event
              WHERE event.ticket_id = ticket.id AND event.at >= ticket.entered_at AND event.action = 'visit'
                AND event.data ->> 'contact' = 'no_answer' AND (event.data ->> 'caller')::integer = caller.number
              ORDER BY event.number) AS tried
  FROM (SELECT * FROM tickets
         WHERE state = 'follow_up' AND (due_at, id) > (:after_due, :after_id)
         ORDER BY due_at, id
         LIMIT :most) ticket
  JOIN callers caller ON caller.ticket_id = ticket.id AND NOT caller.visited
 ORDER BY ticket.due_at, ticket.id, caller.number;
