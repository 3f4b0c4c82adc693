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
