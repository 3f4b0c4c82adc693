-- name: put_attachment
-- Keep that a ticket has a picture; the same one twice is once.
INSERT INTO attachments (ticket_id, event, name, type, bytes, key, person, role, department, added_at)
VALUES (:ticket_id, :event, :name, :type, :bytes, :key, :person, :role, :department, :at)
ON CONFLICT (ticket_id, key) DO NOTHING;

-- name: send_attachments
-- Let what somebody uploaded and did not send yet belong to an event.
UPDATE attachments SET event = :event WHERE ticket_id = :ticket_id AND person = :person AND event IS NULL;

-- name: drop_attachments
-- Forget what somebody uploaded and did not send.
DELETE FROM attachments WHERE ticket_id = :ticket_id AND person = :person AND event IS NULL;

-- name: attachment_count
-- How many pictures a ticket has.
SELECT count(*) FROM attachments WHERE ticket_id = :ticket_id;

-- name: attachments
-- The pictures of a ticket, the oldest first, each with the action that it was sent with.
SELECT attachment.id, attachment.name, attachment.type, attachment.bytes, attachment.key, attachment.event,
       attachment.person, attachment.role, attachment.department, attachment.added_at, event.action,
       coalesce((event.data ->> 'caller')::integer, 1) AS caller
  FROM attachments attachment
  LEFT JOIN events event ON event.ticket_id = attachment.ticket_id AND event.number = attachment.event
 WHERE attachment.ticket_id = :ticket_id
 ORDER BY attachment.id;
