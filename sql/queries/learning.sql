-- name: put_model_in_use
-- Keep which model a process judges with, and why it refused another.
INSERT INTO models_in_use (process, at, version, fault)
VALUES (:process, :at, :version, :fault)
ON CONFLICT (process) DO UPDATE SET at = EXCLUDED.at, version = EXCLUDED.version, fault = EXCLUDED.fault;

-- name: models_in_use
-- Which models the processes use that have said so since a moment.
SELECT process, at, version, fault FROM models_in_use WHERE at >= :since ORDER BY process;
