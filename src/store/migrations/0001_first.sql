-- The first schema. Columns are BIGINT, TEXT and DOUBLE PRECISION only, so that the same statements run on SQLite and PostgreSQL:
-- truth values are 0 and 1, times are milliseconds since 1970, lists are JSON. Row ids are issued from `counters`, never reused;
-- they are INTEGER because that makes them SQLite's own row number (one tree less to look through), and PostgreSQL takes it too.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);

CREATE TABLE organisations (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    url TEXT NOT NULL UNIQUE,
    deployment TEXT NOT NULL,
    instance TEXT,
    me_id TEXT,
    me_display_name TEXT,
    me_unique_name TEXT,
    checked_at BIGINT
);

CREATE TABLE projects (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL REFERENCES organisations (id),
    guid TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    strategy TEXT NOT NULL,
    overload_threshold BIGINT NOT NULL,
    synced_at BIGINT,
    UNIQUE (organisation, guid)
);

CREATE TABLE repositories (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id),
    guid TEXT NOT NULL,
    name TEXT NOT NULL,
    linked BIGINT NOT NULL,
    default_branch TEXT,
    target_branch TEXT,
    web_url TEXT,
    remote_url TEXT,
    disabled BIGINT NOT NULL,
    UNIQUE (project, guid)
);

CREATE TABLE members (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id),
    guid TEXT NOT NULL,
    display_name TEXT NOT NULL,
    unique_name TEXT NOT NULL,
    can_review BIGINT NOT NULL,
    default_reviewer INTEGER REFERENCES members (id),
    last_assigned_at BIGINT,
    UNIQUE (project, guid)
);

-- `card` is the line the board reads: made from the other columns by the only function that writes a ticket. Ten thousand cards are
-- then a scan of one column.
CREATE TABLE tickets (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id),
    archived BIGINT NOT NULL,
    pr_repository INTEGER REFERENCES repositories (id),
    pr_number BIGINT,
    card TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    repository INTEGER REFERENCES repositories (id),
    branch TEXT,
    title TEXT NOT NULL,
    assignee INTEGER REFERENCES members (id),
    labels TEXT NOT NULL,
    priority BIGINT,
    estimate_hours DOUBLE PRECISION,
    dependencies TEXT NOT NULL,
    notice TEXT,
    criteria_done BIGINT NOT NULL,
    criteria_total BIGINT NOT NULL,
    spec_badge TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    started_at BIGINT,
    pr_opened_at BIGINT,
    merged_at BIGINT,
    done_at BIGINT,
    version BIGINT NOT NULL
);

-- One branch of a repository belongs to one ticket.
CREATE UNIQUE INDEX tickets_by_branch ON tickets (repository, branch) WHERE branch IS NOT NULL;

-- The text is the truth; description, parent_story and criteria are read from it at each save.
CREATE TABLE specs (
    ticket INTEGER PRIMARY KEY REFERENCES tickets (id) ON DELETE CASCADE,
    description TEXT NOT NULL,
    parent_story TEXT,
    criteria TEXT NOT NULL,
    revision BIGINT NOT NULL,
    base_object TEXT,
    remote_object TEXT,
    text TEXT NOT NULL,
    base_text TEXT
);

CREATE TABLE history (
    ticket INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    at BIGINT NOT NULL,
    from_status TEXT,
    to_status TEXT,
    words TEXT NOT NULL,
    PRIMARY KEY (ticket, position)
);

-- What a list of cards needs. `chip` is a part of the board's line, as `tickets.card` is.
CREATE TABLE pull_requests (
    repository INTEGER NOT NULL REFERENCES repositories (id),
    number BIGINT NOT NULL,
    project INTEGER NOT NULL REFERENCES projects (id),
    status TEXT NOT NULL,
    source_branch TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    chip TEXT NOT NULL,
    source TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    detail_at BIGINT,
    checks TEXT,
    threads TEXT,
    PRIMARY KEY (repository, number)
);

CREATE INDEX pull_requests_by_branch ON pull_requests (repository, source_branch);
CREATE INDEX pull_requests_by_status ON pull_requests (project, status);

-- The whole pull request as JSON, apart from the rows above because it is wide and seldom changes.
CREATE TABLE pull_request_facts (
    repository INTEGER NOT NULL,
    number BIGINT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (repository, number),
    FOREIGN KEY (repository, number) REFERENCES pull_requests (repository, number) ON DELETE CASCADE
);

CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    finished_at BIGINT
);

-- An action on a subject is under way once: whoever comes second continues it.
CREATE UNIQUE INDEX journal_open ON journal (action, subject) WHERE finished_at IS NULL;

CREATE TABLE journal_steps (
    journal INTEGER NOT NULL REFERENCES journal (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    step TEXT NOT NULL,
    detail TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (journal, step)
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
