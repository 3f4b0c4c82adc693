-- The pairs of characters of a ticket stand beside it: they never change, and a ticket's row changes with every event.
-- Within that row each event put every pair into the index anew.
CREATE TABLE ticket_grams (
    ticket_id bigint PRIMARY KEY REFERENCES tickets,
    grams integer[] NOT NULL,
    sample integer[] NOT NULL
);
INSERT INTO ticket_grams (ticket_id, grams, sample) SELECT id, grams, sample FROM tickets ORDER BY id;
DROP INDEX tickets_by_gram;
ALTER TABLE tickets DROP COLUMN grams, DROP COLUMN sample;
COMMENT ON TABLE ticket_grams IS 'What searching and likeness read of a ticket; apart from it, for its row changes and this never does.';
COMMENT ON COLUMN ticket_grams.grams IS 'Every two neighbouring characters of title, text and place, both 16-bit code units in one integer.';
COMMENT ON COLUMN ticket_grams.sample IS 'A quarter of the grams, the same quarter in every text; all of them where they are few.';
-- Serves: search_tickets: a two-character word is one element, for which a trigram index is no help.
CREATE INDEX tickets_by_gram ON ticket_grams USING gin (grams) WITH (fastupdate = on);
