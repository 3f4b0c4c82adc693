-- A draft knows the version that it was made from: two drafts from the same one must not undo each other unseen.

ALTER TABLE rulebook_drafts ADD COLUMN based_on integer;
UPDATE rulebook_drafts draft
   SET based_on = coalesce((SELECT max(version) FROM rulebook_parts part
                             WHERE part.part = draft.part AND part.published_at <= draft.drafted_at), 0);
ALTER TABLE rulebook_drafts ALTER COLUMN based_on SET NOT NULL;
COMMENT ON COLUMN rulebook_drafts.based_on IS 'The newest version of the part when the draft was made; 0 where there was none.';
