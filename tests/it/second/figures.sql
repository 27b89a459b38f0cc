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
-- Successes, service by service in order of time; what precedes n in its service is n - 1.
CREATE TEMP TABLE successes AS SELECT row_number() OVER (ORDER BY project, kind, definition, at, run) AS n, dense_rank() OVER (ORDER BY project, kind, definition) AS service, s.*,
    (SELECT min(place) FROM tips t WHERE (t.repository, t.sha) = (s.repository, s.sha)) AS place, lag(sha) OVER w AS sha_before, lag(run) OVER w AS run_before
    FROM runs s WHERE NOT failed AND at IS NOT NULL WINDOW w AS (PARTITION BY project, kind, definition ORDER BY at, run);
CREATE UNIQUE INDEX temp.successes_by_n ON successes (n);
CREATE INDEX temp.successes_by_place ON successes (repository, place);
CREATE INDEX temp.successes_by_service ON successes (service, n);

-- Pull requests: who is a machine, what happened, when it was ready and reviewed.
CREATE TEMP TABLE prs AS SELECT row_number() OVER () AS pr, h.repository, h.number, f.project, history, json_extract(history, '$.author.id') AS author, json_extract(history, '$.status') AS status,
    unixepoch(json_extract(history, '$.created_at'), 'subsec') * 1000 AS created, unixepoch(json_extract(history, '$.closed_at'), 'subsec') * 1000 AS closed,
    lower(json_extract(history, '$.title')) AS title, json_extract(history, '$.title') LIKE 'Revert "%' AS is_revert, json_extract(history, '$.source_branch') LIKE 'hotfix/%'
        OR EXISTS (SELECT 1 FROM json_each(history, '$.labels') WHERE lower(value) = 'hotfix') AS is_hotfix, json_extract(history, '$.merge_commit') AS merge,
    json_extract(history, '$.target_branch') AS target, json_type(history, '$.happenings') = 'array' AS has_threads, json_type(history, '$.commits') = 'array' AS has_commits,
    (SELECT min(unixepoch(json_extract(value, '$.authored_at'), 'subsec') * 1000) FROM json_each(history, '$.commits')) AS authored
    FROM pull_request_histories h JOIN flows f USING (repository, number);
CREATE INDEX temp.prs_by_number ON prs (repository, number);
CREATE TEMP TABLE people AS SELECT pr, json_extract(value, '$.id') AS id, max(json_extract(value, '$.is_group') OR EXISTS (
    SELECT 1 FROM (VALUES ('*bot]*'), ('*-bot|*'), ('*-bot@*'), ('*|dependabot*'), ('*|renovate*'), ('*|build\*'), ('*build service*'), ('|project collection*'))
    WHERE lower('|' || json_extract(value, '$.name') || '|' || json_extract(value, '$.unique_name') || '|') GLOB column1)) AS machine FROM (
    SELECT pr, value FROM prs, json_each(history, '$.actors') UNION ALL SELECT pr, json_extract(value, '$[0]') FROM prs, json_each(history, '$.reviewers')
    UNION ALL SELECT pr, json_extract(history, '$.author') FROM prs) GROUP BY pr, id;
CREATE INDEX temp.people_by_pr ON people (pr, id);
CREATE TEMP TABLE events AS SELECT p.pr, e.key AS i, unixepoch(json_extract(e.value, '$.at'), 'subsec') * 1000 AS at, json_extract(e.value, '$.by') AS by, coalesce(m.machine, 0) AS machine,
    json_extract(e.value, '$.what.what') AS what, json_extract(e.value, '$.what.vote') AS vote
    FROM prs p, json_each(history, '$.happenings') e LEFT JOIN people m ON (m.pr, m.id) = (p.pr, json_extract(e.value, '$.by'));
CREATE INDEX temp.events_by_pr ON events (pr, what, at);
CREATE TEMP TABLE drafts AS SELECT pr, coalesce((SELECT what = 'published' FROM events e WHERE e.pr = p.pr AND what IN ('published', 'made_draft') ORDER BY at, i LIMIT 1),
    json_extract(history, '$.is_draft')) AS began FROM prs p;
CREATE TEMP TABLE reviews AS SELECT e.pr, min(e.at) AS at FROM events e JOIN prs p USING (pr) JOIN drafts d USING (pr)
    WHERE (what = 'comment' OR (what = 'vote' AND vote <> 'none')) AND e.by <> p.author AND NOT e.machine AND (p.closed IS NULL OR e.at <= p.closed) AND NOT coalesce((
        SELECT x.what = 'made_draft' FROM events x WHERE x.pr = e.pr AND x.what IN ('published', 'made_draft') AND (x.at, x.i) < (e.at, e.i) ORDER BY x.at DESC, x.i DESC LIMIT 1), d.began) GROUP BY e.pr;
CREATE TEMP TABLE votes AS SELECT p.pr, m.id, json_extract(v.value, '$[1]') AS vote, m.machine, m.id = p.author AS own
    FROM prs p, json_each(history, '$.reviewers') v JOIN people m ON (m.pr, m.id) = (p.pr, json_extract(v.value, '$[0].id'));
CREATE TEMP TABLE undated AS SELECT DISTINCT v.pr FROM votes v JOIN prs p USING (pr) WHERE has_threads AND v.vote <> 'none' AND NOT own AND NOT machine
    AND v.vote IS NOT (SELECT e.vote FROM events e WHERE (e.pr, e.by, e.what) = (v.pr, v.id, 'vote') ORDER BY e.at DESC, e.i DESC LIMIT 1);
-- The approval in force with which there were as many as the policies want, machines' among them, by a person or after one by a person.
CREATE TEMP TABLE approvals AS SELECT p.pr, p.project, p.repository, e.machine, min(e.at) AS at FROM prs p JOIN events e USING (pr) JOIN votes v ON (v.pr, v.id) = (e.pr, e.by)
    WHERE what = 'vote' AND e.vote LIKE 'approved%' AND v.vote LIKE 'approved%' AND NOT own AND (closed IS NULL OR e.at <= closed) AND NOT EXISTS (SELECT 1 FROM events x
        WHERE (x.pr, x.by, x.what) = (e.pr, e.by, 'vote') AND x.vote NOT LIKE 'approved%' AND (x.at, x.i) > (e.at, e.i) AND (closed IS NULL OR x.at <= closed)) GROUP BY p.pr, e.by;
CREATE TEMP TABLE approved AS SELECT pr, max(coalesce(min(at) FILTER (WHERE k >= wanted), max(at)), min(at) FILTER (WHERE NOT machine)) AS approved FROM (
    SELECT a.*, row_number() OVER (PARTITION BY pr ORDER BY at) AS k, coalesce((SELECT max(json_extract(r.value, '$.wanted.approvals')) FROM project_settings s, json_each(s.value, '$.rules') r
        WHERE (s.project, s.name) = (a.project, 'approvals') AND coalesce(json_extract(r.value, '$.repository'), a.repository) = a.repository), 1) AS wanted FROM approvals a) GROUP BY pr;
CREATE TEMP TABLE ready AS SELECT p.*, r.at AS review, u.pr IS NOT NULL AS undated, a.approved, (SELECT machine FROM people m WHERE (m.pr, m.id) = (p.pr, p.author)) AS machine,
    CASE (SELECT what FROM events e WHERE e.pr = p.pr AND what IN ('published', 'made_draft', 'reactivated')
            AND (p.closed IS NULL OR at <= p.closed OR p.status = 'active') AND (r.at IS NULL OR at < r.at) ORDER BY at DESC, i DESC LIMIT 1)
        WHEN 'made_draft' THEN NULL ELSE coalesce((SELECT max(at) FROM events e WHERE e.pr = p.pr
            AND what IN ('published', 'reactivated') AND (p.closed IS NULL OR at <= p.closed OR p.status = 'active') AND (r.at IS NULL OR at < r.at)),
        CASE WHEN d.began THEN NULL ELSE p.created END) END AS ready
    FROM prs p JOIN drafts d USING (pr) LEFT JOIN reviews r USING (pr) LEFT JOIN undated u USING (pr) LEFT JOIN approved a USING (pr);

-- Changes, and which deployment of which service brought them.
CREATE TEMP TABLE placed AS SELECT p.pr, p.repository, p.closed AS merged, coalesce((SELECT min(place) FROM tips t WHERE (t.repository, t.sha) = (p.repository, p.merge)),
    CASE WHEN p.target = r.default_branch THEN (SELECT place FROM tips t WHERE t.repository = p.repository AND abs(t.at - p.closed) <= 60000
        AND t.sha NOT IN (SELECT merge FROM prs WHERE merge IS NOT NULL) GROUP BY t.repository HAVING min(abs(t.at - p.closed)) >= 0) END) AS place
    FROM prs p JOIN repositories r ON r.id = p.repository WHERE status = 'completed';
CREATE TEMP TABLE changes AS SELECT repository, pr, NULL AS authored, place, merged FROM placed UNION ALL
    SELECT repository, NULL, authored_at, place, at FROM tips t WHERE NOT EXISTS (SELECT 1 FROM placed p WHERE (p.repository, p.place) = (t.repository, t.place))
    AND old <> '0000000000000000000000000000000000000000';
CREATE TEMP TABLE firsts AS SELECT service, repository, min(n) AS n FROM successes WHERE place IS NOT NULL GROUP BY service, repository;
CREATE TEMP TABLE reaching AS SELECT c.rowid AS change, c.*, s.service, min(s.n) AS n FROM changes c JOIN successes s ON s.repository = c.repository AND s.place >= c.place GROUP BY c.rowid, s.service;
CREATE TEMP TABLE brought AS SELECT r.change, r.pr, r.authored, r.place, r.repository, (SELECT min(d.n) FROM successes d WHERE d.service = r.service AND d.n >= r.n AND d.at >= r.merged) AS n
    FROM reaching r JOIN firsts f USING (service, repository) JOIN successes s ON s.n = r.n WHERE r.n > f.n OR s.place = r.place
    OR r.merged > (SELECT max(e.at) FROM successes e WHERE (e.service, e.repository) = (s.service, s.repository) AND e.n < f.n);
CREATE INDEX temp.brought_by_n ON brought (n);
CREATE TEMP TABLE lead AS SELECT b.pr, min(s.at) AS at, min(s.at) - CASE WHEN b.pr IS NULL THEN b.authored WHEN p.authored > p.created OR p.created - p.authored > 7776000000 THEN p.created
    ELSE p.authored END AS v FROM brought b JOIN successes s USING (n) LEFT JOIN ready p USING (pr) WHERE b.pr IS NULL OR (NOT p.machine AND p.has_commits) GROUP BY b.change;

-- Failures: what a rollback takes back, what brought a change that is reverted soon, what a hotfix follows soon, and incidents.
CREATE TEMP TABLE undone AS SELECT b.n, (SELECT min(d.n) FROM successes d JOIN placed q ON q.pr = (SELECT o.pr FROM prs o WHERE o.repository = p.repository AND o.status = 'completed'
        AND o.pr <> p.pr AND o.closed <= p.closed AND p.title = 'revert "' || o.title || '"' ORDER BY o.closed DESC LIMIT 1)
        WHERE (d.service, d.repository) = (s.service, q.repository) AND d.place >= q.place AND d.at >= q.merged) AS of
    FROM brought b JOIN successes s USING (n) JOIN prs p ON p.pr = b.pr AND p.is_revert;
CREATE TEMP TABLE marked AS SELECT s.*, EXISTS (SELECT 1 FROM brought b JOIN prs p USING (pr) WHERE b.n = s.n AND is_hotfix AND NOT is_revert)
        OR replace(coalesce(s.branch, ''), 'refs/heads/', '') LIKE 'hotfix/%' AS hotfix, EXISTS (SELECT 1 FROM undone u WHERE u.n = s.n AND coalesce(u.of, 0) < s.n) AS reverts,
    run_before IS NOT NULL AND NOT coalesce(sha = sha_before OR run = run_before, 0) AND coalesce(place < (SELECT b.place FROM successes b WHERE b.n = s.n - 1 AND b.repository = s.repository),
        (kind = 'release' AND run < run_before) OR EXISTS (SELECT 1 FROM successes b WHERE (b.service, b.sha) = (s.service, s.sha) AND b.n < s.n)) AS rollback FROM successes s;
CREATE TEMP TABLE incidents AS SELECT project, number, area, created_at AS created, resolved_at AS resolved FROM work_items w WHERE kind = 'Incident' OR EXISTS (
    SELECT 1 FROM json_each(w.tags) WHERE lower(value) IN ('incident', 'outage'));
CREATE TEMP TABLE hanging AS SELECT DISTINCT i.project, i.number, i.created, s.n, s.at FROM incidents i
    JOIN work_item_links l ON (l.project, l.item) = (i.project, i.number) JOIN successes s ON (l.target_kind = 'build' AND s.kind = 'pipeline' AND s.project = i.project AND s.run = l.target)
        OR (l.target_kind <> 'build' AND EXISTS (SELECT 1 FROM brought b LEFT JOIN prs p USING (pr) LEFT JOIN tips t ON (t.repository, t.place) = (b.repository, b.place) WHERE b.n = s.n
            AND ((l.target_kind = 'pull_request' AND l.repository = b.repository AND l.target = p.number) OR (l.target_kind = 'commit' AND l.target = coalesce(p.merge, t.sha)))))
        OR (l.target_kind = 'commit' AND s.sha = l.target AND s.at = (SELECT min(x.at) FROM successes x WHERE x.sha = l.target));
CREATE TEMP TABLE failed AS SELECT b.n, r.at AS since, NULL AS incident FROM marked r JOIN successes b ON b.service = r.service AND b.n < r.n WHERE r.rollback
        AND (b.n = r.n - 1 OR b.n > (SELECT coalesce(max(k.n) FILTER (WHERE k.sha = r.sha OR (k.place <= r.place AND k.repository = r.repository)), max(k.n) FILTER (WHERE k.kind = 'release' AND
            k.run <= r.run), max(k.n) FILTER (WHERE k.kind <> 'release' AND NOT coalesce(k.place > r.place AND k.repository = r.repository, 0)), 0)
            FROM successes k WHERE k.service = r.service AND k.n < r.n))
    UNION SELECT b.n, r.at, NULL FROM marked r LEFT JOIN undone u USING (n) JOIN successes b ON b.service = r.service AND ((b.n = r.n - 1 AND r.hotfix AND r.sha IS NOT r.sha_before)
        OR (b.n = coalesce(u.of, r.n - 1) AND b.n < r.n AND r.reverts AND u.n IS NOT NULL)) WHERE NOT r.rollback AND r.at - b.at <= 86400000
    UNION SELECT n, created, number FROM hanging WHERE at <= created
    UNION SELECT n, created, number FROM (SELECT s.n, s.at, i.number, i.created, row_number() OVER (PARTITION BY i.project, i.number ORDER BY s.at DESC) AS k
        FROM incidents i JOIN successes s ON s.project = i.project AND s.at <= i.created JOIN repositories r ON r.id = s.repository WHERE (i.area LIKE '%\' || r.name OR instr(i.area, '\') = 0)
        AND NOT EXISTS (SELECT 1 FROM hanging h WHERE (h.project, h.number) = (i.project, i.number) AND h.at <= h.created)) WHERE k = 1 AND created - at <= 259200000;
-- Mended by the service's next success that did not fail, of a commit that did not, or when all its incidents were; else open for its age.
CREATE TEMP TABLE mended AS SELECT at, min(coalesce((SELECT min(d.at) FROM successes d WHERE d.service = b.service AND d.n > b.n AND d.at >= since
        AND d.n NOT IN (SELECT n FROM failed) AND coalesce(d.sha, '') NOT IN (SELECT coalesce(x.sha, '-') FROM failed JOIN successes x USING (n) WHERE x.service = b.service)), 1e15), resolved) AS v
    FROM (SELECT s.n, s.service, s.at, min(since) AS since, CASE WHEN count(x.incident) = count(i.resolved) THEN coalesce(max(i.resolved), 1e15) ELSE 1e15 END AS resolved
    FROM failed x JOIN successes s USING (n) LEFT JOIN incidents i ON (i.project, i.number) = (s.project, x.incident), asked WHERE s.at >= f AND s.at < t GROUP BY s.n) b;
CREATE TEMP TABLE cases AS SELECT row_number() OVER (ORDER BY min(m.v, now) - at, m.v > 1e14) AS i, min(m.v, now) - at AS v, m.v > 1e14 AS open, count(*) OVER () AS c FROM mended m, asked;
CREATE TEMP TABLE told AS SELECT project FROM incidents UNION SELECT project FROM marked WHERE rollback OR hotfix OR reverts;

-- The figures: a name, how many, the median in milliseconds or the count that is asked about, and the 85th percentile.
CREATE TEMP TABLE done AS SELECT *, CASE WHEN NOT undated THEN review END AS first FROM ready, asked WHERE status = 'completed' AND NOT machine AND closed >= f AND closed < t;
CREATE TEMP TABLE samples AS SELECT metric, v FROM (SELECT 'lead_time' AS metric, v, 1 AS own FROM lead, asked WHERE at >= f AND at < t UNION ALL
    SELECT 'cycle_time', closed - ready, NOT is_revert AND has_threads FROM done UNION ALL
    SELECT 'coding', created - min(authored, created), NOT is_revert AND has_commits AND created - authored <= 7776000000 FROM done UNION ALL
    SELECT 'draft', ready - created, NOT is_revert AND ready <> created FROM done UNION ALL SELECT 'pickup', first - ready, NOT is_revert AND has_threads FROM done UNION ALL
    SELECT 'review', approved - first, NOT is_revert AND has_threads FROM done UNION ALL SELECT 'merge wait', closed - approved, NOT is_revert AND first IS NOT NULL FROM done UNION ALL
    SELECT 'deploy wait', at - closed, 1 FROM done JOIN lead USING (pr) UNION ALL SELECT 'recovery_time', v, NOT (SELECT max(open) FROM cases) FROM cases) WHERE own AND v >= 0;
CREATE TEMP TABLE figures AS SELECT metric, c AS n, avg(v) FILTER (WHERE i IN ((c + 1) / 2, (c + 2) / 2)) AS value, sum(v * max(0, 1 - abs(0.85 * (c - 1) - (i - 1)))) AS p85
    FROM (SELECT metric, v, row_number() OVER (PARTITION BY metric ORDER BY v) AS i, count(*) OVER (PARTITION BY metric) AS c FROM samples) GROUP BY metric
    UNION ALL SELECT 'deployment_frequency', count(*), count(*), NULL FROM successes, asked WHERE at >= f AND at < t
    UNION ALL SELECT 'pipeline_reliability', count(*), sum(o = 'F'), NULL FROM parts, asked WHERE o IS NOT NULL AND at >= f AND at < t
    UNION ALL SELECT 'change_fail_rate', count(*), sum(n IN (SELECT n FROM failed)), NULL FROM successes, asked
        WHERE at >= f AND at < t AND now - at >= 259200000 AND project IN (SELECT project FROM told)
    UNION ALL SELECT 'rework_rate', count(*), sum(rollback OR hotfix OR reverts OR n IN (SELECT n FROM hanging WHERE at > created)), NULL
        FROM marked, asked WHERE at >= f AND at < t AND project IN (SELECT project FROM told)
    UNION ALL SELECT 'throughput', count(*), count(*), NULL FROM done
    UNION ALL SELECT 'merged_without_review', count(*), sum(review IS NULL AND NOT undated), NULL FROM done WHERE has_threads
    UNION ALL SELECT 'work_in_progress', count(*), count(*), NULL FROM ready, asked WHERE NOT machine AND created < t AND (closed IS NULL OR status = 'active' OR closed >= t)
    UNION ALL SELECT 'recovery_time', count(*), CASE WHEN c > 4 THEN (WITH RECURSIVE walk (i, share, v) AS (SELECT 0, 1.0, NULL UNION ALL SELECT n.i, share * (n.open + (1 - n.open) * (n.c - n.i) / (n.c - n.i + 1.0)), n.v
        FROM walk w JOIN cases n ON n.i = w.i + 1) SELECT min(v) FROM walk WHERE share <= 0.5 + 1e-12) END, NULL FROM cases HAVING max(open);
