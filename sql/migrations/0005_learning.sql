-- What the work teaches: experience by place, labels, lessons, models in use; rules that are drafted, tried and published by two.

ALTER TABLE rulebook_parts ADD COLUMN drafted_by text;
ALTER TABLE rulebook_parts ADD COLUMN effective_at timestamptz;
ALTER TABLE rulebook_parts ADD CONSTRAINT rules_are_published_by_another_than_their_drafter CHECK (drafted_by <> published_by);
ALTER TABLE rulebook_parts ADD CONSTRAINT only_founding_rules_have_no_drafter
    CHECK (version = 1 OR part = 'calendar' OR drafted_by IS NOT NULL);
COMMENT ON COLUMN rulebook_parts.effective_at IS 'From when the version rules; null: from its publication on.';

-- Serves: similar_tickets, what is open about the same matter in the same place.
CREATE INDEX tickets_by_matter ON tickets (category, area, id) WHERE state <> 'closed';

CREATE TABLE rulebook_drafts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    part text NOT NULL,
    body jsonb NOT NULL,
    source text NOT NULL,
    effective_at timestamptz,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    ended_by text,
    ended_at timestamptz,
    version integer,
    FOREIGN KEY (part, version) REFERENCES rulebook_parts,
    CONSTRAINT drafts_are_published_by_another_person CHECK (version IS NULL OR ended_by <> drafted_by),
    CONSTRAINT ended_drafts_say_who_and_when CHECK ((ended_by IS NULL) = (ended_at IS NULL)),
    CONSTRAINT published_drafts_have_ended CHECK (version IS NULL OR ended_at IS NOT NULL)
);
COMMENT ON TABLE rulebook_drafts IS 'New rules before two people have agreed on them; ended by publishing or by taking them back.';

CREATE TABLE experience (
    category text NOT NULL REFERENCES categories,
    area text NOT NULL DEFAULT '',
    department text NOT NULL REFERENCES departments,
    month date NOT NULL,
    kept integer NOT NULL,
    returned integer NOT NULL,
    rerouted integer NOT NULL,
    PRIMARY KEY (category, area, department, month)
);
COMMENT ON TABLE experience IS 'How many matters of a kind and place each department kept, returned or lost again, by month; counted anew each night.';

CREATE TABLE labels (
    ticket_id bigint PRIMARY KEY REFERENCES tickets,
    reason text NOT NULL CONSTRAINT labels_are_asked_for_a_known_reason CHECK (reason IN ('uncertain', 'disagreement', 'returned')),
    worth double precision NOT NULL,
    guesses jsonb NOT NULL,
    asked_at timestamptz NOT NULL,
    category text REFERENCES categories,
    labelled_by text REFERENCES people,
    labelled_at timestamptz,
    CONSTRAINT labels_say_who_and_when CHECK (num_nonnulls(category, labelled_by, labelled_at) IN (0, 3))
);
COMMENT ON TABLE labels IS 'The few tickets whose right category would teach the model most, and who said what it is.';
-- Serves: labels_waiting.
CREATE INDEX labels_waiting ON labels (worth DESC, ticket_id) WHERE labelled_at IS NULL;

CREATE TABLE lessons (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    champion text NOT NULL,
    challenger text NOT NULL,
    verdict text NOT NULL,
    activated boolean NOT NULL,
    facts jsonb NOT NULL
);
COMMENT ON TABLE lessons IS 'What each night of learning came to: who was compared with whom, and why the challenger is in use or is not. Append-only.';

CREATE TABLE models_in_use (
    process text PRIMARY KEY,
    at timestamptz NOT NULL,
    version text NOT NULL,
    fault text NOT NULL
);
COMMENT ON TABLE models_in_use IS 'Which model each running process judges with, and why it refused a newer one if it did.';

CREATE TRIGGER lessons_are_append_only BEFORE UPDATE OR DELETE ON lessons FOR EACH ROW EXECUTE FUNCTION refuse_change();
