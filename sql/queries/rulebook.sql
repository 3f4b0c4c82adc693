-- name: rulebook_parts
-- The version of every part of the rulebook that rules at a moment: of those in force the one that came into force last.
SELECT DISTINCT ON (part) part, version, body
  FROM rulebook_parts
 WHERE effective_at IS NULL OR effective_at <= :at
 ORDER BY part, coalesce(effective_at, published_at) DESC, version DESC;

-- name: rulebook_parts_later
-- The versions that come into force after a moment, in the order in which they do.
SELECT part, version, body, effective_at FROM rulebook_parts WHERE effective_at > :at ORDER BY effective_at, version;

-- name: rulebook_stamp
-- A short text that changes whenever the rulebook that rules at a moment does: on a day, codes are closed.
SELECT coalesce(string_agg(part || version, ' ' ORDER BY part), '') || ' ' || :day::date AS stamp
  FROM (SELECT DISTINCT ON (part) part, version
          FROM rulebook_parts
         WHERE effective_at IS NULL OR effective_at <= :at
         ORDER BY part, coalesce(effective_at, published_at) DESC, version DESC) ruling;

-- name: put_areas
-- Keep the codes of areas with their newest names, so that tickets can name them.
INSERT INTO areas (code, name, parent)
SELECT code, name, nullif(parent, '')
  FROM jsonb_to_recordset(:rows::jsonb) AS new(code text, name text, parent text)
ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, parent = EXCLUDED.parent;

-- name: put_departments
-- Keep the codes of departments with what was last published of them, so that tickets can name them.
INSERT INTO departments (code, name, level, parent, area)
SELECT code, name, level, nullif(parent, ''), area
  FROM jsonb_to_recordset(:rows::jsonb) AS new(code text, name text, level text, parent text, area text)
ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, level = EXCLUDED.level, parent = EXCLUDED.parent,
                                 area = EXCLUDED.area;

-- name: put_categories
-- Keep the codes of categories with what was last published of them, so that tickets can name them.
INSERT INTO categories (code, name, departmental, sensitive, statutory, basis)
SELECT code, name, departmental, sensitive, nullif(statutory, ''), basis
  FROM jsonb_to_recordset(:rows::jsonb) AS new(code text, name text, departmental boolean, sensitive boolean,
       statutory text, basis text)
ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, departmental = EXCLUDED.departmental,
    sensitive = EXCLUDED.sensitive, statutory = EXCLUDED.statutory, basis = EXCLUDED.basis;

-- name: codes_given
-- Every code that was ever published of areas, departments or categories: none may be taken away or mean another thing.
SELECT code FROM areas WHERE :part::text = 'areas'
 UNION ALL
SELECT code FROM departments WHERE :part::text = 'departments'
 UNION ALL
SELECT code FROM categories WHERE :part::text = 'categories';

-- name: uses_of_areas
-- What hangs on each of some areas: open tickets.
SELECT given.code, (SELECT count(*) FROM tickets WHERE area = given.code AND state <> 'closed') AS tickets,
       0::bigint AS people, 0::bigint AS contacts, 0::bigint AS knowledge
  FROM unnest(:codes::text[]) AS given(code);

-- name: uses_of_departments
-- What hangs on each of some departments: duties on its list, people, addresses, answers that it vouches for.
SELECT given.code,
       (SELECT count(DISTINCT ticket_id) FROM assignments
         WHERE department = given.code AND state IN ('sent', 'accepted')) AS tickets,
       (SELECT count(*) FROM people WHERE department = given.code AND active) AS people,
       (SELECT count(*) FROM contacts WHERE department = given.code AND active) AS contacts,
       (SELECT count(*)
          FROM (SELECT DISTINCT ON (code) department, retired FROM knowledge ORDER BY code, version DESC) newest
         WHERE department = given.code AND NOT retired) AS knowledge
  FROM unnest(:codes::text[]) AS given(code);

-- name: uses_of_categories
-- What hangs on each of some categories: open tickets, answers to such matters.
SELECT given.code, (SELECT count(*) FROM tickets WHERE category = given.code AND state <> 'closed') AS tickets,
       0::bigint AS people, 0::bigint AS contacts,
       (SELECT count(*)
          FROM (SELECT DISTINCT ON (code) category, retired FROM knowledge ORDER BY code, version DESC) newest
         WHERE category = given.code AND NOT retired) AS knowledge
  FROM unnest(:codes::text[]) AS given(code);

-- name: lock_rules
-- Let rules be published one after another until the transaction ends: each is held against what the one before left.
SELECT pg_advisory_xact_lock(hashtextextended('rules_are_published_one_at_a_time', 0));

-- name: publish_part
-- Publish the next version of one part of the rulebook, never older than the one before it, whatever a node's clock says.
INSERT INTO rulebook_parts (part, version, body, source, published_by, published_at, drafted_by, effective_at)
SELECT :part, coalesce(max(version), 0) + 1, :body, :source, :published_by, greatest(:published_at, max(published_at)),
       :drafted_by, :effective_at
  FROM rulebook_parts
 WHERE part = :part
RETURNING version;

-- name: rulebook_versions
-- Every version of every part, the newest first; the rules themselves are left out.
SELECT part, version, source, drafted_by, published_by, published_at, effective_at,
       coalesce((SELECT name FROM people WHERE id = published_by), published_by) AS publisher
  FROM rulebook_parts
 ORDER BY part, version DESC;

-- name: draft_rules
-- Keep new rules that nobody has agreed on yet.
INSERT INTO rulebook_drafts (part, body, source, effective_at, drafted_by, drafted_at, based_on)
SELECT :part, :body, :source, :effective_at, :by, :at, coalesce(max(version), 0) FROM rulebook_parts WHERE part = :part
RETURNING id;

-- name: rule_drafts
-- The drafts that wait for a second person, the newest first.
SELECT id, part, source, effective_at, drafted_by, drafted_at,
       coalesce((SELECT name FROM people WHERE id = drafted_by), drafted_by) AS drafter
  FROM rulebook_drafts
 WHERE ended_at IS NULL
 ORDER BY id DESC;

-- name: rule_draft
-- One draft, whatever became of it.
SELECT id, part, body, source, effective_at, drafted_by, drafted_at, ended_by, ended_at, version,
       coalesce((SELECT name FROM people WHERE id = drafted_by), drafted_by) AS drafter
  FROM rulebook_drafts
 WHERE id = :id;

-- name: lock_draft
-- Lock a draft that waits until the transaction ends; no row if somebody was quicker.
SELECT id, part, body, source, effective_at, drafted_by, based_on
  FROM rulebook_drafts
 WHERE id = :id AND ended_at IS NULL
   FOR UPDATE;

-- name: end_draft
-- A draft was published as a version, or taken back.
UPDATE rulebook_drafts SET ended_by = :by, ended_at = :at, version = :version WHERE id = :id;

-- name: matters_since
-- How many tickets of each kind, place and owner there were from one number on, with some of the newest of each.
SELECT category, coalesce(area, '') AS area, owner, count(*) AS tickets, (array_agg(id ORDER BY id DESC))[1:5] AS some
  FROM tickets
 WHERE id >= :first AND category IS NOT NULL
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3;

-- name: record_audit
-- Keep who did something that must leave a trace, and why.
INSERT INTO audit (at, person, what, ticket_id, reason, facts)
VALUES (:at, :person, :what, :ticket_id, :reason, :facts);

-- name: audit_of_ticket
-- Who looked behind the masks of a ticket, the newest first.
SELECT at, person, what, reason, facts FROM audit WHERE ticket_id = :ticket_id ORDER BY id DESC;

-- name: rulebook_part
-- One published version of one part of the rulebook.
SELECT part, version, body, source, published_by, published_at FROM rulebook_parts WHERE part = :part AND version = :version;

-- name: own_draft
-- The newest draft of a part that somebody has waiting, made from the newest version.
SELECT id, body, source
  FROM rulebook_drafts
 WHERE part = :part AND drafted_by = :by AND ended_at IS NULL
   AND based_on = (SELECT coalesce(max(version), 0) FROM rulebook_parts WHERE part = :part)
 ORDER BY id DESC
 LIMIT 1;

-- name: amend_draft
-- Change one's own draft that still waits; no row if it is no longer what it was.
UPDATE rulebook_drafts
   SET body = :body
 WHERE id = :id AND drafted_by = :by AND ended_at IS NULL AND body = :was::jsonb
RETURNING id;
