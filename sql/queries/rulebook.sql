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
-- The newest version of every part of the rulebook.
SELECT DISTINCT ON (part) part, version, body FROM rulebook_parts ORDER BY part, version DESC;

-- name: rulebook_stamp
-- A short text that changes whenever the rulebook does.
SELECT (SELECT coalesce(string_agg(part || version, ' ' ORDER BY part), '')
          FROM (SELECT part, max(version) AS version FROM rulebook_parts GROUP BY part) newest)
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
-- Publish the next version of one part of the rulebook.
INSERT INTO rulebook_parts (part, version, body, source, published_by, published_at)
SELECT :part, coalesce(max(version), 0) + 1, :body, :source, :published_by, :published_at
  FROM rulebook_parts
 WHERE part = :part
RETURNING version;

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
