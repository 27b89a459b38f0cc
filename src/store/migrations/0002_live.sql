-- Webhooks: the inbox, who may deliver into it, what was registered, who keeps it going.

-- A project that was taken off the board: kept with its tickets, shown nowhere; deliveries for it are answered "gone".
ALTER TABLE projects ADD COLUMN removed_at BIGINT;

-- Digests (SHA-256, hexadecimal) of the secrets that open a project's door; the secrets themselves are nowhere. One that a person was
-- shown has no subscription; one that kanado made up for a subscription has. `expires_at` ends the overlap of a rotation.
CREATE TABLE hook_secrets (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id),
    subscription INTEGER,
    digest TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);

CREATE INDEX hook_secrets_by_project ON hook_secrets (project);

-- Subscriptions that kanado made. The row is written before the request that makes it (`remote` is absent until the answer), so that a
-- crash in between is found again. `inputs` is what was asked for, as JSON without the secret.
CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id),
    purpose TEXT NOT NULL,
    remote TEXT UNIQUE,
    url TEXT NOT NULL,
    inputs TEXT NOT NULL,
    state TEXT NOT NULL,
    problem TEXT,
    identity TEXT,
    created_at BIGINT NOT NULL,
    verified_at BIGINT,
    checked_at BIGINT
);

CREATE INDEX subscriptions_by_project ON subscriptions (project);

-- Every authenticated delivery, before anybody believes it. `dedupe` makes the same notification twice one row.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id),
    dedupe TEXT NOT NULL UNIQUE,
    purpose TEXT,
    event_type TEXT,
    event_id TEXT,
    subscription TEXT,
    notification BIGINT,
    received_at BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    claimed_by TEXT,
    claimed_until BIGINT,
    words TEXT,
    settled_at BIGINT
);

CREATE INDEX deliveries_waiting ON deliveries (not_before, id) WHERE state = 'waiting';
CREATE INDEX deliveries_problems ON deliveries (project, id) WHERE state IN ('dead', 'parked', 'quarantined');
CREATE INDEX deliveries_by_project ON deliveries (project, id);

-- Its body, byte for byte. A table of its own: whoever claims and settles a delivery writes its row anew, and need not write this.
CREATE TABLE delivery_bodies (
    delivery INTEGER PRIMARY KEY,
    body BYTEA NOT NULL
);

-- Who does what only one process may do, and until when (receivers say the same way that they are there).
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL,
    detail TEXT
);

-- The last comparison of each project with Azure DevOps, and what hooks had missed.
CREATE TABLE reconciliations (
    project INTEGER PRIMARY KEY REFERENCES projects (id),
    attempted_at BIGINT NOT NULL,
    done_at BIGINT,
    failed TEXT,
    healed_last BIGINT NOT NULL,
    healed_total BIGINT NOT NULL
);
