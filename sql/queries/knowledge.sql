-- name: search_knowledge
-- Entries that contain every word, each as it rules or, before it does, as it will; by code, after one code.
SELECT entry.code, entry.version, entry.question, entry.answer, entry.category, entry.department, entry.basis,
       entry.valid_from, entry.valid_until, entry.retired
  FROM knowledge entry
 WHERE entry.grams @> :grams AND entry.code > :after
   AND lower(entry.code || ' ' || entry.question || ' ' || entry.answer) LIKE ALL (:likes::text[])
   AND NOT EXISTS (SELECT 1 FROM knowledge other
                    WHERE other.code = entry.code
                      AND (other.valid_from <= :now, other.version) > (entry.valid_from <= :now, entry.version))
   AND (:everything::boolean
        OR NOT entry.retired AND entry.valid_from <= :now AND (entry.valid_until IS NULL OR entry.valid_until > :now))
 ORDER BY entry.code
 LIMIT :most;

-- name: knowledge_page
-- All entries, each as it rules or, before it does, as it will; by code, after one code.
SELECT entry.code, entry.version, entry.question, entry.answer, entry.category, entry.department, entry.basis,
       entry.valid_from, entry.valid_until, entry.retired
  FROM knowledge entry
 WHERE entry.code > :after
   AND NOT EXISTS (SELECT 1 FROM knowledge other
                    WHERE other.code = entry.code
                      AND (other.valid_from <= :now, other.version) > (entry.valid_from <= :now, entry.version))
   AND (:everything::boolean
        OR NOT entry.retired AND entry.valid_from <= :now AND (entry.valid_until IS NULL OR entry.valid_until > :now))
 ORDER BY entry.code
 LIMIT :most;

-- name: knowledge_in_force
-- Of some entries the version that rules at a moment, without those that are retired or past their time.
SELECT entry.code, entry.version, entry.question, entry.answer, entry.category, entry.department, entry.basis,
       entry.valid_from, entry.valid_until
  FROM knowledge entry
 WHERE entry.code = ANY (:codes) AND entry.valid_from <= :now AND NOT entry.retired
   AND (entry.valid_until IS NULL OR entry.valid_until > :now)
   AND NOT EXISTS (SELECT 1 FROM knowledge newer
                    WHERE newer.code = entry.code AND newer.version > entry.version AND newer.valid_from <= :now);

-- name: knowledge_stamp
-- A number that changes whenever something is published: nothing is ever taken away.
SELECT count(*) FROM knowledge;

-- name: knowledge_questions
-- What may be offered now or later without being published anew: the questions, for an index in memory.
SELECT entry.code, entry.question, coalesce(entry.category, '') AS category
  FROM knowledge entry
 WHERE NOT entry.retired AND (entry.valid_until IS NULL OR entry.valid_until > :now)
   AND NOT EXISTS (SELECT 1 FROM knowledge newer
                    WHERE newer.code = entry.code AND newer.version > entry.version AND newer.valid_from <= :now)
 ORDER BY entry.code, entry.version;

-- name: knowledge_versions
-- Every version of one entry, the newest first.
SELECT code, version, question, answer, category, department, basis, valid_from, valid_until, retired, reason,
       drafted_by, published_by, published_at,
       coalesce((SELECT name FROM people WHERE id = drafted_by), drafted_by) AS drafter,
       coalesce((SELECT name FROM people WHERE id = published_by), published_by) AS publisher
  FROM knowledge
 WHERE code = :code
 ORDER BY version DESC;

-- name: newest_knowledge
-- The newest version of every entry among some, whether it rules yet or not.
SELECT DISTINCT ON (code) code, version, question, answer, category, department, basis, valid_from, valid_until, retired
  FROM knowledge
 WHERE code = ANY (:codes)
 ORDER BY code, version DESC;

-- name: next_knowledge_code
-- Take the number of the next entry.
SELECT nextval('knowledge_codes');

-- name: draft_knowledge
-- Keep an answer that nobody has agreed on yet; no row when a draft of the same entry waits already.
INSERT INTO knowledge_drafts (code, based_on, question, answer, category, department, basis, valid_from, valid_until,
                              retired, reason, drafted_by, drafted_at)
VALUES (:code, :based_on, :question, :answer, :category, :department, :basis, :valid_from, :valid_until, :retired, :reason,
        :by, :at)
ON CONFLICT (code) WHERE ended_at IS NULL DO NOTHING
RETURNING id;

-- name: knowledge_drafts_waiting
-- The drafts that wait for a second person, the oldest first.
SELECT id, code, based_on, question, department, retired, reason, drafted_by, drafted_at,
       coalesce((SELECT name FROM people WHERE id = drafted_by), drafted_by) AS drafter
  FROM knowledge_drafts
 WHERE ended_at IS NULL
 ORDER BY id
 LIMIT :most;

-- name: knowledge_draft
-- One draft, whatever became of it.
SELECT id, code, based_on, question, answer, category, department, basis, valid_from, valid_until, retired, reason,
       drafted_by, drafted_at, ended_by, ended_at, version,
       coalesce((SELECT name FROM people WHERE id = drafted_by), drafted_by) AS drafter
  FROM knowledge_drafts
 WHERE id = :id;

-- name: lock_knowledge_draft
-- Lock a draft that waits until the transaction ends; no row if somebody was quicker.
SELECT id, code, based_on, question, answer, category, department, basis, valid_from, valid_until, retired, reason,
       drafted_by
  FROM knowledge_drafts
 WHERE id = :id AND ended_at IS NULL
   FOR UPDATE;

-- name: publish_knowledge
-- Publish the version after the one that a draft was made from; no row when there is one already.
INSERT INTO knowledge (code, version, question, answer, category, department, basis, valid_from, valid_until, retired,
                       reason, drafted_by, published_by, published_at, grams)
SELECT :code, :version, :question, :answer, :category, :department, :basis, :valid_from, :valid_until, :retired, :reason,
       :drafted_by, :published_by, :published_at, :grams
 WHERE :version = (SELECT coalesce(max(version), 0) + 1 FROM knowledge WHERE code = :code)
ON CONFLICT (code, version) DO NOTHING
RETURNING version;

-- name: end_knowledge_draft
-- A draft was published as a version, or taken back.
UPDATE knowledge_drafts SET ended_by = :by, ended_at = :at, version = :version WHERE id = :id;
