-- name: duty_counts
-- How many duties of each kind run against each unit, by lamp, and how many will be red by `until`.
SELECT department, kind, count(*) FILTER (WHERE due_at < :at) AS red,
       count(*) FILTER (WHERE due_at >= :at AND warns_at <= :at) AS yellow,
       count(*) FILTER (WHERE due_at >= :at AND warns_at > :at) AS green,
       count(*) FILTER (WHERE due_at >= :at AND due_at < :until) AS soon
  FROM clocks
 WHERE stopped_at IS NULL AND kind <> 'return_window'
 GROUP BY department, kind;

-- name: duties
-- One page of the running duties of some units (null: of all), the soonest due first, after the key (due, ticket, clock): due in
-- a stretch of time, of some kinds, and warned or not (null: all). Some units are read one at a time, all of them together, so
-- that either is a stretch of an index.
SELECT line.ticket_id AS id, line.number AS clock, line.kind, line.department, line.due_at, line.warns_at, ticket.title,
       ticket.type, ticket.urgency, ticket.area, ticket.category, ticket.state AS ticket_state, ticket.received_at
  FROM (SELECT everywhere.*
          FROM (SELECT clock.ticket_id, clock.number, clock.kind, clock.department, clock.due_at, clock.warns_at
                  FROM clocks clock
                 WHERE :units::text[] IS NULL AND clock.stopped_at IS NULL AND clock.kind <> 'return_window'
                   AND clock.due_at >= :since AND clock.due_at < :before
                   AND (clock.due_at, clock.ticket_id, clock.number) > (:after_due, :after_id, :after_number::integer)
                   AND (:kinds::text[] IS NULL OR clock.kind = ANY (:kinds))
                   AND (:warned::boolean IS NULL OR (clock.warns_at <= :at) = :warned)
                 ORDER BY clock.due_at, clock.ticket_id, clock.number
                 LIMIT :most) everywhere
         UNION ALL
        SELECT there.*
          FROM (SELECT mine.*
                  FROM unnest(:units::text[]) AS unit(code)
                 CROSS JOIN LATERAL (
                       SELECT clock.ticket_id, clock.number, clock.kind, clock.department, clock.due_at, clock.warns_at
                         FROM clocks clock
                        WHERE clock.department = unit.code AND clock.stopped_at IS NULL AND clock.kind <> 'return_window'
                          AND clock.due_at >= :since AND clock.due_at < :before
                          AND (clock.due_at, clock.ticket_id, clock.number) > (:after_due, :after_id, :after_number::integer)
                          AND (:kinds::text[] IS NULL OR clock.kind = ANY (:kinds))
                          AND (:warned::boolean IS NULL OR (clock.warns_at <= :at) = :warned)
                        ORDER BY clock.due_at, clock.ticket_id, clock.number
                        LIMIT :most) mine
                 ORDER BY mine.due_at, mine.ticket_id, mine.number
                 LIMIT :most) there) line
  JOIN tickets ticket ON ticket.id = line.ticket_id
 ORDER BY line.due_at, line.ticket_id, line.number;

-- name: paper_counts
-- How many papers of each rung stand open against each unit, and how many of them were answered and wait to be checked.
SELECT assignment.department, paper.rung, count(*) FILTER (WHERE paper.answered_at IS NULL) AS open,
       count(*) FILTER (WHERE paper.answered_at IS NOT NULL) AS answered
  FROM orders paper
  JOIN assignments assignment ON assignment.ticket_id = paper.ticket_id AND assignment.number = paper.assignment
 WHERE paper.accepted_at IS NULL AND NOT paper.escalated AND NOT paper.lapsed AND paper.rung IN ('order', 'listed', 'summoned')
 GROUP BY assignment.department, paper.rung;

-- name: papers
-- One page of the papers that are not settled, the oldest first, after the key (issued, ticket, number): of some units, of one
-- rung, answered or not (null: all).
SELECT paper.ticket_id AS id, paper.number, paper.rung, paper.issued_at AS at, paper.demand AS said, paper.answer,
       assignment.department, assignment.number AS assignment, ticket.title, ticket.urgency,
       (SELECT clock.due_at FROM clocks clock
         WHERE clock.ticket_id = paper.ticket_id AND clock.subject = paper.number AND clock.stopped_at IS NULL
           AND clock.kind IN ('order', 'order_review')) AS due_at
  FROM orders paper
  JOIN assignments assignment ON assignment.ticket_id = paper.ticket_id AND assignment.number = paper.assignment
  JOIN tickets ticket ON ticket.id = paper.ticket_id
 WHERE paper.accepted_at IS NULL AND NOT paper.escalated AND NOT paper.lapsed AND paper.rung IN ('order', 'listed', 'summoned')
   AND (:units::text[] IS NULL OR assignment.department = ANY (:units)) AND (:rung::text IS NULL OR paper.rung = :rung)
   AND (:answered::boolean IS NULL OR (paper.answered_at IS NOT NULL) = :answered)
   AND (paper.issued_at, paper.ticket_id, paper.number) > (:after_due, :after_id, :after_number::integer)
 ORDER BY paper.issued_at, paper.ticket_id, paper.number
 LIMIT :most;

-- name: claims
-- One page of the excusable errors that nobody has decided, the oldest paper first, after the key (issued, ticket, number).
SELECT paper.ticket_id AS id, paper.number, paper.rung, paper.issued_at AS at, paper.exemption_reason AS said,
       paper.exemption_ground AS ground, assignment.department, assignment.number AS assignment, ticket.title, ticket.urgency,
       (SELECT clock.due_at FROM clocks clock
         WHERE clock.ticket_id = paper.ticket_id AND clock.subject = paper.number AND clock.stopped_at IS NULL
           AND clock.kind = 'exemption') AS due_at
  FROM orders paper
  JOIN assignments assignment ON assignment.ticket_id = paper.ticket_id AND assignment.number = paper.assignment
  JOIN tickets ticket ON ticket.id = paper.ticket_id
 WHERE paper.exemption = 'pending'
   AND (paper.issued_at, paper.ticket_id, paper.number) > (:after_due, :after_id, :after_number::integer)
 ORDER BY paper.issued_at, paper.ticket_id, paper.number
 LIMIT :most;

-- name: rungs_for_people
-- One page of the papers that were ignored until a rung came due that only a person may issue, the oldest first.
SELECT paper.ticket_id AS id, paper.number, paper.rung, paper.issued_at AS at, paper.demand AS said, clock.due_at,
       assignment.department, assignment.number AS assignment, ticket.title, ticket.urgency,
       max(split_part(found.finding, ' ', 1)) AS finding
  FROM orders paper
  JOIN clocks clock ON clock.ticket_id = paper.ticket_id AND clock.subject = paper.number AND clock.kind = 'order'
                   AND clock.stopped_at IS NULL
  JOIN findings found ON found.ticket_id = clock.ticket_id AND found.clock = clock.number AND found.due_at = clock.due_at
                     AND split_part(found.finding, ' ', 1) = ANY (:rungs)
  JOIN assignments assignment ON assignment.ticket_id = paper.ticket_id AND assignment.number = paper.assignment
  JOIN tickets ticket ON ticket.id = paper.ticket_id
 WHERE paper.accepted_at IS NULL AND NOT paper.escalated AND NOT paper.lapsed AND paper.rung IN ('order', 'listed', 'summoned')
   AND (paper.issued_at, paper.ticket_id, paper.number) > (:after_due, :after_id, :after_number::integer)
 GROUP BY paper.ticket_id, paper.number, clock.due_at, assignment.department, assignment.number, ticket.title, ticket.urgency
 ORDER BY paper.issued_at, paper.ticket_id, paper.number
 LIMIT :most;

-- name: requests_of_approver
-- One page of the undecided requests that only one role may decide, the oldest first, after the key (asked, ticket, number).
SELECT request.ticket_id AS id, request.number, request.kind, request.asked_at AS at, request.reason AS said,
       request.reason_code, request.working_days, request.until, request.suggested, assignment.department,
       assignment.number AS assignment, ticket.title, ticket.urgency,
       (SELECT clock.due_at FROM clocks clock
         WHERE clock.ticket_id = request.ticket_id AND clock.subject = request.number AND clock.stopped_at IS NULL
           AND clock.kind = 'decide') AS due_at
  FROM requests request
  JOIN assignments assignment ON assignment.ticket_id = request.ticket_id AND assignment.number = request.assignment
  JOIN tickets ticket ON ticket.id = request.ticket_id
 WHERE request.decision = 'pending' AND request.approver = :approver
   AND (request.asked_at, request.ticket_id, request.number) > (:after_due, :after_id, :after_number::integer)
 ORDER BY request.asked_at, request.ticket_id, request.number
 LIMIT :most;

-- name: work_counts
-- What only supervisors can do now: claims to decide, rungs that a person must issue, requests that wait for them.
SELECT (SELECT count(*) FROM orders WHERE exemption = 'pending') AS claims,
       (SELECT count(*) FROM requests WHERE decision = 'pending' AND approver = :approver) AS requests,
       (SELECT count(DISTINCT (paper.ticket_id, paper.number))
          FROM (SELECT ticket_id, clock, due_at FROM findings
                 WHERE split_part(finding, ' ', 1) = ANY (:rungs) OFFSET 0) found
          JOIN clocks clock ON clock.ticket_id = found.ticket_id AND clock.number = found.clock
                           AND clock.due_at = found.due_at AND clock.kind = 'order' AND clock.stopped_at IS NULL
          JOIN orders paper ON paper.ticket_id = clock.ticket_id AND paper.number = clock.subject
         WHERE paper.accepted_at IS NULL AND NOT paper.escalated AND NOT paper.lapsed
           AND paper.rung IN ('order', 'listed', 'summoned')) AS rungs;

-- name: findings_of_ticket
-- What the watcher found about the clocks of a ticket, in order.
SELECT clock, split_part(finding, ' ', 1) AS rung, due_at, found_at
  FROM findings WHERE ticket_id = :ticket_id
 ORDER BY found_at, clock, finding;

-- name: told_of_ticket
-- What some units were told about a ticket, when, and what became of it on each way out.
SELECT notice.id, notice.department, notice.role, notice.kind, notice.created_at, notice.seen_at,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('channel', contact.channel, 'state', delivery.state, 'at', delivery.ended_at)
                                  ORDER BY delivery.id), '[]')
          FROM deliveries delivery JOIN contacts contact ON contact.id = delivery.contact_id
         WHERE delivery.notice_id = notice.id) AS deliveries
  FROM notices notice
 WHERE notice.ticket_id = :ticket_id AND notice.department = ANY (:units)
 ORDER BY notice.created_at, notice.id;
