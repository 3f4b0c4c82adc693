-- name: put_person
-- Add somebody who may log in, or change them; no row if the department is unknown.
INSERT INTO people (id, name, role, department, password_hash)
SELECT :id, :name, :role, department.code, :password_hash
  FROM departments department
 WHERE department.code = :department
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, role = EXCLUDED.role, department = EXCLUDED.department,
                               password_hash = EXCLUDED.password_hash, password_until = NULL, active = true
RETURNING id;

-- name: add_person
-- Add somebody with a password that is to be changed; no row if the log-in name is taken.
INSERT INTO people (id, name, role, department, password_hash, password_until)
VALUES (:id, :name, :role, :department, :password_hash, :password_until)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: change_person
-- Give somebody another name, role or department, send them away or let them in again.
UPDATE people SET name = :name, role = :role, department = :department, active = :active WHERE id = :id;

-- name: give_password
-- Give somebody a password for a while.
UPDATE people SET password_hash = :password_hash, password_until = :password_until WHERE id = :id;

-- name: person
-- Somebody, whether they may log in or not.
SELECT id, name, role, department, active, password_until FROM people WHERE id = :id;

-- name: lock_person
-- Lock somebody until the transaction ends: whoever changes them comes one after another.
SELECT id, name, role, department, active, password_until FROM people WHERE id = :id FOR UPDATE;

-- name: people_listed
-- A page of people by log-in name.
SELECT id, name, role, department, active, password_until
  FROM people
 WHERE id > :after AND (active OR :everybody)
   AND (:words = '' OR position(lower(:words) IN lower(id || ' ' || name)) > 0)
   AND (:department::text IS NULL OR department = :department)
   AND (:role::text IS NULL OR role = :role)
 ORDER BY id
 LIMIT :most;

-- name: changes
-- Who changed what of some kinds, the newest first.
SELECT audit.id, audit.at, audit.person, coalesce(people.name, audit.person) AS name, audit.what, audit.reason, audit.facts
  FROM audit
  LEFT JOIN people ON people.id = audit.person
 WHERE audit.what = ANY (:kinds::text[]) AND audit.id < :before
   AND (:person::text IS NULL OR audit.person = :person OR audit.facts ->> 'person' = :person)
   AND audit.at >= :since AND audit.at < :until
 ORDER BY audit.id DESC
 LIMIT :most;

-- name: versions_beside
-- One published version of a part of the rulebook, and the one before it.
SELECT version, body FROM rulebook_parts WHERE part = :part AND version BETWEEN :version - 1 AND :version ORDER BY version;

-- name: people
-- Everybody who may log in.
SELECT id, name, role, department FROM people WHERE active ORDER BY id;

-- name: person_of_login
-- Who tries to log in.
SELECT id, name, role, department, password_hash, password_until
  FROM people
 WHERE id = :id AND active AND (password_until IS NULL OR password_until > :now);

-- name: set_password
-- Change somebody's password; no row if there is nobody of that name.
UPDATE people SET password_hash = :password_hash, password_until = NULL WHERE id = :id RETURNING id;

-- name: put_session
-- Begin a session.
INSERT INTO sessions (token_hash, person, csrf, created_at, expires_at)
VALUES (:token_hash, :person, :csrf, :created_at, :expires_at);

-- name: session
-- The session of a token, with the person as they are now.
SELECT session.person, person.name, person.role, person.department, session.csrf, session.expires_at
  FROM sessions session
  JOIN people person ON person.id = session.person AND person.active
 WHERE session.token_hash = :token_hash;

-- name: renew_session
-- Let a session that is used live on.
UPDATE sessions SET expires_at = :expires_at WHERE token_hash = :token_hash;

-- name: end_session
-- End one session.
DELETE FROM sessions WHERE token_hash = :token_hash;

-- name: end_sessions_of
-- End every session of a person.
DELETE FROM sessions WHERE person = :person RETURNING token_hash;

-- name: sessions_expired
-- Forget sessions that are over.
DELETE FROM sessions WHERE expires_at < :now;
