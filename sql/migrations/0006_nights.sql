-- One worker learns a night.

CREATE TABLE nights (
    night date PRIMARY KEY,
    worker text NOT NULL,
    begun_at timestamptz NOT NULL
);
COMMENT ON TABLE nights IS 'Which worker began to learn in which night; the first one that asks.';
