-- name: put_call
-- Keep what the telephone system tells of a call; told twice, or in another order, it comes to the same.
INSERT INTO calls (id, phone_sealed, phone_hash, extension, rang_at, answered_at, ended_at)
VALUES (:id, :phone_sealed, :phone_hash, :extension, :rang_at, :answered_at, :ended_at)
ON CONFLICT (id) DO UPDATE
   SET rang_at = least(calls.rang_at, EXCLUDED.rang_at),
       answered_at = coalesce(calls.answered_at, EXCLUDED.answered_at),
       ended_at = coalesce(calls.ended_at, EXCLUDED.ended_at),
       extension = CASE WHEN calls.agent IS NULL AND EXCLUDED.extension <> '' THEN EXCLUDED.extension ELSE calls.extension END,
       phone_sealed = coalesce(calls.phone_sealed, EXCLUDED.phone_sealed),
       phone_hash = coalesce(calls.phone_hash, EXCLUDED.phone_hash);

-- name: calls_at_hand
-- What one agent may take or has in hand: own calls, those at the own extension or at nobody's, missed and silent ones.
SELECT call.id, call.phone_sealed, call.extension, call.rang_at, call.answered_at, call.ended_at, call.agent, call.taken_at,
       call.alive_at, holder.name AS holder
  FROM calls call
  LEFT JOIN seats seat ON seat.extension = call.extension
  LEFT JOIN people holder ON holder.id = call.agent
 WHERE call.done_at IS NULL AND call.rang_at > :since
   AND (call.agent = :person
        OR call.agent IS NULL AND (seat.person IS NULL OR seat.person = :person OR call.ended_at IS NOT NULL)
        OR call.alive_at < :silent)
 ORDER BY call.agent IS NOT DISTINCT FROM :person DESC, call.ended_at IS NOT NULL, call.rang_at, call.id
 LIMIT :most;

-- name: take_call
-- Take a call that nobody has, or relieve somebody who fell silent; no row when another one has it.
WITH taken AS (
    UPDATE calls
       SET agent = :person, taken_at = coalesce(taken_at, :at), alive_at = :at, turn = turn + 1
     WHERE id = :id AND done_at IS NULL AND (agent IS NULL OR (agent <> :person AND alive_at < :silent))
    RETURNING id, turn, agent
), draft AS (
    UPDATE drafts SET person = :person FROM taken WHERE drafts.id = :draft
)
INSERT INTO call_claims (call_id, turn, agent, at)
SELECT id, turn, agent, :at FROM taken
RETURNING call_id;

-- name: call
-- One call with whoever has it in hand.
SELECT call.id, call.phone_sealed, call.rang_at, call.answered_at, call.ended_at, call.agent, call.taken_at, call.alive_at,
       call.done_at, call.ticket_id, holder.name AS holder
  FROM calls call
  LEFT JOIN people holder ON holder.id = call.agent
 WHERE call.id = :id;

-- name: call_is_alive
-- Note that the page of whoever has the call is open.
UPDATE calls SET alive_at = :at WHERE id = :id AND agent = :person AND done_at IS NULL;

-- name: finish_call
-- Put a call away, with the ticket that came of it or with none; only whoever has it can, and once.
UPDATE calls SET done_at = :at, ticket_id = :ticket_id WHERE id = :id AND agent = :person AND done_at IS NULL;

-- name: calls_of_agent
-- How many calls an agent has finished since a moment, and how long from taking to saving on average, in seconds.
SELECT count(*) AS calls, avg(extract(epoch FROM done_at - taken_at))::double precision AS seconds
  FROM calls
 WHERE agent = :person AND done_at >= :since;

-- name: put_seat
-- Let somebody who sits nowhere sit at an extension, whoever sat there before.
INSERT INTO seats (extension, person, since) VALUES (:extension, :person, :since)
ON CONFLICT (extension) DO UPDATE SET person = EXCLUDED.person, since = EXCLUDED.since;

-- name: leave_seat
-- Let somebody leave the extension.
DELETE FROM seats WHERE person = :person;

-- name: seat_of
-- The extension that somebody sits at.
SELECT extension FROM seats WHERE person = :person;

-- name: keep_draft
-- Keep what somebody has typed, and forget what is old; no row when the form is another one's by now.
WITH forgotten AS (DELETE FROM drafts WHERE kept_at < :old AND id <> :id)
INSERT INTO drafts (id, person, kept_at, body_sealed)
VALUES (:id, :person, :at, :body_sealed)
ON CONFLICT (id) DO UPDATE SET kept_at = EXCLUDED.kept_at, body_sealed = EXCLUDED.body_sealed
 WHERE drafts.person = EXCLUDED.person
RETURNING id;

-- name: draft
-- One draft of a person.
SELECT id, kept_at, body_sealed FROM drafts WHERE id = :id AND person = :person;

-- name: drafts_of
-- What somebody has begun and not sent, the newest first.
SELECT id, kept_at, body_sealed FROM drafts WHERE person = :person ORDER BY kept_at DESC LIMIT :most;

-- name: drop_draft
-- Forget a draft of a person.
DELETE FROM drafts WHERE id = :id AND person = :person;

-- name: direct_answers
-- What callers with a matter of one category were told at once, the newest first: an answer is knowledge.
SELECT ticket.id, ticket.title, event.at, event.data ->> 'text' AS text
  FROM tickets ticket
  JOIN events event ON event.ticket_id = ticket.id AND event.action = 'answer'
 WHERE ticket.category = :category AND ticket.outcome = 'answered' AND NOT ticket.confidential
 ORDER BY ticket.id DESC
 LIMIT :most;
