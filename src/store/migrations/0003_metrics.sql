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
    -- Of a pipeline: how many there are, and when the last one ended.
    runs BIGINT NOT NULL,
    last_at BIGINT,
    -- And of which sorts most were not asked for their stages (JSON).
    left_alone TEXT NOT NULL DEFAULT '[]',
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
    -- The number of the pull request whose merge it checks, from its branch.
    pull_request BIGINT,
    PRIMARY KEY (project, number)
);

CREATE INDEX builds_by_definition ON builds (project, definition, finished_at);
CREATE INDEX builds_by_commit ON builds (project, sha);
CREATE INDEX builds_by_pull_request ON builds (repository, pull_request) WHERE pull_request IS NOT NULL;
CREATE INDEX builds_unfinished ON builds (project, number) WHERE status <> 'completed';
CREATE INDEX builds_tagged ON builds (project, definition, tags) WHERE tags <> '[]';

-- What a stage is a kind of, with how many runs had it and when the last one ended. `environment` is '' where there is none; so is
-- `shown`, what people see in its stead, where nobody told; `shown_in` is the run whose word that is.
CREATE TABLE stage_kinds (
    id INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    definition BIGINT NOT NULL,
    stage TEXT NOT NULL,
    environment TEXT NOT NULL,
    runs BIGINT NOT NULL,
    last_at BIGINT,
    shown TEXT NOT NULL,
    shown_in BIGINT NOT NULL,
    UNIQUE (project, kind, definition, stage, environment)
);

-- An attempt of a stage of a run, or of a classic environment of a release, as it ended; `source` says who told (environment, timeline,
-- release): an environment's record is believed over a timeline. What is said of the run is the build's, kept here too. `jobs` is what
-- an environment told of the attempt, to be folded (JSON). `approval_ms` is how long it waited for approvals since `approval_from`: 0
-- without a beginning where a timeline shows none, absent where none was read. `ended_at` is the finish, or far in the future; `line` is all that
-- figures need, and lies in the index, because figures read very many.
CREATE TABLE stage_runs (
    project INTEGER NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    run BIGINT NOT NULL,
    stage TEXT NOT NULL,
    environment TEXT NOT NULL,
    stage_kind INTEGER NOT NULL REFERENCES stage_kinds (id),
    definition BIGINT NOT NULL,
    source TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    result TEXT NOT NULL,
    queued_at BIGINT,
    started_at BIGINT,
    finished_at BIGINT,
    approval_ms BIGINT,
    approval_from BIGINT,
    run_result TEXT,
    run_finished_at BIGINT,
    label TEXT NOT NULL,
    sha TEXT,
    branch TEXT,
    repository INTEGER REFERENCES repositories (id),
    build BIGINT,
    web_url TEXT,
    ended_at BIGINT NOT NULL,
    line TEXT NOT NULL,
    jobs TEXT,
    PRIMARY KEY (project, kind, run, stage, environment, attempt)
);

CREATE INDEX stage_runs_by_kind ON stage_runs (stage_kind, ended_at, line);
CREATE INDEX stage_runs_by_build ON stage_runs (project, build) WHERE kind = 'release';

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
    -- Whether the message is cut.
    cut BIGINT NOT NULL,
    added BIGINT,
    edited BIGINT,
    deleted BIGINT,
    PRIMARY KEY (repository, sha)
);

CREATE INDEX commits_by_time ON commits (repository, committed_at);

CREATE TABLE pushes (
    repository INTEGER NOT NULL REFERENCES repositories (id),
    branch TEXT NOT NULL,
    number BIGINT NOT NULL,
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    at BIGINT NOT NULL,
    pusher TEXT,
    -- Of the commit `new`, where it is known.
    authored_at BIGINT,
    line TEXT NOT NULL,
    PRIMARY KEY (repository, branch, number)
);

CREATE INDEX pushes_by_time ON pushes (repository, branch, at, line);
CREATE INDEX pushes_by_commit ON pushes (repository, new);

-- The commits between two that were deployed from a branch on which the order of pushes can't tell, newest first (JSON).
CREATE TABLE compares (
    repository INTEGER NOT NULL REFERENCES repositories (id),
    base TEXT NOT NULL,
    head TEXT NOT NULL,
    commits TEXT NOT NULL,
    PRIMARY KEY (repository, base, head)
);

-- A pull request for figures: how far it was collected, and the line of times that figures are made from; `rules` names the rules that
-- the line was made with. `ended_at` is the close, or far in the future while it is open. `changed_at` is when a listing last said
-- something new of it; `due` is what is to be read since: 0 nothing, 1 threads, 2 detail, 3 both; nothing
-- where it is not followed, being a bot's.
CREATE TABLE flows (
    repository INTEGER NOT NULL REFERENCES repositories (id),
    number BIGINT NOT NULL,
    project INTEGER NOT NULL REFERENCES projects (id),
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    listed_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    threads_at BIGINT,
    detail_at BIGINT,
    followed BIGINT NOT NULL,
    due BIGINT NOT NULL,
    rules TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (repository, number)
);

CREATE INDEX flows_by_end ON flows (project, ended_at, line);
CREATE INDEX flows_by_due ON flows (project, due);
CREATE INDEX flows_by_status ON flows (project, status);
CREATE INDEX flows_by_rules ON flows (rules);

-- What was collected of a pull request (JSON of `metrics::input::History`, without texts).
CREATE TABLE pull_request_histories (
    repository INTEGER NOT NULL REFERENCES repositories (id),
    number BIGINT NOT NULL,
    history TEXT NOT NULL,
    PRIMARY KEY (repository, number)
);

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

CREATE INDEX work_item_links_by_target ON work_item_links (repository, target_kind, target, item);

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

-- What an organisation said last of its rate limit, and when. `most` and `remaining` are thousandths of its units, absent where it only
-- told to wait.
CREATE TABLE rate_limits (
    organisation INTEGER PRIMARY KEY REFERENCES organisations (id),
    most BIGINT,
    remaining BIGINT,
    reset_at BIGINT,
    wait_until BIGINT,
    said_at BIGINT NOT NULL
);
