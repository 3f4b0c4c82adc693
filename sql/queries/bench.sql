-- name: bench_without_checks
-- Let this session write rows without checking references: they are copies of rows that were checked.
SET session_replication_role = replica;

-- name: bench_copy_tickets
-- Copy one ticket many times, under the numbers from `first` on.
INSERT INTO tickets
SELECT (jsonb_populate_record(template, jsonb_build_object('id', :first::bigint + n))).*
  FROM tickets template, generate_series(0, :number::integer - 1) n
 WHERE template.id = :template;

-- name: bench_copy_callers
-- Copy the callers of a ticket for its copies.
INSERT INTO callers
SELECT (jsonb_populate_record(template, jsonb_build_object('ticket_id', :first::bigint + n))).*
  FROM callers template, generate_series(0, :number::integer - 1) n
 WHERE template.ticket_id = :template;

-- name: bench_copy_assignments
-- Copy the assignments of a ticket for its copies.
INSERT INTO assignments
SELECT (jsonb_populate_record(template, jsonb_build_object('ticket_id', :first::bigint + n))).*
  FROM assignments template, generate_series(0, :number::integer - 1) n
 WHERE template.ticket_id = :template;

-- name: bench_copy_events
-- Copy the events of a ticket for its copies.
INSERT INTO events
SELECT (jsonb_populate_record(template, jsonb_build_object('ticket_id', :first::bigint + n))).*
  FROM events template, generate_series(0, :number::integer - 1) n
 WHERE template.ticket_id = :template;

-- name: bench_copy_clocks
-- Copy the running clocks of a ticket for its copies; each wants its next look at a time of its own, from `look_at` on.
INSERT INTO clocks
SELECT (jsonb_populate_record(template, jsonb_build_object('ticket_id', :first::bigint + n,
            'due_at', :look_at::timestamptz + n * interval '1 second' + interval '3 days',
            'warns_at', :look_at::timestamptz + n * interval '1 second',
            'look_at', :look_at::timestamptz + n * interval '1 second'))).*
  FROM clocks template, generate_series(0, :number::integer - 1) n
 WHERE template.ticket_id = :template AND template.stopped_at IS NULL;

-- name: bench_make_due
-- Let one clock of each of some copies be due from `due_at` on, `rate` of them each second, and be looked at right after.
UPDATE clocks
   SET due_at = :due_at::timestamptz + (ticket_id - :first::bigint) / :rate::bigint * interval '1 second',
       look_at = :due_at::timestamptz + (ticket_id - :first::bigint) / :rate::bigint * interval '1 second' + interval '1 microsecond'
 WHERE ticket_id >= :first AND ticket_id < :first::bigint + :number::bigint AND number = :clock;

-- name: bench_found
-- How many clocks of some copies something was found about.
SELECT count(*) FROM (SELECT DISTINCT ticket_id FROM findings
                       WHERE ticket_id >= :first AND ticket_id < :first::bigint + :number::bigint AND clock = :clock) found;

-- name: bench_findings
-- What was found about one clock of some copies, and when that was committed; where the server does not keep the times of
-- commits, when the service said it was found.
SELECT ticket_id, split_part(finding, ' ', 1) AS finding, due_at,
       CASE current_setting('track_commit_timestamp') WHEN 'on' THEN pg_xact_commit_timestamp(xmin) ELSE found_at END AS committed_at
  FROM findings
 WHERE ticket_id >= :first AND ticket_id < :first::bigint + :number::bigint AND clock = :clock;

-- name: bench_notices
-- Whom the notices about some copies were for, and what they said.
SELECT ticket_id, kind, department, role, count(*) AS number, count(place) AS placed
  FROM notices
 WHERE ticket_id >= :first AND ticket_id < :first::bigint + :number::bigint
 GROUP BY ticket_id, kind, department, role;

-- name: bench_running_clocks
-- How many clocks run.
SELECT count(*) FROM clocks WHERE stopped_at IS NULL;

-- name: bench_clocks_of
-- The running clocks of one ticket.
SELECT number, kind FROM clocks WHERE ticket_id = :ticket_id AND stopped_at IS NULL ORDER BY number;

-- name: bench_open
-- The open tickets, and how many events each has.
SELECT id, version FROM tickets WHERE state <> 'closed' ORDER BY id;

-- name: bench_shown
-- Some open tickets in an order that mixes all, with who leads each.
SELECT ticket.id, ticket.state, ticket.version AS events, lead.department AS lead
  FROM tickets ticket
  LEFT JOIN assignments lead ON lead.ticket_id = ticket.id AND lead.duty = 'lead' AND lead.parent IS NULL
                            AND lead.state IN ('sent', 'accepted', 'replied')
 WHERE ticket.state <> 'closed'
 ORDER BY ticket.id % 1000003 * 7919 % 1000003, ticket.id
 LIMIT :most;

-- name: bench_units
-- The departments with the most open assignments.
SELECT department, count(*) AS open
  FROM assignments WHERE state IN ('sent', 'accepted')
 GROUP BY department ORDER BY open DESC, department
 LIMIT :most;

-- name: bench_spread_tickets
-- Copy some tickets in turn under the numbers from `first` on; each copy is due at a time of its own around its template's.
INSERT INTO tickets
SELECT copied.*
  FROM generate_series(:start::integer, :start::integer + :number::integer - 1) n
  JOIN tickets template ON template.id = (:templates::bigint[])[n % cardinality(:templates::bigint[]) + 1]
 CROSS JOIN LATERAL jsonb_populate_record(template, jsonb_build_object('id', :first::bigint + n,
            'due_at', template.due_at + (n * 7919::bigint % 172800 - 86400) * interval '1 second')) copied;

-- name: bench_spread_ticket_grams
-- Copy what searching reads of some tickets for their copies.
INSERT INTO ticket_grams
SELECT :first::bigint + n, template.grams, template.sample
  FROM generate_series(:start::integer, :start::integer + :number::integer - 1) n
  JOIN ticket_grams template ON template.ticket_id = (:templates::bigint[])[n % cardinality(:templates::bigint[]) + 1];

-- name: bench_spread_callers
-- Copy the callers of some tickets for their copies.
INSERT INTO callers
SELECT copied.*
  FROM generate_series(:start::integer, :start::integer + :number::integer - 1) n
  JOIN callers template ON template.ticket_id = (:templates::bigint[])[n % cardinality(:templates::bigint[]) + 1]
 CROSS JOIN LATERAL jsonb_populate_record(template, jsonb_build_object('ticket_id', :first::bigint + n)) copied;

-- name: bench_spread_assignments
-- Copy the assignments of some tickets for their copies.
INSERT INTO assignments
SELECT copied.*
  FROM generate_series(:start::integer, :start::integer + :number::integer - 1) n
  JOIN assignments template ON template.ticket_id = (:templates::bigint[])[n % cardinality(:templates::bigint[]) + 1]
 CROSS JOIN LATERAL jsonb_populate_record(template, jsonb_build_object('ticket_id', :first::bigint + n,
            'due_at', template.due_at + (n * 7919::bigint % 172800 - 86400) * interval '1 second')) copied;

-- name: bench_spread_requests
-- Copy the requests of some tickets for their copies.
INSERT INTO requests
SELECT copied.*
  FROM generate_series(:start::integer, :start::integer + :number::integer - 1) n
  JOIN requests template ON template.ticket_id = (:templates::bigint[])[n % cardinality(:templates::bigint[]) + 1]
 CROSS JOIN LATERAL jsonb_populate_record(template, jsonb_build_object('ticket_id', :first::bigint + n)) copied;

-- name: bench_spread_orders
-- Copy the papers of some tickets for their copies.
INSERT INTO orders
SELECT copied.*
  FROM generate_series(:start::integer, :start::integer + :number::integer - 1) n
  JOIN orders template ON template.ticket_id = (:templates::bigint[])[n % cardinality(:templates::bigint[]) + 1]
 CROSS JOIN LATERAL jsonb_populate_record(template, jsonb_build_object('ticket_id', :first::bigint + n)) copied;

-- name: bench_spread_clocks
-- Copy the clocks of some tickets for their copies; those that run are due when the copy is.
INSERT INTO clocks
SELECT copied.*
  FROM generate_series(:start::integer, :start::integer + :number::integer - 1) n
  JOIN clocks template ON template.ticket_id = (:templates::bigint[])[n % cardinality(:templates::bigint[]) + 1]
 CROSS JOIN LATERAL (SELECT CASE WHEN template.stopped_at IS NULL THEN n * 7919::bigint % 172800 - 86400 ELSE 0 END
                            * interval '1 second' AS later) shift
 CROSS JOIN LATERAL jsonb_populate_record(template, jsonb_build_object('ticket_id', :first::bigint + n,
            'due_at', template.due_at + shift.later, 'warns_at', template.warns_at + shift.later,
            'look_at', template.look_at + shift.later)) copied;

-- name: bench_spread_events
-- Copy the events of some tickets for their copies.
INSERT INTO events
SELECT copied.*
  FROM generate_series(:start::integer, :start::integer + :number::integer - 1) n
  JOIN events template ON template.ticket_id = (:templates::bigint[])[n % cardinality(:templates::bigint[]) + 1]
 CROSS JOIN LATERAL jsonb_populate_record(template, jsonb_build_object('ticket_id', :first::bigint + n)) copied;

-- name: bench_spread_findings
-- Copy what the watcher found about some tickets for their copies.
INSERT INTO findings (ticket_id, clock, finding, due_at, found_at)
SELECT :first::bigint + n, template.clock, template.finding, clock.due_at, template.found_at
  FROM generate_series(:start::integer, :start::integer + :number::integer - 1) n
  JOIN findings template ON template.ticket_id = (:templates::bigint[])[n % cardinality(:templates::bigint[]) + 1]
  JOIN clocks clock ON clock.ticket_id = :first::bigint + n AND clock.number = template.clock;

-- name: bench_spread_notices
-- Copy what was told about some tickets for their copies, in the order of handing out.
INSERT INTO notices (key, ticket_id, department, role, kind, facts, created_at, delivered_at, seen_at, place, try_at)
SELECT template.key || '/' || n, :first::bigint + n, template.department, template.role, template.kind, template.facts,
       template.created_at, template.delivered_at, template.seen_at,
       CASE WHEN template.place IS NOT NULL THEN nextval('notice_places') END, template.try_at
  FROM generate_series(:start::integer, :start::integer + :number::integer - 1) n
  JOIN notices template ON template.ticket_id = (:templates::bigint[])[n % cardinality(:templates::bigint[]) + 1];
