-- Knowledge: answers that a unit vouches for, in dated versions; drafted by one person, published by another.

CREATE SEQUENCE knowledge_codes;

CREATE TABLE knowledge (
    code text NOT NULL CONSTRAINT knowledge_has_a_plain_code CHECK (code ~ '^[A-Z0-9][A-Z0-9_.-]{0,39}$'),
    version integer NOT NULL CONSTRAINT knowledge_versions_count_from_one CHECK (version >= 1),
    question text NOT NULL CONSTRAINT knowledge_asks_something CHECK (question <> ''),
    answer text NOT NULL CONSTRAINT knowledge_answers_something CHECK (answer <> ''),
    category text REFERENCES categories,
    department text NOT NULL REFERENCES departments,
    basis text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz CONSTRAINT knowledge_ends_after_it_begins CHECK (valid_until > valid_from),
    retired boolean NOT NULL DEFAULT false,
    reason text NOT NULL,
    drafted_by text NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL,
    grams integer[] NOT NULL,
    PRIMARY KEY (code, version),
    CONSTRAINT knowledge_is_published_by_another_than_its_drafter CHECK (drafted_by <> published_by)
);
COMMENT ON TABLE knowledge IS 'Answers that a unit vouches for 知识库: of the versions in force the highest rules; append-only.';
COMMENT ON COLUMN knowledge.grams IS 'Every two neighbouring characters of code, question and answer, as in tickets.grams.';
-- Serves: search_knowledge.
CREATE INDEX knowledge_by_gram ON knowledge USING gin (grams);

CREATE TABLE knowledge_drafts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CONSTRAINT knowledge_drafts_have_a_plain_code CHECK (code ~ '^[A-Z0-9][A-Z0-9_.-]{0,39}$'),
    based_on integer NOT NULL CONSTRAINT knowledge_drafts_change_a_version_or_begin CHECK (based_on >= 0),
    question text NOT NULL,
    answer text NOT NULL,
    category text REFERENCES categories,
    department text NOT NULL REFERENCES departments,
    basis text NOT NULL,
    valid_from timestamptz,
    valid_until timestamptz CONSTRAINT knowledge_drafts_end_after_they_begin CHECK (valid_until > valid_from),
    retired boolean NOT NULL DEFAULT false,
    reason text NOT NULL,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    ended_by text,
    ended_at timestamptz,
    version integer,
    FOREIGN KEY (code, version) REFERENCES knowledge,
    CONSTRAINT knowledge_drafts_are_published_by_another_person CHECK (version IS NULL OR ended_by <> drafted_by),
    CONSTRAINT ended_knowledge_drafts_say_who_and_when CHECK ((ended_by IS NULL) = (ended_at IS NULL)),
    CONSTRAINT published_knowledge_drafts_have_ended CHECK (version IS NULL OR ended_at IS NOT NULL)
);
COMMENT ON TABLE knowledge_drafts IS 'Answers before a second person has agreed on them; ended by publishing or by taking them back. No valid_from: from publication on.';
-- Whoever wants to change an entry sees that somebody is at it; also serves: knowledge_drafts_waiting.
CREATE UNIQUE INDEX an_entry_has_one_draft_that_waits ON knowledge_drafts (code) WHERE ended_at IS NULL;

CREATE TRIGGER published_knowledge_never_changes BEFORE UPDATE OR DELETE ON knowledge
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
