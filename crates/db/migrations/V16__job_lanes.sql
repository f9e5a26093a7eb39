-- Jobs that wait for the same thing outside, such as one receiver, share a lane: what does not get on in one holds up no
-- other. The nil UUID is the lane of those that wait for nothing.

ALTER TABLE jobs ADD COLUMN IF NOT EXISTS lane uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
CREATE INDEX IF NOT EXISTS jobs_kind_tenant_id_lane_run_at_idx ON jobs (kind, tenant_id, lane, run_at);

-- On their way already.
UPDATE jobs SET lane = d.endpoint_id FROM webhook_deliveries d
WHERE jobs.kind = 'webhook' AND d.id = (jobs.payload->>'delivery')::uuid;
