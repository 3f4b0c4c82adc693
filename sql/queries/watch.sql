-- name: claim_due_clocks
-- Claim the clocks that want a look, the longest waiting first, by putting their next look off.
WITH due AS (
    SELECT ticket_id, number
      FROM clocks
     WHERE look_at <= :now
     ORDER BY look_at
     LIMIT :most
       FOR UPDATE SKIP LOCKED
)
UPDATE clocks
   SET look_at = :again
  FROM due, tickets ticket
 WHERE clocks.ticket_id = due.ticket_id AND clocks.number = due.number AND ticket.id = clocks.ticket_id
RETURNING clocks.ticket_id, clocks.number, clocks.kind, clocks.subject, clocks.cycle, clocks.department,
          clocks.started_at, clocks.due_at, clocks.allowance, clocks.rule, clocks.rules, clocks.calendar,
          clocks.counted_from, clocks.until, clocks.ceiling, clocks.floor, clocks.provisional, clocks.stopped_at,
          clocks.stop, ticket.urgency, ticket.reported,
          (SELECT paper.rung FROM orders paper
            WHERE clocks.kind = 'order' AND paper.ticket_id = clocks.ticket_id AND paper.number = clocks.subject) AS paper;

-- name: find_once
-- Keep findings about one clock; returns the names of those that were new.
INSERT INTO findings (ticket_id, clock, finding, due_at, found_at)
SELECT new.ticket_id, new.number, new.finding, new.due_at, :now
  FROM jsonb_to_recordset(:findings::jsonb) AS new(ticket_id bigint, number integer, finding text, due_at timestamptz)
ON CONFLICT DO NOTHING
RETURNING finding;

-- name: tell
-- Put notices into the outbox; those that were told before are passed over.
INSERT INTO notices (key, ticket_id, department, role, kind, facts, created_at, try_at)
SELECT new.key, new.ticket_id, new.department, new.role, new.kind, new.facts, :at, :at
  FROM jsonb_to_recordset(:notices::jsonb) AS new(key text, ticket_id bigint, department text, role text, kind text, facts jsonb)
ON CONFLICT (key) DO NOTHING;

-- name: record_looks
-- Keep what was found about clocks, tell the departments, and set when to look again; a clock that moves just now
-- keeps its own time, and is looked at again when its claim ends.
WITH look AS (
    SELECT * FROM jsonb_to_recordset(:looks::jsonb) AS look(ticket_id bigint, number integer, due_at timestamptz, next_at timestamptz)
), finding AS (
    INSERT INTO findings (ticket_id, clock, finding, due_at, found_at)
    SELECT new.ticket_id, new.number, new.finding, new.due_at, :now
      FROM jsonb_to_recordset(:findings::jsonb) AS new(ticket_id bigint, number integer, finding text, due_at timestamptz)
    ON CONFLICT DO NOTHING
), notice AS (
    INSERT INTO notices (key, ticket_id, department, role, kind, facts, created_at, try_at)
    SELECT new.key, new.ticket_id, new.department, new.role, new.kind, new.facts, :now, :now
      FROM jsonb_to_recordset(:notices::jsonb) AS new(key text, ticket_id bigint, department text, role text, kind text, facts jsonb)
    ON CONFLICT (key) DO NOTHING
)
UPDATE clocks
   SET look_at = mine.next_at
  FROM (SELECT clock.ticket_id, clock.number, look.next_at
          FROM clocks clock
          JOIN look ON look.ticket_id = clock.ticket_id AND look.number = clock.number
         WHERE clock.due_at = look.due_at AND clock.look_at = :again
           FOR NO KEY UPDATE OF clock SKIP LOCKED) mine
 WHERE clocks.ticket_id = mine.ticket_id AND clocks.number = mine.number;

-- name: lapse_windows
-- Close return windows that are past; nobody is late by them. One that is being changed just now is left for the next look.
UPDATE clocks SET stopped_at = due_at, stop = 'void', look_at = NULL
  FROM (SELECT clock.ticket_id, clock.number
          FROM clocks clock
          JOIN jsonb_array_elements(:keys::jsonb) key
            ON (key->>0)::bigint = clock.ticket_id AND (key->>1)::integer = clock.number
         WHERE clock.stopped_at IS NULL
           FOR NO KEY UPDATE OF clock SKIP LOCKED) mine
 WHERE clocks.ticket_id = mine.ticket_id AND clocks.number = mine.number;

-- name: tickets_by_other_calendars
-- The next tickets with a running clock in working time that another calendar counted; clock time never changes.
SELECT DISTINCT ticket_id
  FROM clocks
 WHERE stopped_at IS NULL AND calendar <> :calendar AND ticket_id > :after
   AND (allowance = '' OR allowance ~ '(wh|wd|\+)')
 ORDER BY ticket_id
 LIMIT :most;

-- name: next_look
-- When the next clock wants a look.
SELECT min(look_at) AS look_at FROM clocks WHERE look_at IS NOT NULL;

-- name: watch_lag
-- Since when the most overdue look waits, and how many wait, counted up to 10000.
SELECT (SELECT min(look_at) FROM clocks WHERE look_at <= :now) AS first,
       (SELECT count(*) FROM (SELECT 1 FROM clocks WHERE look_at <= :now LIMIT 10000) due) AS due;

-- name: beat
-- Say that a worker is alive and how late it was; forget those of whom nothing was heard since a day.
WITH forgotten AS (
    DELETE FROM heartbeats WHERE at < :forget_before AND worker <> :worker
)
INSERT INTO heartbeats (worker, at, lag_seconds) VALUES (:worker, :at, :lag_seconds)
ON CONFLICT (worker) DO UPDATE SET at = EXCLUDED.at, lag_seconds = EXCLUDED.lag_seconds;

-- name: leave
-- A worker says that it goes: nobody need worry.
DELETE FROM heartbeats WHERE worker = :worker;

-- name: heartbeats
-- When each worker was last alive.
SELECT worker, at, lag_seconds FROM heartbeats ORDER BY worker;

-- name: invariant_open_without_clock
-- Open tickets that nobody owes anything on; there may be none.
SELECT ticket.id FROM tickets ticket
 WHERE ticket.state <> 'closed'
   AND NOT EXISTS (SELECT 1 FROM clocks clock WHERE clock.ticket_id = ticket.id AND clock.stopped_at IS NULL AND clock.kind <> 'return_window')
 LIMIT :most;

-- name: invariant_closed_with_clock
-- Closed tickets with a clock that still runs; there may be none.
SELECT ticket.id FROM tickets ticket
  JOIN clocks clock ON clock.ticket_id = ticket.id AND clock.stopped_at IS NULL
 WHERE ticket.state = 'closed'
 LIMIT :most;

-- name: invariant_state_is_not_the_last_event
-- Tickets whose state or version is not what their last event left behind, or whose events have a gap; there may be none.
SELECT ticket.id FROM tickets ticket
  JOIN LATERAL (SELECT count(*) AS events, max(number) AS newest FROM events WHERE ticket_id = ticket.id) history ON true
  LEFT JOIN events last ON last.ticket_id = ticket.id AND last.number = history.newest
 WHERE last.state IS DISTINCT FROM ticket.state OR history.newest IS DISTINCT FROM ticket.version OR history.events <> ticket.version
 LIMIT :most;

-- name: invariant_open_past_its_gate
-- Tickets past handling whose co-handlers or lower units still owe an answer; there may be none.
SELECT ticket.id FROM tickets ticket
  JOIN assignments assignment ON assignment.ticket_id = ticket.id AND assignment.state IN ('sent', 'accepted')
 WHERE ticket.state IN ('review', 'follow_up', 'closed')
 LIMIT :most;

-- name: invariant_sent_back_to_a_returner
-- Assignments sent, other than by designation, to a department that had returned the ticket before; there may be none.
SELECT later.ticket_id AS id FROM assignments later
  JOIN assignments earlier ON earlier.ticket_id = later.ticket_id AND earlier.department = later.department
                          AND earlier.number < later.number AND earlier.state = 'returned'
 WHERE NOT later.designated AND earlier.parent IS NULL AND later.parent IS NULL
 LIMIT :most;

-- name: ticket_ids
-- One page of ticket numbers in order.
SELECT id FROM tickets WHERE id > :after ORDER BY id LIMIT :most;

-- name: known_tickets
-- Which of these ticket numbers exist.
SELECT id FROM tickets WHERE id = ANY (:ids);

-- name: changes_of_tickets
-- What every event of some tickets changed, each ticket's in order.
SELECT ticket_id, changes FROM events WHERE ticket_id = ANY (:ids) ORDER BY ticket_id, number;

-- name: tally_states
-- How many tickets are in each state.
SELECT state AS name, count(*) AS number FROM tickets GROUP BY state;

-- name: tally_outcomes
-- How many closed tickets ended in each way.
SELECT outcome AS name, count(*) AS number FROM tickets WHERE outcome IS NOT NULL GROUP BY outcome;

-- name: tally_findings
-- How many findings of each name the watcher made.
SELECT split_part(finding, ' ', 1) AS name, count(*) AS number FROM findings GROUP BY 1;
