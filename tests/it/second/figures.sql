-- The figures of one window a second time, in SQL and from the stored rows: no line of the program is used. `asked` has window and clock.
CREATE TEMP TABLE said AS SELECT id, project, kind, definition, stage, environment,
    lower(environment) GLOB '*prod*' AND NOT (lower(environment) GLOB '*preprod*' OR lower(environment) GLOB '*nonprod*') AS by_environment,
    lower(stage) GLOB '*prod*' AND NOT (lower(stage) GLOB '*preprod*' OR lower(stage) GLOB '*nonprod*') AS by_stage FROM stage_kinds;
CREATE TEMP TABLE production AS SELECT id FROM said s WHERE by_environment OR (by_stage AND NOT (environment = '' AND EXISTS (
    SELECT 1 FROM said o WHERE (o.project, o.kind, o.definition) = (s.project, s.kind, s.definition) AND o.by_environment)));
-- Attempts that succeeded, or that no other one follows. The n-th of each stage is of the n-th time that its run was deployed.
CREATE TEMP TABLE parts AS
    SELECT project, kind, definition, run, row_number() OVER (PARTITION BY project, kind, run, stage, environment ORDER BY attempt) AS time,
        CASE WHEN result IN ('succeeded', 'succeeded_with_issues') THEN 'S' WHEN result = 'failed' THEN 'F' END AS o,
        coalesce(finished_at, run_finished_at) AS at, sha, repository, branch FROM stage_runs r WHERE stage_kind IN (SELECT id FROM production) AND (result GLOB 'succeeded*' OR NOT EXISTS (
            SELECT 1 FROM stage_runs l WHERE (l.project, l.kind, l.run, l.stage, l.environment) = (r.project, r.kind, r.run, r.stage, r.environment) AND l.attempt > r.attempt))
    UNION ALL
    SELECT b.project, 'pipeline', b.definition, b.number, 1, CASE WHEN result IN ('succeeded', 'partially_succeeded') THEN 'S' WHEN result = 'failed' THEN 'F' END,
        finished_at, sha, b.repository, branch FROM builds b JOIN definitions d ON (d.project, d.kind, d.number) = (b.project, 'pipeline', b.definition)
        WHERE lower(d.name) GLOB '*production*' AND coalesce(branch, '') NOT LIKE 'refs/pull/%' AND NOT EXISTS (SELECT 1 FROM said s WHERE (s.project, s.kind, s.definition) = (b.project, 'pipeline', b.definition)
            AND s.id IN (SELECT id FROM production));
CREATE TEMP TABLE runs AS SELECT project, kind, definition, run, max(o = 'F') AS failed, max(sha) AS sha, max(repository) AS repository, max(branch) AS branch,
    CASE WHEN max(o = 'F') THEN max(CASE o WHEN 'F' THEN at END) ELSE max(CASE o WHEN 'S' THEN at END) END AS at
    FROM parts WHERE o IS NOT NULL GROUP BY project, kind, definition, run, time;
CREATE TEMP TABLE tips AS SELECT p.repository, p.number, p.new AS sha, p.old, p.at, coalesce(p.authored_at, c.authored_at) AS authored_at,
    row_number() OVER (PARTITION BY p.repository ORDER BY p.number) AS place
    FROM pushes p JOIN repositories r ON r.id = p.repository AND r.default_branch = p.branch LEFT JOIN commits c ON (c.repository, c.sha) = (p.repository, p.new);
CREATE INDEX temp.tips_by_sha ON tips (repository, sha);
CREATE TEMP TABLE successes AS SELECT row_number() OVER w AS n, s.*, (SELECT min(place) FROM tips t WHERE (t.repository, t.sha) = (s.repository, s.sha)) AS place,
    lag(s.sha) OVER w AS sha_before, lag(s.run) OVER w AS run_before, lag(s.at) OVER w AS at_before
    FROM runs s WHERE NOT failed AND at IS NOT NULL WINDOW w AS (PARTITION BY project, kind, definition ORDER BY at, run);
CREATE INDEX temp.successes_by_place ON successes (repository, place);

-- Pull requests: who is a machine, what happened, when it was ready and reviewed.
CREATE TEMP TABLE prs AS SELECT h.repository, h.number, f.project, json_extract(history, '$.author.id') AS author, json_extract(history, '$.status') AS status,
    unixepoch(json_extract(history, '$.created_at'), 'subsec') * 1000 AS created, unixepoch(json_extract(history, '$.closed_at'), 'subsec') * 1000 AS closed,
    json_extract(history, '$.title') LIKE 'Revert "%' AS is_revert, json_extract(history, '$.source_branch') LIKE 'hotfix/%'
        OR EXISTS (SELECT 1 FROM json_each(history, '$.labels') WHERE lower(value) = 'hotfix') AS is_hotfix,
    json_extract(history, '$.merge_commit') AS merge, json_extract(history, '$.target_branch') AS target, json_extract(history, '$.is_draft') AS is_draft,
    json_type(history, '$.happenings') = 'array' AS has_threads, json_type(history, '$.commits') = 'array' AS has_commits,
    (SELECT min(unixepoch(json_extract(value, '$.authored_at'), 'subsec') * 1000) FROM json_each(history, '$.commits')) AS authored
    FROM pull_request_histories h JOIN flows f USING (repository, number);
CREATE INDEX temp.prs_by_number ON prs (repository, number);
CREATE TEMP TABLE people AS SELECT DISTINCT h.repository, h.number, json_extract(a.value, '$.id') AS id, json_extract(a.value, '$.is_group')
    OR lower(json_extract(a.value, '$.name') || '|' || json_extract(a.value, '$.unique_name')) GLOB '*bot]*' OR lower(json_extract(a.value, '$.name')) GLOB '*-bot'
    OR lower(json_extract(a.value, '$.unique_name')) GLOB '*-bot' OR lower(json_extract(a.value, '$.name')) GLOB 'dependabot*' OR lower(json_extract(a.value, '$.name')) GLOB 'renovate*'
    OR lower(json_extract(a.value, '$.unique_name')) GLOB 'build\*' OR lower(json_extract(a.value, '$.name')) GLOB '*build service*'
    OR lower(json_extract(a.value, '$.unique_name')) GLOB 'dependabot*' OR lower(json_extract(a.value, '$.unique_name')) GLOB 'renovate*'
    OR lower(json_extract(a.value, '$.name')) GLOB 'project collection*' OR json_extract(a.value, '$.unique_name') GLOB '*-bot@*' AS machine FROM pull_request_histories h,
    (SELECT repository, number, value FROM pull_request_histories, json_each(history, '$.actors') UNION ALL SELECT repository, number, json_extract(value, '$[0]')
        FROM pull_request_histories, json_each(history, '$.reviewers') UNION ALL SELECT repository, number, json_extract(history, '$.author') FROM pull_request_histories) a
    WHERE (a.repository, a.number) = (h.repository, h.number);
CREATE INDEX temp.people_by_pr ON people (repository, number, id);
CREATE TEMP TABLE events AS SELECT p.repository, p.number, e.key AS i, unixepoch(json_extract(e.value, '$.at'), 'subsec') * 1000 AS at, json_extract(e.value, '$.by') AS by,
    json_extract(e.value, '$.what.what') AS what, json_extract(e.value, '$.what.vote') AS vote
    FROM pull_request_histories h JOIN prs p USING (repository, number), json_each(h.history, '$.happenings') e;
CREATE INDEX temp.events_by_pr ON events (repository, number, what, at);
CREATE TEMP TABLE drafts AS SELECT repository, number, coalesce((SELECT what = 'published' FROM events e WHERE (e.repository, e.number) = (p.repository, p.number)
    AND what IN ('published', 'made_draft') ORDER BY at, i LIMIT 1), is_draft) AS began FROM prs p;
CREATE TEMP TABLE reviews AS SELECT e.repository, e.number, min(e.at) AS at FROM events e JOIN prs p USING (repository, number) JOIN drafts d USING (repository, number)
    WHERE (what = 'comment' OR (what = 'vote' AND vote <> 'none')) AND e.by IS NOT NULL AND e.by <> p.author AND (p.closed IS NULL OR e.at <= p.closed)
    AND NOT EXISTS (SELECT 1 FROM people m WHERE (m.repository, m.number, m.id) = (e.repository, e.number, e.by) AND m.machine)
    AND NOT coalesce((SELECT x.what = 'made_draft' FROM events x WHERE (x.repository, x.number) = (e.repository, e.number)
        AND x.what IN ('published', 'made_draft') AND (x.at, x.i) < (e.at, e.i) ORDER BY x.at DESC, x.i DESC LIMIT 1), d.began) GROUP BY e.repository, e.number;
CREATE TEMP TABLE votes AS SELECT h.repository, h.number, json_extract(v.value, '$[0].id') AS id, json_extract(v.value, '$[1]') AS vote
    FROM pull_request_histories h, json_each(h.history, '$.reviewers') v;
CREATE TEMP TABLE undated AS SELECT DISTINCT v.repository, v.number FROM votes v JOIN prs p USING (repository, number) WHERE has_threads AND v.vote <> 'none' AND v.id <> p.author
    AND NOT EXISTS (SELECT 1 FROM people m WHERE (m.repository, m.number, m.id) = (v.repository, v.number, v.id) AND m.machine)
    AND v.vote IS NOT (SELECT e.vote FROM events e WHERE (e.repository, e.number, e.by, e.what) = (v.repository, v.number, v.id, 'vote') ORDER BY e.at DESC, e.i DESC LIMIT 1);
CREATE TEMP TABLE ready AS SELECT p.*, r.at AS review, u.number IS NOT NULL AS undated,
    EXISTS (SELECT 1 FROM people m WHERE (m.repository, m.number, m.id) = (p.repository, p.number, p.author) AND m.machine) AS machine,
    CASE (SELECT what FROM events e WHERE (e.repository, e.number) = (p.repository, p.number) AND what IN ('published', 'made_draft', 'reactivated')
            AND (p.closed IS NULL OR at <= p.closed OR p.status = 'active') AND (r.at IS NULL OR at < r.at) ORDER BY at DESC, i DESC LIMIT 1)
        WHEN 'made_draft' THEN NULL ELSE coalesce((SELECT max(at) FROM events e WHERE (e.repository, e.number) = (p.repository, p.number)
            AND what IN ('published', 'reactivated') AND (p.closed IS NULL OR at <= p.closed OR p.status = 'active') AND (r.at IS NULL OR at < r.at)),
        CASE WHEN d.began THEN NULL ELSE p.created END) END AS ready
    FROM prs p JOIN drafts d USING (repository, number) LEFT JOIN reviews r USING (repository, number) LEFT JOIN undated u USING (repository, number);

-- Changes, and which deployment of which service brought them.
CREATE TEMP TABLE placed AS SELECT p.repository, p.number, p.closed AS merged, coalesce((SELECT min(place) FROM tips t WHERE (t.repository, t.sha) = (p.repository, p.merge)),
    CASE WHEN p.target = r.default_branch THEN (SELECT place FROM tips t WHERE t.repository = p.repository AND abs(t.at - p.closed) <= 60000
        AND t.sha NOT IN (SELECT merge FROM prs WHERE merge IS NOT NULL) GROUP BY t.repository HAVING min(abs(t.at - p.closed)) >= 0) END) AS place
    FROM prs p JOIN repositories r ON r.id = p.repository WHERE status = 'completed';
CREATE TEMP TABLE changes AS SELECT repository, number, NULL AS authored, place, merged FROM placed UNION ALL
    SELECT repository, NULL, authored_at, place, at FROM tips t WHERE NOT EXISTS (SELECT 1 FROM placed p WHERE (p.repository, p.place) = (t.repository, t.place))
    AND old <> '0000000000000000000000000000000000000000';
CREATE TEMP TABLE firsts AS SELECT project, kind, definition, repository, min(n) AS n FROM successes WHERE place IS NOT NULL GROUP BY project, kind, definition, repository;
CREATE TEMP TABLE reaching AS SELECT c.rowid AS change, s.project, s.kind, s.definition, min(s.n) AS n FROM changes c
    JOIN successes s ON s.repository = c.repository AND s.place >= c.place GROUP BY c.rowid, s.project, s.kind, s.definition;
CREATE TEMP TABLE brought AS SELECT r.change, r.project, r.kind, r.definition, (SELECT min(d.n) FROM successes d
        WHERE (d.project, d.kind, d.definition) = (r.project, r.kind, r.definition) AND d.n >= r.n AND d.at >= c.merged) AS n
    FROM reaching r JOIN changes c ON c.rowid = r.change JOIN firsts f ON (f.project, f.kind, f.definition, f.repository) = (r.project, r.kind, r.definition, c.repository)
    JOIN successes s ON (s.project, s.kind, s.definition, s.n) = (r.project, r.kind, r.definition, r.n) WHERE r.n > f.n OR s.place = c.place;
CREATE TEMP TABLE lead AS SELECT min(s.at) AS at, min(s.at) - CASE WHEN c.number IS NULL THEN c.authored WHEN p.authored > p.created OR p.created - p.authored > 7776000000 THEN p.created
    ELSE p.authored END AS v FROM brought b JOIN successes s USING (project, kind, definition, n) JOIN changes c ON c.rowid = b.change
    LEFT JOIN ready p ON (p.repository, p.number) = (c.repository, c.number) WHERE c.number IS NULL OR (NOT p.machine AND p.has_commits) GROUP BY b.change;

-- Failures: rollbacks, hotfixes and reverts soon after, incidents that hang on a deployment or follow it.
CREATE TEMP TABLE marked AS SELECT s.*, max(coalesce(p.is_revert, 0)) OR max(coalesce(p.is_hotfix, 0)) OR replace(coalesce(s.branch, ''), 'refs/heads/', '') LIKE 'hotfix/%' AS repair,
    s.n > 1 AND NOT coalesce(s.sha = s.sha_before OR s.run = s.run_before, 0) AND coalesce(s.place < (SELECT b.place FROM successes b WHERE (b.project, b.kind, b.definition, b.n) = (s.project, s.kind, s.definition, s.n - 1)
        AND b.repository = s.repository), s.kind = 'release' AND s.run < s.run_before OR EXISTS (SELECT 1 FROM successes b
        WHERE (b.project, b.kind, b.definition, b.sha) = (s.project, s.kind, s.definition, s.sha) AND b.n < s.n)) AS rollback
    FROM successes s LEFT JOIN brought b USING (project, kind, definition, n) LEFT JOIN changes c ON c.rowid = b.change LEFT JOIN prs p ON (p.repository, p.number) = (c.repository, c.number)
    GROUP BY s.project, s.kind, s.definition, s.n;
CREATE TEMP TABLE incidents AS SELECT project, number, area, created_at AS created FROM work_items w WHERE kind = 'Incident' OR EXISTS (
    SELECT 1 FROM json_each(w.tags) WHERE lower(value) IN ('incident', 'outage'));
CREATE TEMP TABLE hanging AS SELECT DISTINCT i.project AS of, i.number, i.created, s.project, s.kind, s.definition, s.n, s.at FROM incidents i
    JOIN work_item_links l ON (l.project, l.item) = (i.project, i.number) JOIN successes s ON (l.target_kind = 'build' AND s.kind = 'pipeline' AND s.project = i.project AND s.run = l.target)
        OR (l.target_kind <> 'build' AND EXISTS (SELECT 1 FROM brought b JOIN changes c ON c.rowid = b.change LEFT JOIN prs p ON (p.repository, p.number) = (c.repository, c.number)
            LEFT JOIN tips t ON (t.repository, t.place) = (c.repository, c.place) WHERE (b.project, b.kind, b.definition, b.n) = (s.project, s.kind, s.definition, s.n)
            AND ((l.target_kind = 'pull_request' AND l.repository = c.repository AND l.target = c.number) OR (l.target_kind = 'commit' AND l.target = coalesce(p.merge, t.sha)))))
        OR (l.target_kind = 'commit' AND s.sha = l.target AND s.at = (SELECT min(x.at) FROM successes x WHERE x.sha = l.target));
CREATE TEMP TABLE failed AS
    SELECT b.project, b.kind, b.definition, b.n FROM marked r JOIN successes b ON (b.project, b.kind, b.definition, b.n) = (r.project, r.kind, r.definition, r.n - 1)
        WHERE r.rollback OR (r.repair AND r.at - b.at <= 86400000)
    UNION SELECT project, kind, definition, n FROM hanging WHERE at <= created
    UNION SELECT project, kind, definition, n FROM (SELECT s.project, s.kind, s.definition, s.n, s.at, i.created, row_number() OVER (PARTITION BY i.project, i.number ORDER BY s.at DESC) AS k
        FROM incidents i JOIN successes s ON s.project = i.project AND s.at <= i.created JOIN repositories r ON r.id = s.repository
        WHERE NOT EXISTS (SELECT 1 FROM hanging h WHERE (h.of, h.number) = (i.project, i.number) AND h.at <= h.created)
        AND (i.area LIKE '%\' || r.name OR NOT EXISTS (SELECT 1 FROM repositories o JOIN successes x ON x.repository = o.id WHERE o.project = i.project AND i.area LIKE '%\' || o.name)))
        WHERE k = 1 AND created - at <= 259200000;
CREATE TEMP TABLE told AS SELECT project FROM incidents UNION SELECT project FROM marked WHERE rollback OR repair;

-- The figures: a name, how many, and the median in milliseconds or the count that is asked about.
CREATE TEMP TABLE samples AS SELECT 'lead_time' AS metric, v FROM lead, asked WHERE at >= f AND at < t AND v >= 0
    UNION ALL SELECT 'cycle_time', closed - ready FROM ready, asked WHERE status = 'completed' AND NOT machine AND NOT is_revert AND has_threads AND closed >= f AND closed < t AND closed >= ready
    UNION ALL SELECT 'pickup', review - ready FROM ready, asked WHERE status = 'completed' AND NOT machine AND NOT is_revert AND has_threads AND NOT undated
        AND closed >= f AND closed < t AND closed >= ready AND review >= ready;
CREATE TEMP TABLE figures AS SELECT metric, max(c) AS n, avg(v) AS value FROM (SELECT metric, v, row_number() OVER (PARTITION BY metric ORDER BY v) AS i, count(*) OVER (PARTITION BY metric) AS c FROM samples)
    WHERE i IN ((c + 1) / 2, (c + 2) / 2) GROUP BY metric
    UNION ALL SELECT 'deployment_frequency', count(*), count(*) FROM successes, asked WHERE at >= f AND at < t
    UNION ALL SELECT 'pipeline_reliability', count(*), sum(o = 'F') FROM parts, asked WHERE o IS NOT NULL AND at >= f AND at < t
    UNION ALL SELECT 'change_fail_rate', count(*), sum((project, kind, definition, n) IN (SELECT * FROM failed)) FROM successes, asked
        WHERE at >= f AND at < t AND now - at >= 259200000 AND project IN (SELECT project FROM told)
    UNION ALL SELECT 'rework_rate', count(*), sum(rollback OR repair OR (project, kind, definition, n) IN (SELECT project, kind, definition, n FROM hanging WHERE at > created))
        FROM marked, asked WHERE at >= f AND at < t AND project IN (SELECT project FROM told)
    UNION ALL SELECT 'throughput', count(*), count(*) FROM ready, asked WHERE status = 'completed' AND NOT machine AND closed >= f AND closed < t
    UNION ALL SELECT 'merged_without_review', count(*), sum(review IS NULL AND NOT undated) FROM ready, asked
        WHERE status = 'completed' AND NOT machine AND has_threads AND closed >= f AND closed < t
    UNION ALL SELECT 'work_in_progress', count(*), count(*) FROM ready, asked WHERE NOT machine AND created < t AND (closed IS NULL OR status = 'active' OR closed >= t);
