-- name: put_person
-- Add somebody who may log in, or change them; no row if the department is unknown.
INSERT INTO people (id, name, role, department, password_hash)
SELECT :id, :name, :role, department.code, :password_hash
  FROM departments department
 WHERE department.code = :department
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, role = EXCLUDED.role, department = EXCLUDED.department,
                               password_hash = EXCLUDED.password_hash, active = true
RETURNING id;

-- name: people
-- Everybody who may log in.
SELECT id, name, role, department FROM people WHERE active ORDER BY id;

-- name: person_of_login
-- Who tries to log in.
SELECT id, name, role, department, password_hash FROM people WHERE id = :id AND active;

-- name: set_password
-- Change somebody's password; no row if there is nobody of that name.
UPDATE people SET password_hash = :password_hash WHERE id = :id RETURNING id;

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
