-- Delivery facts: what pipelines, pull requests and work items did, collected per project, and how far the collection is.

-- How a source of a project stands. A row here is what makes a project measured. `cursor` is the collector's own (JSON); it is written in
-- the transaction of the page that it stands for.
CREATE TABLE sync_sources (
    project INTEGER NOT NULL REFERENCES projects (id),
    source TEXT NOT NULL,
    cursor TEXT,
    covers_from BIGINT,
    done BIGINT NOT NULL,
    total BIGINT,
    backfilled_at BIGINT,
    synced_at BIGINT,
    attempted_at BIGINT,
    failed TEXT,
    refused TEXT,
    PRIMARY KEY (project, source)
);

CREATE TABLE definitions (
    project INTEGER NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    repository INTEGER REFERENCES repositories (id),
    PRIMARY KEY (project, kind, number)
);

CREATE TABLE builds (
    project INTEGER NOT NULL REFERENCES projects (id),
    number BIGINT NOT NULL,
    definition BIGINT NOT NULL,
    label TEXT NOT NULL,
    repository INTEGER REFERENCES repositories (id),
    branch TEXT,
    sha TEXT,
    reason TEXT NOT NULL,
    status TEXT NOT NULL,
    result TEXT,
    queued_at BIGINT,
    started_at BIGINT,
    finished_at BIGINT,
    requested_for TEXT,
    tags TEXT NOT NULL,
    web_url TEXT,
    timeline_at BIGINT,
    PRIMARY KEY (project, number)
);

CREATE INDEX builds_by_definition ON builds (project, definition, finished_at);

-- A stage of a run, or a classic environment of a release, as its final attempt ended; `source` says who told (environment, timeline,
-- release): an environment's record is believed over a timeline.
CREATE TABLE stage_runs (
    project INTEGER NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    definition BIGINT NOT NULL,
    run BIGINT NOT NULL,
    stage TEXT NOT NULL,
    environment TEXT NOT NULL,
    source TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    result TEXT NOT NULL,
    queued_at BIGINT,
    started_at BIGINT,
    finished_at BIGINT,
    approval_ms BIGINT,
    label TEXT NOT NULL,
    sha TEXT,
    branch TEXT,
    repository INTEGER REFERENCES repositories (id),
    build BIGINT,
    web_url TEXT,
    PRIMARY KEY (project, kind, run, stage, environment)
);

CREATE INDEX stage_runs_by_kind ON stage_runs (project, kind, definition, stage, environment, finished_at);

CREATE TABLE environments (
    project INTEGER NOT NULL REFERENCES projects (id),
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (project, number)
);

-- Which kinds of stages are production, where a person decided. `stage` and `environment` are '' for "any".
CREATE TABLE production_rules (
    project INTEGER NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    definition BIGINT NOT NULL,
    stage TEXT NOT NULL,
    environment TEXT NOT NULL,
    decided TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (project, kind, definition, stage, environment)
);

-- Without their content.
CREATE TABLE commits (
    repository INTEGER NOT NULL REFERENCES repositories (id),
    sha TEXT NOT NULL,
    authored_at BIGINT,
    committed_at BIGINT,
    author_name TEXT NOT NULL,
    author_email TEXT NOT NULL,
    message TEXT NOT NULL,
    added BIGINT,
    edited BIGINT,
    deleted BIGINT,
    PRIMARY KEY (repository, sha)
);

CREATE INDEX commits_by_time ON commits (repository, authored_at);

CREATE TABLE pushes (
    repository INTEGER NOT NULL REFERENCES repositories (id),
    branch TEXT NOT NULL,
    number BIGINT NOT NULL,
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    at BIGINT NOT NULL,
    pusher TEXT,
    PRIMARY KEY (repository, branch, number)
);

-- What was collected of a pull request (JSON of `metrics::input::History`, without texts), and the line of times that figures are made
-- from; `rules` names the rules that the line was made with.
CREATE TABLE pull_request_histories (
    repository INTEGER NOT NULL REFERENCES repositories (id),
    number BIGINT NOT NULL,
    project INTEGER NOT NULL REFERENCES projects (id),
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT,
    listed_at BIGINT NOT NULL,
    threads_at BIGINT,
    detail_at BIGINT,
    history TEXT NOT NULL,
    rules TEXT NOT NULL,
    flow TEXT NOT NULL,
    PRIMARY KEY (repository, number)
);

CREATE INDEX pull_request_histories_by_close ON pull_request_histories (project, closed_at);
CREATE INDEX pull_request_histories_by_status ON pull_request_histories (project, status);

CREATE TABLE work_items (
    project INTEGER NOT NULL REFERENCES projects (id),
    number BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    tags TEXT NOT NULL,
    area TEXT NOT NULL,
    created_at BIGINT,
    changed_at BIGINT,
    resolved_at BIGINT,
    PRIMARY KEY (project, number)
);

-- `target` is a pull request's number, a commit's id or a build's number; `repository` is 0 for a build.
CREATE TABLE work_item_links (
    project INTEGER NOT NULL REFERENCES projects (id),
    item BIGINT NOT NULL,
    target_kind TEXT NOT NULL,
    repository BIGINT NOT NULL,
    target TEXT NOT NULL,
    via TEXT NOT NULL,
    PRIMARY KEY (project, item, target_kind, repository, target)
);

-- The one thread that kanado keeps on a pull request. `digest` is of the text as written last; `state` open, left (a person resolved it).
CREATE TABLE quality_comments (
    repository INTEGER NOT NULL REFERENCES repositories (id),
    number BIGINT NOT NULL,
    thread BIGINT,
    comment BIGINT,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    written_at BIGINT,
    PRIMARY KEY (repository, number)
);

-- People of a team, for the filter by team.
CREATE TABLE team_members (
    project INTEGER NOT NULL REFERENCES projects (id),
    team TEXT NOT NULL,
    name TEXT NOT NULL,
    member TEXT NOT NULL,
    PRIMARY KEY (project, team, member)
);

-- Whose settings differ from the configuration's: comments on or off, the time zone.
CREATE TABLE project_settings (
    project INTEGER NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (project, name)
);
