-- name: next_serials
-- Take the next block of one hundred ticket serials for this process.
SELECT nextval('ticket_serials');

-- name: open_ticket
-- Write a new ticket with its caller, events, clocks, assignments and notices at once; no row if the outside number is known.
WITH ticket AS (
    INSERT INTO tickets (id, version, state, type, urgency, category, area, owner, confidential, sensitive, reported,
                         outcome, received_at, entered_at, due_at, channel, source, outside_id, title, text,
                         original_sealed, place, opened_by, judged, suggestion)
    VALUES (:id, :version, :state, :type, :urgency, :category, :area, :owner, :confidential, :sensitive, :reported,
            :outcome, :received_at, :entered_at, :due_at, :channel, :source, :outside_id, :title, :text,
            :original_sealed, :place, :opened_by, :judged, :suggestion)
    ON CONFLICT (source, outside_id) DO NOTHING
    RETURNING id
), pairs AS (
    INSERT INTO ticket_grams (ticket_id, grams, sample) SELECT id, :grams, sample_of(:grams) FROM ticket
), caller AS (
    INSERT INTO callers (ticket_id, number, reachable, real_name, wants_visit, name_sealed, phone_sealed,
                         address_sealed, phone_hash, name_hash)
    SELECT id, 1, :reachable, :real_name, :wants_visit, :name_sealed, :phone_sealed, :address_sealed, :phone_hash, :name_hash
      FROM ticket
), assignment AS (
    INSERT INTO assignments (ticket_id, number, department, duty, state, sent_at, sent_cycle, due_at)
    SELECT ticket.id, new.number, new.department, new.duty, new.state, new.sent_at, new.sent_cycle, new.due_at
      FROM ticket, jsonb_to_recordset(:assignments::jsonb) AS new(number integer, department text, duty text, state text,
           sent_at timestamptz, sent_cycle integer, due_at timestamptz)
), clock AS (
    INSERT INTO clocks (ticket_id, number, kind, subject, cycle, department, started_at, due_at, allowance, rule, rules,
                        calendar, counted_from, until, ceiling, floor, provisional, stopped_at, stop, look_at, warns_at)
    SELECT ticket.id, new.number, new.kind, new.subject, new.cycle, new.department, new.started_at, new.due_at,
           new.allowance, new.rule, new.rules, new.calendar, new.counted_from, new.until, new.ceiling, new.floor,
           new.provisional, new.stopped_at, new.stop, new.look_at, new.warns_at
      FROM ticket, jsonb_to_recordset(:clocks::jsonb) AS new(number integer, kind text, subject integer, cycle integer,
           department text, started_at timestamptz, due_at timestamptz, allowance text, rule text, rules text,
           calendar text, counted_from timestamptz, until timestamptz, ceiling timestamptz, floor timestamptz,
           provisional boolean, stopped_at timestamptz, stop text, look_at timestamptz, warns_at timestamptz)
), event AS (
    INSERT INTO events (ticket_id, number, at, person, role, department, action, data, changes, state)
    SELECT ticket.id, new.number, new.at, new.person, new.role, new.department, new.action, new.data, new.changes, new.state
      FROM ticket, jsonb_to_recordset(:events::jsonb) AS new(number integer, at timestamptz, person text, role text,
           department text, action text, data jsonb, changes jsonb, state text)
), notice AS (
    INSERT INTO notices (key, ticket_id, department, role, kind, facts, created_at, try_at)
    SELECT new.key, ticket.id, new.department, new.role, new.kind, new.facts, :entered_at, :entered_at
      FROM ticket, jsonb_to_recordset(:notices::jsonb) AS new(key text, department text, role text, kind text, facts jsonb)
    ON CONFLICT (key) DO NOTHING
)
SELECT id FROM ticket;

-- name: ticket_of_outside_id
-- The ticket that an outside number already has.
SELECT id FROM tickets WHERE source = :source AND outside_id = :outside_id;

-- name: tickets
-- Some tickets with all their parts and what was said.
SELECT ticket.id, ticket.version, ticket.state, ticket.type, ticket.urgency, ticket.category, ticket.area, ticket.owner,
       ticket.confidential, ticket.sensitive, ticket.reported, ticket.outcome, ticket.cycle, ticket.returns,
       ticket.returned_by, ticket.merged_into, ticket.urged_at, ticket.urges, ticket.bad_rating_at, ticket.received_at,
       ticket.entered_at, ticket.due_at, ticket.channel, ticket.source, ticket.outside_id, ticket.title, ticket.text,
       ticket.original_sealed IS NOT NULL AS has_original, ticket.place, ticket.opened_by, ticket.judged, ticket.suggestion,
       (SELECT jsonb_agg(jsonb_build_object('number', number, 'reachable', reachable, 'real_name', real_name,
               'wants_visit', wants_visit, 'attempts', attempts, 'visited', visited, 'rating', rating, 'origin', origin)
               ORDER BY number) FROM callers WHERE ticket_id = ticket.id) AS callers,
       (SELECT jsonb_agg(to_jsonb(part) ORDER BY number) FROM assignments part WHERE ticket_id = ticket.id) AS assignments,
       (SELECT jsonb_agg(to_jsonb(part) ORDER BY number) FROM requests part WHERE ticket_id = ticket.id) AS requests,
       (SELECT jsonb_agg(to_jsonb(part) ORDER BY number) FROM orders part WHERE ticket_id = ticket.id) AS orders,
       (SELECT jsonb_agg(to_jsonb(part) ORDER BY number) FROM clocks part WHERE ticket_id = ticket.id) AS clocks,
       EXISTS (SELECT 1 FROM tickets other WHERE other.merged_into = ticket.id) AS has_merged,
       EXISTS (SELECT 1 FROM attachments WHERE ticket_id = ticket.id) AS has_pictures
  FROM tickets ticket
 WHERE ticket.id = ANY (:ids)
 ORDER BY ticket.id;

-- name: lock_ticket
-- Lock one ticket until the transaction ends; whoever changes it comes one after another.
SELECT id FROM tickets WHERE id = :id FOR NO KEY UPDATE;

-- name: record
-- Write what one event left different: the ticket, the changed parts, the event itself and its notices; no row if it moved.
WITH ticket AS (
    UPDATE tickets
       SET version = :version, state = :state, type = :type, urgency = :urgency, category = :category, area = :area,
           owner = :owner, confidential = :confidential, sensitive = :sensitive, outcome = :outcome, cycle = :cycle,
           returns = :returns, returned_by = :returned_by, merged_into = :merged_into, urged_at = :urged_at,
           urges = :urges, bad_rating_at = :bad_rating_at, entered_at = :entered_at, due_at = :due_at
     WHERE id = :id AND version = :version - 1
    RETURNING id
), caller AS (
    UPDATE callers
       SET attempts = changed.attempts, visited = changed.visited, rating = changed.rating
      FROM ticket, jsonb_to_recordset(:callers::jsonb) AS changed(number integer, attempts integer, visited boolean, rating text)
     WHERE callers.ticket_id = ticket.id AND callers.number = changed.number
), assignment AS (
    INSERT INTO assignments (ticket_id, number, department, duty, state, sent_at, parent, designated, sent_cycle,
                             accepted_at, contacted_at, replied_at, solved, extensions, promised_for, due_at)
    SELECT ticket.id, new.number, new.department, new.duty, new.state, new.sent_at, new.parent, new.designated,
           new.sent_cycle, new.accepted_at, new.contacted_at, new.replied_at, new.solved, new.extensions,
           new.promised_for, new.due_at
      FROM ticket, jsonb_to_recordset(:assignments::jsonb) AS new(number integer, department text, duty text, state text,
           sent_at timestamptz, parent integer, designated boolean, sent_cycle integer, accepted_at timestamptz,
           contacted_at timestamptz, replied_at timestamptz, solved boolean, extensions integer,
           promised_for timestamptz, due_at timestamptz)
    ON CONFLICT (ticket_id, number) DO UPDATE
       SET state = EXCLUDED.state, accepted_at = EXCLUDED.accepted_at, contacted_at = EXCLUDED.contacted_at,
           replied_at = EXCLUDED.replied_at, solved = EXCLUDED.solved, extensions = EXCLUDED.extensions,
           promised_for = EXCLUDED.promised_for, due_at = EXCLUDED.due_at
), request AS (
    INSERT INTO requests (ticket_id, number, kind, assignment, asked_by, asked_at, reason, cycle, reason_code, pause_code,
                          basis, suggested, working_days, until, approver, decision, decided_at, decided_by, answer,
                          ended_at, told_at)
    SELECT ticket.id, new.number, new.kind, new.assignment, new.asked_by, new.asked_at, new.reason, new.cycle,
           new.reason_code, new.pause_code, new.basis, new.suggested, new.working_days, new.until, new.approver,
           new.decision, new.decided_at, new.decided_by, new.answer, new.ended_at, new.told_at
      FROM ticket, jsonb_to_recordset(:requests::jsonb) AS new(number integer, kind text, assignment integer,
           asked_by text, asked_at timestamptz, reason text, cycle integer, reason_code text, pause_code text,
           basis text, suggested text, working_days integer, until timestamptz, approver text, decision text,
           decided_at timestamptz, decided_by text, answer text, ended_at timestamptz, told_at timestamptz)
    ON CONFLICT (ticket_id, number) DO UPDATE
       SET decision = EXCLUDED.decision, decided_at = EXCLUDED.decided_at, decided_by = EXCLUDED.decided_by,
           answer = EXCLUDED.answer, until = EXCLUDED.until, ended_at = EXCLUDED.ended_at, told_at = EXCLUDED.told_at
), supervision AS (
    INSERT INTO orders (ticket_id, number, assignment, rung, issued_by, issued_at, demand, joint, answered_at, answer,
                        returned, remark, accepted_at, escalated, lapsed, body, ground, exemption, exemption_ground,
                        exemption_reason, exemption_answer)
    SELECT ticket.id, new.number, new.assignment, new.rung, new.issued_by, new.issued_at, new.demand, new.joint,
           new.answered_at, new.answer, new.returned, new.remark, new.accepted_at, new.escalated, new.lapsed, new.body,
           new.ground, new.exemption, new.exemption_ground, new.exemption_reason, new.exemption_answer
      FROM ticket, jsonb_to_recordset(:orders::jsonb) AS new(number integer, assignment integer, rung text,
           issued_by text, issued_at timestamptz, demand text, joint integer, answered_at timestamptz, answer text,
           returned integer, remark text, accepted_at timestamptz, escalated boolean, lapsed boolean, body text,
           ground text, exemption text, exemption_ground text, exemption_reason text, exemption_answer text)
    ON CONFLICT (ticket_id, number) DO UPDATE
       SET answered_at = EXCLUDED.answered_at, answer = EXCLUDED.answer, returned = EXCLUDED.returned,
           remark = EXCLUDED.remark, accepted_at = EXCLUDED.accepted_at, escalated = EXCLUDED.escalated,
           lapsed = EXCLUDED.lapsed, exemption = EXCLUDED.exemption, exemption_ground = EXCLUDED.exemption_ground,
           exemption_reason = EXCLUDED.exemption_reason, exemption_answer = EXCLUDED.exemption_answer
), clock AS (
    INSERT INTO clocks (ticket_id, number, kind, subject, cycle, department, started_at, due_at, allowance, rule, rules,
                        calendar, counted_from, until, ceiling, floor, provisional, stopped_at, stop, look_at, warns_at)
    SELECT ticket.id, new.number, new.kind, new.subject, new.cycle, new.department, new.started_at, new.due_at,
           new.allowance, new.rule, new.rules, new.calendar, new.counted_from, new.until, new.ceiling, new.floor,
           new.provisional, new.stopped_at, new.stop, new.look_at, new.warns_at
      FROM ticket, jsonb_to_recordset(:clocks::jsonb) AS new(number integer, kind text, subject integer, cycle integer,
           department text, started_at timestamptz, due_at timestamptz, allowance text, rule text, rules text,
           calendar text, counted_from timestamptz, until timestamptz, ceiling timestamptz, floor timestamptz,
           provisional boolean, stopped_at timestamptz, stop text, look_at timestamptz, warns_at timestamptz)
    ON CONFLICT (ticket_id, number) DO UPDATE
       SET due_at = EXCLUDED.due_at, allowance = EXCLUDED.allowance, rule = EXCLUDED.rule, rules = EXCLUDED.rules,
           calendar = EXCLUDED.calendar, counted_from = EXCLUDED.counted_from, until = EXCLUDED.until,
           ceiling = EXCLUDED.ceiling, floor = EXCLUDED.floor, provisional = EXCLUDED.provisional, stopped_at = EXCLUDED.stopped_at, stop = EXCLUDED.stop,
           look_at = EXCLUDED.look_at, warns_at = EXCLUDED.warns_at
), notice AS (
    INSERT INTO notices (key, ticket_id, department, role, kind, facts, created_at, try_at)
    SELECT new.key, ticket.id, new.department, new.role, new.kind, new.facts, :at, :at
      FROM ticket, jsonb_to_recordset(:notices::jsonb) AS new(key text, department text, role text, kind text, facts jsonb)
    ON CONFLICT (key) DO NOTHING
)
INSERT INTO events (ticket_id, number, at, person, role, department, action, data, changes, state)
SELECT ticket.id, :version, :at, :person, :role, :department, :action, :data, :changes, :state
  FROM ticket
RETURNING ticket_id;

-- name: query_codes
-- The callers of a ticket who have a query code of their own, with the number of its newest issue, 0 for the first code.
SELECT caller.number, coalesce(max(issued.issue), 0)::integer AS issue
  FROM callers caller
  LEFT JOIN code_issues issued ON issued.ticket_id = caller.ticket_id AND issued.caller = caller.number
 WHERE caller.ticket_id = :ticket_id AND caller.origin IS NULL
 GROUP BY caller.number
 ORDER BY caller.number;

-- name: issue_code
-- Give a caller a new query code, by which the earlier ones end; no row when somebody was quicker.
INSERT INTO code_issues (ticket_id, caller, issue, person, checked, reason, at)
VALUES (:ticket_id, :caller, :issue, :person, :checked, :reason, :at)
ON CONFLICT (ticket_id, caller, issue) DO NOTHING
RETURNING issue;

-- name: done_before
-- The version to which this very request of this person has brought a ticket, if it was made before.
SELECT version FROM done_once WHERE ticket_id = :ticket_id AND person = :person AND key = :key;

-- name: keep_done
-- Remember that a request was done.
INSERT INTO done_once (ticket_id, person, key, version, at) VALUES (:ticket_id, :person, :key, :version, :at);

-- name: add_caller
-- Add one caller to a ticket.
INSERT INTO callers (ticket_id, number, reachable, real_name, wants_visit, name_sealed, phone_sealed, address_sealed,
                     phone_hash, name_hash)
VALUES (:ticket_id, :number, :reachable, :real_name, :wants_visit, :name_sealed, :phone_sealed, :address_sealed,
        :phone_hash, :name_hash);

-- name: copy_callers
-- Give the callers of a merged ticket to the one it was merged into, numbered after those already there.
INSERT INTO callers (ticket_id, number, reachable, real_name, wants_visit, origin, name_sealed, phone_sealed,
                     address_sealed, phone_hash, name_hash)
SELECT :into, :first::integer - 1 + row_number() OVER (ORDER BY number), reachable, real_name, wants_visit, :origin,
       name_sealed, phone_sealed, address_sealed, phone_hash, name_hash
  FROM callers
 WHERE ticket_id = :origin;

-- name: remove_callers
-- Take the callers of an un-merged ticket away again.
DELETE FROM callers WHERE ticket_id = :ticket_id AND origin = :origin;

-- name: sealed_callers
-- The sealed personal data of a ticket's callers.
SELECT number, name_sealed, phone_sealed, address_sealed, origin FROM callers WHERE ticket_id = :ticket_id ORDER BY number;

-- name: path_and_callers
-- What happened to a ticket as JSON, the oldest first, without what each event changed; and the sealed personal data of its
-- callers, where they are asked for.
SELECT (SELECT coalesce(json_agg(row_to_json(line) ORDER BY line.number), '[]')::text
          FROM (SELECT event.number, event.at, event.person, coalesce(person.name, '') AS name, event.role,
                       event.department, event.action, event.data, event.state
                  FROM events event
                  LEFT JOIN people person ON person.id = event.person
                 WHERE event.ticket_id = :ticket_id) line) AS path,
       sealed.numbers, sealed.names, sealed.phones, sealed.addresses
  FROM (SELECT array_agg(number ORDER BY number) AS numbers, array_agg(name_sealed ORDER BY number) AS names,
               array_agg(phone_sealed ORDER BY number) AS phones, array_agg(address_sealed ORDER BY number) AS addresses
          FROM callers WHERE ticket_id = :ticket_id AND :with_callers) sealed;

-- name: first_callers
-- The sealed name and phone of the first caller of some tickets.
SELECT ticket_id, name_sealed, phone_sealed FROM callers WHERE ticket_id = ANY (:ids) AND number = 1;

-- name: sealed_original
-- What the caller said before numbers were masked, if anything was.
SELECT original_sealed FROM tickets WHERE id = :ticket_id;

-- name: events
-- What happened to a ticket after the event `since`, the oldest first.
SELECT event.number, event.at, event.person, coalesce(person.name, '') AS name, event.role, event.department, event.action,
       event.data, event.changes, event.state
  FROM events event
  LEFT JOIN people person ON person.id = event.person
 WHERE event.ticket_id = :ticket_id AND event.number > :since
 ORDER BY event.number;

-- name: unjudged_tickets
-- The oldest tickets that nobody has judged yet, locked so that two workers never judge the same one.
SELECT id, title, text
  FROM tickets
 WHERE NOT judged AND state = 'received'
 ORDER BY id
 LIMIT :most
   FOR NO KEY UPDATE SKIP LOCKED;

-- name: mark_judged
-- Keep what the model and the router said about some tickets.
UPDATE tickets
   SET judged = true, suggestion = judged.suggestion
  FROM jsonb_to_recordset(:judged::jsonb) AS judged(id bigint, suggestion jsonb)
 WHERE tickets.id = judged.id;

-- name: merged_tickets
-- The tickets that were merged into one.
SELECT id, title, received_at FROM tickets WHERE merged_into = :id ORDER BY id;

-- name: merged_into
-- The ticket that one was merged into, if it was.
SELECT merged_into FROM tickets WHERE id = :id AND merged_into IS NOT NULL;

-- name: experience
-- What became of matters of some categories by place, department and month, since a month; a hint for routing.
SELECT category, area, department, month, kept, returned, rerouted
  FROM experience
 WHERE category = ANY (:categories::text[]) AND month >= :since
 ORDER BY category, area, department, month;

-- name: forget_experience
-- Make room for what is counted anew.
DELETE FROM experience;

-- name: count_experience
-- Count what each department kept, returned and lost to another, by kind, place and month of sending, since a moment.
INSERT INTO experience (category, area, department, month, kept, returned, rerouted)
SELECT ticket.category, coalesce(ticket.area, ''), assignment.department,
       date_trunc('month', assignment.sent_at AT TIME ZONE 'Asia/Shanghai')::date,
       count(*) FILTER (WHERE assignment.state IN ('accepted', 'replied')),
       count(*) FILTER (WHERE assignment.state = 'returned'),
       count(*) FILTER (WHERE assignment.state = 'withdrawn' AND EXISTS (
           SELECT FROM assignments later
            WHERE later.ticket_id = ticket.id AND later.number > assignment.number AND later.duty = 'lead'
              AND later.parent IS NULL AND later.department <> assignment.department))
  FROM assignments assignment
  JOIN tickets ticket ON ticket.id = assignment.ticket_id
 WHERE assignment.duty = 'lead' AND assignment.parent IS NULL AND assignment.state <> 'sent'
   AND assignment.sent_at >= :since AND ticket.category IS NOT NULL
 GROUP BY 1, 2, 3, 4;

-- name: newest_of_matter
-- The newest open tickets of some categories, or of none yet, in some areas, with pairs of characters of each: all, or a quarter.
-- They are read from an index each: where few are alike, none of the others is looked at. Who asks counts what is shared:
-- to take arrays apart and to join them costs the server ten times as much as to hand them over. They come as bytes, for the
-- driver takes as long to make objects of the numbers as the server to find them.
WITH kind AS (
    SELECT unnest(:categories::text[]) AS code
), place AS (
    SELECT unnest(:areas::text[]) AS code
), newest AS (
    SELECT ticket.id
      FROM kind
     CROSS JOIN LATERAL (
           SELECT id
             FROM tickets
            WHERE :areas::text[] IS NULL AND category = kind.code AND state <> 'closed' AND received_at >= :since
            ORDER BY id DESC
            LIMIT 30) ticket
     UNION ALL
    SELECT ticket.id
      FROM kind
     CROSS JOIN LATERAL (
           SELECT there.id
             FROM place
            CROSS JOIN LATERAL (
                  SELECT id
                    FROM tickets
                   WHERE category = kind.code AND area = place.code AND state <> 'closed' AND received_at >= :since
                   ORDER BY id DESC
                   LIMIT 30) there
            ORDER BY there.id DESC
            LIMIT 30) ticket
     UNION ALL
    SELECT ticket.id
      FROM (SELECT id
              FROM tickets
             WHERE :areas::text[] IS NULL AND category IS NULL AND state <> 'closed' AND received_at >= :since
             ORDER BY category, id DESC
             LIMIT 30) ticket
     UNION ALL
    SELECT ticket.id
      FROM (SELECT there.id
              FROM place
             CROSS JOIN LATERAL (
                   SELECT id
                     FROM tickets
                    WHERE category IS NULL AND area = place.code AND state <> 'closed' AND received_at >= :since
                    ORDER BY category, area, id DESC
                    LIMIT 30) there
             ORDER BY there.id DESC
             LIMIT 30) ticket
)
SELECT newest.id, cardinality(pairs.grams) AS size,
       array_send(CASE WHEN :sampled THEN pairs.sample ELSE pairs.grams END) AS looked_at
  FROM newest
  JOIN ticket_grams pairs ON pairs.ticket_id = newest.id;

-- name: shown_with_grams
-- Some tickets as a list of similar ones shows them, with every pair of characters as bytes.
SELECT ticket.id, ticket.title, ticket.state, ticket.category, ticket.area, ticket.received_at, ticket.confidential, ticket.type,
       array_send(pairs.grams) AS grams
  FROM tickets ticket
  JOIN ticket_grams pairs ON pairs.ticket_id = ticket.id
 WHERE ticket.id = ANY(:ids::bigint[]);

-- name: machine_sent
-- The tickets that the machine sent by itself.
SELECT DISTINCT ticket_id FROM events WHERE action = 'dispatch' AND role = 'machine' ORDER BY ticket_id;

-- name: replies_of_department
-- What one department answered last and to what, for comparing a new reply with.
SELECT event.ticket_id, ticket.title || E'\n' || ticket.text AS question,
       (event.data ->> 'findings') || E'\n' || (event.data ->> 'handling') AS answer
  FROM events event
  JOIN tickets ticket ON ticket.id = event.ticket_id
 WHERE event.action = 'reply' AND event.department = :department AND event.ticket_id <> :but
 ORDER BY event.at DESC
 LIMIT :most;

-- name: unanswered_calls
-- When one caller was called in vain since a moment.
SELECT at FROM events
 WHERE ticket_id = :ticket_id AND at >= :since AND action = 'visit'
   AND data ->> 'contact' = 'no_answer' AND (data ->> 'caller')::integer = :caller
 ORDER BY number;
