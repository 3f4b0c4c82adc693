-- name: put_model_in_use
-- Keep which model a process judges with, and why it refused another.
INSERT INTO models_in_use (process, at, version, fault)
VALUES (:process, :at, :version, :fault)
ON CONFLICT (process) DO UPDATE SET at = EXCLUDED.at, version = EXCLUDED.version, fault = EXCLUDED.fault;

-- name: models_in_use
-- Which models the processes use that have said so since a moment.
SELECT process, at, version, fault FROM models_in_use WHERE at >= :since ORDER BY process;

-- name: claim_night
-- Take tonight's learning; no row if another worker has it.
INSERT INTO nights (night, worker, begun_at) VALUES (:night, :worker, :at) ON CONFLICT (night) DO NOTHING RETURNING night;

-- name: learned_tickets
-- The newest tickets whose category is known: kept to the end by a department, answered at once, or labelled by a person.
SELECT ticket.id, ticket.received_at, ticket.title, ticket.text, coalesce(label.category, ticket.category) AS category,
       ticket.type, ticket.urgency, coalesce(ticket.area, '') AS area, label.category IS NOT NULL AS labelled,
       CASE WHEN ticket.returns > 0 THEN (
           SELECT earlier.changes ->> 'category'
             FROM events earlier
            WHERE earlier.ticket_id = ticket.id AND earlier.changes ->> 'category' IS NOT NULL
              AND earlier.number < (SELECT min(number) FROM events WHERE ticket_id = ticket.id AND action = 'decide'
                                       AND changes ? 'returns')
            ORDER BY earlier.number DESC
            LIMIT 1) END AS refused
  FROM tickets ticket
  LEFT JOIN labels label ON label.ticket_id = ticket.id AND label.category IS NOT NULL
 WHERE NOT ticket.confidential AND length(coalesce(label.category, ticket.category)) = 6
   AND (label.category IS NOT NULL OR (ticket.state = 'closed' AND ticket.outcome IN ('answered', 'resolved', 'explained')))
 ORDER BY ticket.id DESC
 LIMIT :most;

-- name: teachable_tickets
-- The newest open tickets that nobody was asked to label yet, and which category was sent back.
SELECT ticket.id, ticket.title, ticket.text, CASE WHEN ticket.returns > 0 THEN ticket.category END AS refused
  FROM tickets ticket
 WHERE ticket.id >= :first AND ticket.state <> 'closed' AND NOT ticket.confidential
   AND NOT EXISTS (SELECT FROM labels WHERE ticket_id = ticket.id)
 ORDER BY ticket.id DESC
 LIMIT :most;

-- name: labels_asked
-- How many labels were asked for since a moment.
SELECT count(*) FROM labels WHERE asked_at >= :since;

-- name: ask_labels
-- Ask for the labels of some tickets, each once.
INSERT INTO labels (ticket_id, reason, worth, guesses, asked_at)
SELECT key::bigint, reason, worth, guesses, :at
  FROM jsonb_to_recordset(:asked::jsonb) AS asked(key text, reason text, worth double precision, guesses jsonb)
ON CONFLICT (ticket_id) DO NOTHING;

-- name: labels_waiting
-- The tickets whose label would teach most, the best first, with what was said.
SELECT label.ticket_id, label.reason, label.worth, label.guesses, label.asked_at, ticket.title, ticket.text, ticket.category
  FROM labels label
  JOIN tickets ticket ON ticket.id = label.ticket_id
 WHERE label.labelled_at IS NULL AND NOT ticket.confidential
 ORDER BY label.worth DESC, label.ticket_id
 LIMIT :most;

-- name: put_label
-- Keep which category a ticket really has, by whom and when; no row if nobody asked for it.
UPDATE labels SET category = :category, labelled_by = :by, labelled_at = :at WHERE ticket_id = :ticket_id RETURNING ticket_id;

-- name: record_lesson
-- Keep what a night of learning came to.
INSERT INTO lessons (at, champion, challenger, verdict, activated, facts)
VALUES (:at, :champion, :challenger, :verdict, :activated, :facts);

-- name: lessons
-- What the last nights of learning came to, the newest first.
SELECT at, champion, challenger, verdict, activated, facts FROM lessons ORDER BY id DESC LIMIT :most;

-- name: tell_analysts
-- Tell the analysts of something that is about no ticket, once.
INSERT INTO notices (key, department, role, kind, facts, created_at, try_at)
VALUES (:key, :department, 'analyst', :kind, :facts, :at, :at)
ON CONFLICT (key) DO NOTHING;
