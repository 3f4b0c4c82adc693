-- name: areas
-- All areas.
SELECT code, name, parent FROM areas ORDER BY code;

-- name: departments
-- All departments that are in use.
SELECT code, name, level, parent, area FROM departments WHERE active ORDER BY code;

-- name: categories
-- All categories that are in use.
SELECT code, name, departmental, sensitive, statutory, basis FROM categories WHERE active ORDER BY code;

-- name: rulebook_parts
-- The version of every part of the rulebook that rules at a moment: of those in force the one that came into force last.
SELECT DISTINCT ON (part) part, version, body
  FROM rulebook_parts
 WHERE effective_at IS NULL OR effective_at <= :at
 ORDER BY part, coalesce(effective_at, published_at) DESC, version DESC;

-- name: rulebook_stamp
-- A short text that changes whenever the rulebook that rules at a moment does.
SELECT (SELECT coalesce(string_agg(part || version, ' ' ORDER BY part), '')
          FROM (SELECT DISTINCT ON (part) part, version
                  FROM rulebook_parts
                 WHERE effective_at IS NULL OR effective_at <= :at
                 ORDER BY part, coalesce(effective_at, published_at) DESC, version DESC) ruling)
       || ' ' || (SELECT count(*) || '.' || coalesce(hashtextextended(string_agg(departments::text, ',' ORDER BY code), 0), 0) FROM departments)
       || ' ' || (SELECT count(*) || '.' || coalesce(hashtextextended(string_agg(areas::text, ',' ORDER BY code), 0), 0) FROM areas)
       || ' ' || (SELECT count(*) || '.' || coalesce(hashtextextended(string_agg(categories::text, ',' ORDER BY code), 0), 0) FROM categories) AS stamp;

-- name: put_areas
-- Add areas or rename them.
INSERT INTO areas (code, name, parent)
SELECT code, name, parent FROM jsonb_to_recordset(:areas::jsonb) AS new(code text, name text, parent text)
ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, parent = EXCLUDED.parent;

-- name: put_departments
-- Add departments or change them.
INSERT INTO departments (code, name, level, parent, area, active)
SELECT code, name, level, parent, area, true
  FROM jsonb_to_recordset(:departments::jsonb) AS new(code text, name text, level text, parent text, area text)
ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, level = EXCLUDED.level, parent = EXCLUDED.parent,
                                 area = EXCLUDED.area, active = true;

-- name: put_categories
-- Add categories or change them.
INSERT INTO categories (code, name, departmental, sensitive, statutory, basis, active)
SELECT code, name, departmental, sensitive, statutory, basis, true
  FROM jsonb_to_recordset(:categories::jsonb) AS new(code text, name text, departmental boolean, sensitive boolean,
       statutory text, basis text)
ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, departmental = EXCLUDED.departmental,
    sensitive = EXCLUDED.sensitive, statutory = EXCLUDED.statutory, basis = EXCLUDED.basis, active = true;

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
