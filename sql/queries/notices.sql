-- name: place_notices
-- Give waiting notices their place in the order of handing out, and one delivery for each contact whom they are for; one at
-- a time for all workers, so that whoever has seen a place has seen all before it.
WITH lock AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(123452027) AS is_ours
), due AS (
    SELECT notice.id
      FROM lock, notices notice
     WHERE lock.is_ours AND notice.try_at IS NOT NULL
     ORDER BY notice.id LIMIT :most
       FOR NO KEY UPDATE OF notice
), numbered AS MATERIALIZED (
    SELECT id, nextval('notice_places') AS place FROM (SELECT id FROM due ORDER BY id) in_order
), placed AS (
    UPDATE notices SET place = numbered.place, delivered_at = :now, try_at = NULL
      FROM numbered
     WHERE notices.id = numbered.id
    RETURNING notices.id, notices.ticket_id, notices.department, notices.role, notices.kind, notices.place
), reached AS (
    SELECT placed.id, placed.ticket_id, placed.place, contact.id AS contact_id
      FROM placed
      JOIN contacts contact ON contact.department = placed.department AND contact.active
                           AND (contact.role IS NULL OR placed.role IS NULL OR contact.role = placed.role)
                           AND (contact.kinds = '{}' OR placed.kind = ANY (contact.kinds))
     UNION ALL
    SELECT placed.id, placed.ticket_id, placed.place, contact.id
      FROM placed
      JOIN people person ON person.department = placed.department AND person.active
                        AND (placed.role IS NULL OR person.role = placed.role)
      JOIN contacts contact ON contact.person = person.id AND contact.active
                           AND (contact.kinds = '{}' OR placed.kind = ANY (contact.kinds))
), delivery AS (
    INSERT INTO deliveries (notice_id, contact_id, ticket_id, state, try_at)
    SELECT id, contact_id, ticket_id, 'waiting', :now FROM reached ORDER BY place, contact_id
)
SELECT id, ticket_id, department, role, kind FROM placed ORDER BY place;

-- name: notices_waiting
-- How many notices are not handed out yet, counted up to 10000.
SELECT count(*) FROM (SELECT 1 FROM notices WHERE try_at IS NOT NULL LIMIT 10000) waiting;

-- name: notices_page
-- One page of the notices for a department, for the roles that they are meant for, the newest first. A title stands there
-- as long as no caller of the ticket is protected and one of the units has or had a part in it; no units means all.
SELECT notice.id, notice.place, notice.ticket_id, notice.kind, notice.facts, notice.created_at, notice.seen_at, ticket.title
  FROM notices notice
  LEFT JOIN tickets ticket
         ON ticket.id = notice.ticket_id AND NOT ticket.confidential AND ticket.type <> 'report'
        AND ticket.reported IS DISTINCT FROM notice.department
        AND (:units::text[] IS NULL OR EXISTS (
            SELECT 1 FROM assignments part WHERE part.ticket_id = ticket.id AND part.department = ANY (:units)))
 WHERE notice.department = :department AND (notice.role IS NULL OR notice.role = :role) AND notice.id < :before
 ORDER BY notice.id DESC
 LIMIT :most;

-- name: unread_notices
-- How many notices a person has not had before them yet, counted up to `most`, and the newest place of all that are theirs.
SELECT count(*) AS unread, max(unread.place) AS newest
  FROM (SELECT place FROM notices
         WHERE department = :department AND (role IS NULL OR role = :role)
           AND place > coalesce((SELECT place FROM notice_marks WHERE person = :person), 0)
         ORDER BY place DESC LIMIT :most) unread;

-- name: mark_notices
-- Remember that a person has had their notices before them up to a place; a mark never goes back.
WITH before AS (
    SELECT coalesce((SELECT place FROM notice_marks WHERE person = :person), 0) AS place
), newest AS (
    SELECT least(:place::bigint, coalesce((SELECT max(place) FROM notices WHERE department = :department), 0)) AS place
), mark AS (
    INSERT INTO notice_marks (person, place, at)
    SELECT :person, newest.place, :now FROM newest
    ON CONFLICT (person) DO UPDATE
       SET place = EXCLUDED.place, at = EXCLUDED.at WHERE notice_marks.place < EXCLUDED.place
)
UPDATE notices SET seen_at = :now
  FROM before, newest
 WHERE notices.department = :department AND (notices.role IS NULL OR notices.role = :role)
   AND notices.place > before.place AND notices.place <= newest.place AND notices.seen_at IS NULL;

-- name: claim_deliveries
-- Claim deliveries that are due by putting them off: one for each contact that is not busy, none before an earlier word
-- about the same ticket.
WITH due AS (
    SELECT delivery.id, delivery.contact_id
      FROM deliveries delivery
     WHERE delivery.state = 'waiting' AND delivery.try_at <= :now AND delivery.contact_id <> ALL (:busy::bigint[])
       AND NOT EXISTS (SELECT 1 FROM deliveries earlier
                        WHERE earlier.state = 'waiting' AND earlier.contact_id = delivery.contact_id
                          AND earlier.ticket_id = delivery.ticket_id AND earlier.id < delivery.id)
     ORDER BY delivery.try_at, delivery.id
     LIMIT :near
       FOR NO KEY UPDATE SKIP LOCKED
), first AS (
    SELECT min(id) AS id FROM due GROUP BY contact_id ORDER BY min(id) LIMIT :most
), claimed AS (
    UPDATE deliveries SET try_at = :again, attempts = attempts + 1
      FROM first
     WHERE deliveries.id = first.id
    RETURNING deliveries.id, deliveries.notice_id, deliveries.contact_id, deliveries.attempts
)
SELECT claimed.id, claimed.contact_id, claimed.attempts, contact.channel, contact.address_sealed,
       notice.ticket_id, notice.kind, notice.facts, notice.created_at, notice.department
  FROM claimed
  JOIN contacts contact ON contact.id = claimed.contact_id
  JOIN notices notice ON notice.id = claimed.notice_id
 ORDER BY claimed.id;

-- name: delivery_sent
-- A delivery has arrived; whatever was wrong with its contact is over.
WITH sent AS (
    UPDATE deliveries SET state = 'sent', try_at = NULL, ended_at = :now, last_error = NULL
     WHERE id = :id AND state = 'waiting'
    RETURNING contact_id
)
UPDATE alarms SET ended_at = :now
  FROM sent
 WHERE alarms.kind = 'delivery' AND alarms.subject = sent.contact_id::text AND alarms.ended_at IS NULL;

-- name: delivery_put_off
-- A delivery did not arrive and is tried again later; what else waits for the same contact is left for a while, too.
WITH this AS (
    UPDATE deliveries SET try_at = :try_at, last_error = :error WHERE id = :id AND state = 'waiting'
    RETURNING id, contact_id
)
UPDATE deliveries SET try_at = :others_at
  FROM (SELECT other.id FROM deliveries other
          JOIN this ON this.contact_id = other.contact_id AND this.id <> other.id
         WHERE other.state = 'waiting' AND other.try_at < :others_at
           FOR NO KEY UPDATE OF other SKIP LOCKED) others
 WHERE deliveries.id = others.id;

-- name: delivery_failed
-- A delivery is given up.
UPDATE deliveries SET state = 'failed', try_at = NULL, ended_at = :now, last_error = :error
 WHERE id = :id AND state = 'waiting'
RETURNING contact_id;

-- name: deliveries_by_state
-- How many deliveries wait, how many of them are due, and how many failed within the last day.
SELECT (SELECT count(*) FROM deliveries WHERE state = 'waiting') AS waiting,
       (SELECT count(*) FROM deliveries WHERE state = 'waiting' AND try_at <= :now) AS due,
       (SELECT count(*) FROM deliveries WHERE state = 'failed' AND ended_at > :since) AS failed;

-- name: put_contact
-- Enter where a person or a unit is reached, or change what for; no row if there is nobody of that name.
INSERT INTO contacts (person, department, role, channel, address_sealed, address_hash, kinds)
SELECT person.id, department.code, :role, :channel, :address_sealed, :address_hash, :kinds
  FROM (SELECT 1) one
  LEFT JOIN people person ON person.id = :person
  LEFT JOIN departments department ON department.code = :department
 WHERE person.id IS NOT NULL OR department.code IS NOT NULL
ON CONFLICT ON CONSTRAINT an_address_is_entered_once DO UPDATE
   SET role = EXCLUDED.role, kinds = EXCLUDED.kinds, address_sealed = EXCLUDED.address_sealed, active = true
RETURNING id;

-- name: contacts
-- Everybody who is reached outside the pages.
SELECT id, person, department, role, channel, address_sealed, kinds, active FROM contacts ORDER BY id;

-- name: end_contact
-- Reach nobody there any more; what still waits for it is given up. No row if it is not there.
WITH ended AS (
    UPDATE contacts SET active = false WHERE id = :id RETURNING id
), given_up AS (
    UPDATE deliveries SET state = 'failed', try_at = NULL, ended_at = :now, last_error = 'contact ended'
      FROM ended
     WHERE deliveries.contact_id = ended.id AND deliveries.state = 'waiting'
)
SELECT id FROM ended;

-- name: raise_alarm
-- Raise an alarm and tell the administrators, once an episode; no row when it is raised already.
WITH alarm AS (
    INSERT INTO alarms (kind, subject, facts, raised_at)
    VALUES (:kind, :subject, :facts, :now)
    ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO NOTHING
    RETURNING id, kind, facts
)
INSERT INTO notices (key, department, role, kind, facts, created_at, try_at)
SELECT 'alarm/' || alarm.id, :department, 'administrator', 'alarm_' || alarm.kind, alarm.facts, :now, :now
  FROM alarm
RETURNING id;

-- name: end_alarm
-- An episode is over.
UPDATE alarms SET ended_at = :now WHERE kind = :kind AND subject = :subject AND ended_at IS NULL RETURNING id;

-- name: looks_judged_again
-- The alarms about clocks that could not be judged and that stopped, or were put off by more than a claim, since.
SELECT alarm.subject
  FROM alarms alarm
  LEFT JOIN clocks clock ON clock.ticket_id = split_part(alarm.subject, '/', 1)::bigint
                        AND clock.number = split_part(alarm.subject, '/', 2)::integer
 WHERE alarm.kind = 'look' AND alarm.ended_at IS NULL
   AND (clock.look_at IS NULL OR clock.look_at > :later);

-- name: open_alarms
-- What is wrong with the watch at present, the oldest first.
SELECT id, kind, subject, facts, raised_at FROM alarms WHERE ended_at IS NULL ORDER BY id;

-- name: write_letter
-- Let a caller who can be reached, of no protected matter, be sent the code of this issue, once.
INSERT INTO caller_letters (ticket_id, caller, issue, state, try_at)
SELECT caller.ticket_id, caller.number, :issue, 'waiting', :now
  FROM callers caller
  JOIN tickets ticket ON ticket.id = caller.ticket_id
 WHERE caller.ticket_id = :ticket_id AND caller.number = :caller AND caller.reachable
   AND NOT ticket.confidential AND ticket.type <> 'report'
ON CONFLICT (ticket_id, caller, issue) DO NOTHING;

-- name: claim_letters
-- Claim letters that are due by putting them off, each with its caller's number and the newest issue of the code.
WITH due AS (
    SELECT id FROM caller_letters WHERE state = 'waiting' AND try_at <= :now ORDER BY try_at, id LIMIT :most
       FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
    UPDATE caller_letters SET try_at = :again, attempts = attempts + 1
      FROM due
     WHERE caller_letters.id = due.id
    RETURNING caller_letters.id, caller_letters.ticket_id, caller_letters.caller, caller_letters.issue, caller_letters.attempts
)
SELECT claimed.id, claimed.ticket_id, claimed.caller, claimed.issue, claimed.attempts, caller.phone_sealed,
       coalesce((SELECT max(issued.issue) FROM code_issues issued
                  WHERE issued.ticket_id = claimed.ticket_id AND issued.caller = claimed.caller), 0) AS newest
  FROM claimed
  JOIN callers caller ON caller.ticket_id = claimed.ticket_id AND caller.number = claimed.caller
 ORDER BY claimed.id;

-- name: end_letter
-- A letter was sent, given up, or has become void because the code was given out anew.
UPDATE caller_letters SET state = :state, try_at = NULL, ended_at = :now, last_error = :error WHERE id = :id AND state = 'waiting';

-- name: put_off_letter
-- A letter did not arrive and is tried again later.
UPDATE caller_letters SET try_at = :try_at, last_error = :error WHERE id = :id AND state = 'waiting';
