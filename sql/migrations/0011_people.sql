-- People are kept on pages: passwords that are given out end, one administrator always remains, changes are listed.

ALTER TABLE people ADD COLUMN password_until timestamptz;
COMMENT ON COLUMN people.password_until IS 'Until when a password that an administrator gave out serves; null for one of the person''s own.';

CREATE FUNCTION keep_an_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One after another: two administrators who send each other away at once must not both succeed.
    PERFORM pg_advisory_xact_lock(hashtextextended('there_is_always_an_administrator', 0));
    IF NOT EXISTS (SELECT FROM people WHERE active AND role = 'administrator' AND id <> OLD.id) THEN
        RAISE EXCEPTION 'the last administrator cannot leave'
              USING ERRCODE = 'check_violation', CONSTRAINT = 'there_is_always_an_administrator';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER there_is_always_an_administrator BEFORE UPDATE OF role, active ON people FOR EACH ROW
    WHEN (OLD.active AND OLD.role = 'administrator' AND NOT (NEW.active AND NEW.role = 'administrator'))
    EXECUTE FUNCTION keep_an_administrator();

-- Serves: changes, who changed what.
CREATE INDEX audit_by_kind ON audit (what, id);
