-- Deadlines that explain themselves, pauses, the ladder as data, and papers of supervision with a life of their own.

ALTER TABLE rulebook_parts DROP CONSTRAINT rulebook_parts_are_known, ADD CONSTRAINT rulebook_parts_are_known
    CHECK (part IN ('calendar', 'allowances', 'catalogue', 'policy', 'refusals', 'risk_words', 'ladder'));

ALTER TABLE tickets ADD COLUMN urges integer NOT NULL DEFAULT 0;

ALTER TABLE requests DROP CONSTRAINT requests_have_a_known_kind, ADD CONSTRAINT requests_have_a_known_kind
    CHECK (kind IN ('return', 'extension', 'pause', 'promise', 'termination'));
ALTER TABLE requests
    ADD COLUMN cycle integer NOT NULL DEFAULT 0,
    ADD COLUMN pause_code text,
    ADD COLUMN approver text,
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN told_at timestamptz,
    ADD CONSTRAINT pauses_have_a_reason_and_a_length CHECK (kind <> 'pause' OR (pause_code IS NOT NULL AND working_days > 0)),
    ADD CONSTRAINT granted_pauses_have_an_end CHECK (kind <> 'pause' OR decision <> 'approved' OR until IS NOT NULL);

ALTER TABLE orders DROP CONSTRAINT orders_have_a_known_rung, ADD CONSTRAINT orders_have_a_known_rung
    CHECK (rung IN ('order', 'listed', 'summoned', 'circulated', 'transferred'));
ALTER TABLE orders
    ADD COLUMN joint integer,
    ADD COLUMN returned integer NOT NULL DEFAULT 0,
    ADD COLUMN remark text NOT NULL DEFAULT '',
    ADD COLUMN accepted_at timestamptz,
    ADD COLUMN escalated boolean NOT NULL DEFAULT false,
    ADD COLUMN body text CONSTRAINT transfers_go_to_a_known_body CHECK (body IN ('efficiency', 'personnel', 'discipline')),
    ADD COLUMN ground text,
    ADD COLUMN exemption text CONSTRAINT exemptions_have_a_known_decision
        CHECK (exemption IN ('pending', 'approved', 'rejected')),
    ADD COLUMN exemption_ground text,
    ADD COLUMN exemption_reason text NOT NULL DEFAULT '',
    ADD COLUMN exemption_answer text NOT NULL DEFAULT '',
    ADD CONSTRAINT transfers_and_only_they_name_a_body_and_a_ground
        CHECK ((rung = 'transferred') = (body IS NOT NULL) AND (rung = 'transferred') = (ground IS NOT NULL)),
    ADD CONSTRAINT claimed_exemptions_name_their_ground CHECK ((exemption IS NULL) = (exemption_ground IS NULL)),
    ADD CONSTRAINT only_answered_orders_are_accepted CHECK (accepted_at IS NULL OR answered_at IS NOT NULL);

ALTER TABLE clocks
    ADD COLUMN rules text NOT NULL DEFAULT '',
    ADD COLUMN calendar text NOT NULL DEFAULT '',
    ADD COLUMN counted_from timestamptz,
    ADD COLUMN until timestamptz,
    ADD COLUMN ceiling timestamptz,
    ADD COLUMN floor timestamptz;

ALTER TABLE alarms DROP CONSTRAINT alarms_have_a_known_kind, ADD CONSTRAINT alarms_have_a_known_kind
    CHECK (kind IN ('dead', 'silent', 'behind', 'delivery', 'look', 'calendar'));
COMMENT ON TABLE alarms IS 'What was wrong with the watch itself, one row an episode: no worker, one silent, behind, a contact not reached, a look that fails, a year without a calendar.';
COMMENT ON TABLE orders IS 'Papers of supervision 督办: orders that must be answered, circulars, cases handed over; they change no state.';
COMMENT ON TABLE requests IS 'What a department asked for: return 退单, extension 延期, pause 暂停计时, promise 承诺, termination 终止.';
