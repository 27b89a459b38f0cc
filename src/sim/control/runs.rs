//! Pipelines, classic releases and work items from behind the scene, and who may see what of them.
//!
//! A definition is named by its name or id. The same over HTTP: `POST /_sim/{verb}` as in [`super::wire`], with these verbs.
//!
//! | verb | body | does |
//! |---|---|---|
//! | `queueBuild` | `definition, as[, branch, commit, pullRequest]` | queues a run; answers `build` |
//! | `startBuild` | `build` | |
//! | `beginStage` | `build, stage` | begins a stage, or tries it again; waits if it has approvers or checks |
//! | `askFor` | `definition, stage, approvers, checks[, needed, inSequence]` | whom a stage of later runs asks, people and teams (`[Harbor]\Tides`), and what else it checks: `ExclusiveLock` or a name |
//! | `decideStage` | `build, stage, as, decision` | `approve` or `reject`, for oneself or a team that one is in; then the stage begins or ends if that is enough |
//! | `decideCheck` | `build, stage, check, decision` | the same of a check |
//! | `endStage` | `build, stage, result` | `succeeded`, `succeededWithIssues`, `failed`, `canceled`, `skipped`, `abandoned` |
//! | `finishBuild` | `build, result` | `succeeded`, `partiallySucceeded`, `failed`, `canceled`; stages not reached are skipped |
//! | `deploy` | `definition, as, stages[, branch, commit]` | a whole run at once: `stages` is a list of `[stage, result]`; answers `build` |
//! | `forgetTimeline` | `build` | as retention does: 404 from now on |
//! | `deployRelease` | `definition, build, environment, as, status` | a classic deployment; answers `deployment` |
//! | `askRelease` | `definition, build, environment, as` | a classic deployment that waits for its approvers; answers `deployment` |
//! | `decideRelease` | `deployment, as, decision` | |
//! | `finishDeployment` | `deployment, status` | of one that was `inProgress` |
//! | `createWorkItem` | `project, kind, title, as[, tags]` | answers `workItem` |
//! | `updateWorkItem` | `workItem, as[, title, state, tags]` | |
//! | `linkWorkItem` | `workItem, as` and `pullRequest`, `build`, or `repository, commit` | |
//! | `hideBuilds`, `showBuilds` | `project, as` | the permission "View builds" |
//! | `switchOff`, `switchOn` | `service` | `boards`, `pipelines`, `classicReleases` |
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Control, full};
use crate::sim::deed::{self, Decision, Link, NewRun, WorkItemChange};
use crate::sim::reply::Failure;
use crate::sim::world::{
    ApprovalOrder, ApprovalTerms, BuildResult, CheckKind, DeploymentStatus, RecordResult, Service, TimelineState, User, World,
};

/// The verbs of this file.
pub(super) const VERBS: [&str; 21] = [
    "queueBuild",
    "startBuild",
    "beginStage",
    "askFor",
    "decideStage",
    "decideCheck",
    "endStage",
    "finishBuild",
    "deploy",
    "forgetTimeline",
    "deployRelease",
    "askRelease",
    "decideRelease",
    "finishDeployment",
    "createWorkItem",
    "updateWorkItem",
    "linkWorkItem",
    "hideBuilds",
    "showBuilds",
    "switchOff",
    "switchOn",
];

#[derive(Debug, Deserialize)]
#[serde(tag = "verb", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum Verb {
    QueueBuild {
        definition: Named,
        r#as: String,
        branch: Option<String>,
        commit: Option<String>,
        pull_request: Option<i32>,
    },
    StartBuild {
        build: i32,
    },
    BeginStage {
        build: i32,
        stage: String,
    },
    AskFor {
        definition: Named,
        stage: String,
        #[serde(default)]
        approvers: Vec<String>,
        #[serde(default)]
        checks: Vec<String>,
        needed: Option<usize>,
        #[serde(default)]
        in_sequence: bool,
    },
    DecideCheck {
        build: i32,
        stage: String,
        check: String,
        decision: Answered,
    },
    DecideStage {
        build: i32,
        stage: String,
        r#as: String,
        decision: Answered,
    },
    EndStage {
        build: i32,
        stage: String,
        result: RecordResult,
    },
    FinishBuild {
        build: i32,
        result: BuildResult,
    },
    Deploy {
        definition: Named,
        r#as: String,
        stages: Vec<(String, RecordResult)>,
        branch: Option<String>,
        commit: Option<String>,
    },
    ForgetTimeline {
        build: i32,
    },
    DeployRelease {
        definition: Named,
        build: i32,
        environment: String,
        r#as: String,
        status: DeploymentStatus,
    },
    AskRelease {
        definition: Named,
        build: i32,
        environment: String,
        r#as: String,
    },
    DecideRelease {
        deployment: i32,
        r#as: String,
        decision: Answered,
    },
    FinishDeployment {
        deployment: i32,
        status: DeploymentStatus,
    },
    CreateWorkItem {
        project: String,
        kind: String,
        title: String,
        r#as: String,
        #[serde(default)]
        tags: Vec<String>,
    },
    UpdateWorkItem {
        work_item: i32,
        r#as: String,
        title: Option<String>,
        state: Option<String>,
        tags: Option<Vec<String>>,
    },
    LinkWorkItem {
        work_item: i32,
        r#as: String,
        pull_request: Option<i32>,
        build: Option<i32>,
        repository: Option<String>,
        commit: Option<String>,
    },
    HideBuilds {
        project: String,
        r#as: String,
    },
    ShowBuilds {
        project: String,
        r#as: String,
    },
    SwitchOff {
        service: Service,
    },
    SwitchOn {
        service: Service,
    },
}

/// By name or number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Named {
    Number(i32),
    Name(String),
}

impl Named {
    fn text(&self) -> String {
        match self {
            Named::Number(id) => id.to_string(),
            Named::Name(name) => name.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answered {
    Approve,
    Reject,
}

impl From<Answered> for Decision {
    fn from(answered: Answered) -> Self {
        match answered {
            Answered::Approve => Decision::Approve,
            Answered::Reject => Decision::Reject,
        }
    }
}

impl Control {
    /// Queues a run of a definition's default branch, of another branch, or of one commit; answers its id.
    pub async fn queue_build(&self, definition: &str, who: &str, (branch, commit): (Option<&str>, Option<&str>)) -> Result<i32, Failure> {
        let new = NewRun { ref_name: branch.map(full), commit: commit.map(str::to_owned), ..NewRun::default() };
        self.queue(definition, who, new).await
    }

    /// Queues the run that checks the merge of a pull request; answers its id.
    pub async fn queue_check(&self, definition: &str, who: &str, pull_request: i32) -> Result<i32, Failure> {
        self.queue(definition, who, NewRun { pull_request: Some(pull_request), ..NewRun::default() }).await
    }

    async fn queue(&self, definition: &str, who: &str, new: NewRun) -> Result<i32, Failure> {
        let person = self.person(who).await?;
        let definition = self.definition(definition).await?;
        deed::queue_run(&self.sim, person, NewRun { definition, ..new }).await
    }

    pub async fn start_build(&self, build: i32) -> Result<(), Failure> {
        deed::start_run(&self.sim, build).await
    }

    /// Begins a stage, or tries it again.
    pub async fn begin_stage(&self, build: i32, stage: &str) -> Result<(), Failure> {
        deed::begin_stage(&self.sim, build, stage).await
    }

    /// Answers the approval that a stage waits for, as one of its approvers.
    pub async fn decide_stage(&self, build: i32, stage: &str, who: &str, decision: Decision) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::decide_stage(&self.sim, build, stage, person, decision).await
    }

    /// Ends a check that a stage waits for, by its name or `ExclusiveLock`.
    pub async fn decide_check(&self, build: i32, stage: &str, check: &str, decision: Decision) -> Result<(), Failure> {
        deed::decide_check(&self.sim, build, stage, check, decision).await
    }

    /// Whom a stage asks in later runs, people by their alias and teams as `[Harbor]\Tides`, and what else it checks.
    pub async fn ask_for(
        &self,
        definition: &str,
        stage: &str,
        approvers: &[&str],
        checks: &[&str],
        terms: ApprovalTerms,
    ) -> Result<(), Failure> {
        let id = self.definition(definition).await?;
        let mut asked = Vec::new();
        for approver in approvers {
            asked.push(match approver.strip_prefix('[').and_then(|rest| rest.split_once("]\\")) {
                Some((project, team)) => self.group_of_team(project, team).await?,
                None => self.person(approver).await?,
            });
        }
        let checks = checks.iter().map(|check| match CheckKind::named(check) {
            Some(kind) => (kind, None),
            None => (CheckKind::TaskCheck, Some((*check).to_owned())),
        });
        let checks: Vec<_> = checks.collect();
        let missing = || Failure::argument("stage", &format!("The definition has no stage called {stage}."));
        self.change_world(|world| {
            let row = world.definitions.get_mut(&id);
            let plan = row.and_then(|row| row.stages.iter_mut().find(|plan| plan.identifier.eq_ignore_ascii_case(stage)));
            let plan = plan.ok_or_else(missing)?;
            (plan.approvers, plan.terms, plan.checks) = (asked, terms, checks);
            Ok(())
        })
        .await
    }

    /// The group that a team is where somebody is asked for an approval.
    async fn group_of_team(&self, project: &str, team: &str) -> Result<Uuid, Failure> {
        let id = self.project(project).await?;
        self.change_world(|world| {
            let row = world.project_by_id(id).ok_or_else(|| Failure::no_project(project))?;
            let found = row.team(team).ok_or_else(|| Failure::argument("team", &format!("The project has no team called {team}.")))?;
            let group = Uuid::new_v5(&found.id, b"group");
            let name = format!("[{}]\\{}", row.name, found.name);
            let mut user = User::new(group, &name, &format!("vstfs:///Classification/TeamProject/{id}\\{}", found.name));
            user.is_container = true;
            if world.user(group).is_none() {
                world.users.push(user);
            }
            Ok(group)
        })
        .await
    }

    pub async fn end_stage(&self, build: i32, stage: &str, result: RecordResult) -> Result<(), Failure> {
        deed::end_stage(&self.sim, build, stage, result).await
    }

    pub async fn finish_build(&self, build: i32, result: BuildResult) -> Result<(), Failure> {
        deed::finish_run(&self.sim, build, result).await
    }

    /// A whole run at once, with these outcomes of its stages; the run fails if one of them does. Answers its id.
    pub async fn deploy(
        &self,
        definition: &str,
        who: &str,
        place: (Option<&str>, Option<&str>),
        stages: &[(&str, RecordResult)],
    ) -> Result<i32, Failure> {
        let build = self.queue_build(definition, who, place).await?;
        self.start_build(build).await?;
        for (stage, result) in stages {
            self.end_stage(build, stage, *result).await?;
        }
        let has = |wanted: RecordResult| stages.iter().any(|(_, result)| *result == wanted);
        let result = if has(RecordResult::Failed) {
            BuildResult::Failed
        } else if has(RecordResult::Canceled) {
            BuildResult::Canceled
        } else if has(RecordResult::SucceededWithIssues) {
            BuildResult::PartiallySucceeded
        } else {
            BuildResult::Succeeded
        };
        self.finish_build(build, result).await?;
        Ok(build)
    }

    /// Takes a build's timeline away, as retention does.
    pub async fn forget_timeline(&self, build: i32) -> Result<(), Failure> {
        let mut world = self.sim.write().await;
        let row = world.builds.get_mut(&build).ok_or_else(|| Failure::no_build(&build.to_string()))?;
        row.timeline = TimelineState::Gone;
        Ok(())
    }

    /// Deploys a build through a classic definition; answers the deployment's id.
    pub async fn deploy_release(
        &self,
        definition: &str,
        build: i32,
        environment: &str,
        who: &str,
        status: DeploymentStatus,
    ) -> Result<i32, Failure> {
        let person = self.person(who).await?;
        let id = self.release_definition(definition).await?;
        deed::deploy_release(&self.sim, person, (id, build), environment, status).await
    }

    /// Asks for a deployment through a classic definition, which waits for whoever has to approve it; answers its id.
    pub async fn ask_release(&self, definition: &str, build: i32, environment: &str, who: &str) -> Result<i32, Failure> {
        let person = self.person(who).await?;
        let id = self.release_definition(definition).await?;
        deed::ask_release(&self.sim, person, (id, build), environment).await
    }

    /// Answers the approval that a classic deployment waits for.
    pub async fn decide_release(&self, deployment: i32, who: &str, decision: Decision) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::decide_release(&self.sim, deployment, person, decision).await
    }

    async fn release_definition(&self, name: &str) -> Result<i32, Failure> {
        let world = self.sim.read().await;
        let found = world.release_definitions.values().find(|row| is_called(name, row.id, &row.name));
        Ok(found.ok_or_else(|| Failure::no_release_definition(name))?.id)
    }

    pub async fn finish_deployment(&self, deployment: i32, status: DeploymentStatus) -> Result<(), Failure> {
        deed::finish_deployment(&self.sim, deployment, status).await
    }

    /// Makes a work item of a kind (`Bug`, `User Story`) in the state `New`; answers its id.
    pub async fn create_work_item(&self, project: &str, (kind, title): (&str, &str), who: &str, tags: &[&str]) -> Result<i32, Failure> {
        let person = self.person(who).await?;
        let project = self.project(project).await?;
        deed::create_work_item(&self.sim, person, project, (kind, title), tags.iter().map(|tag| (*tag).to_owned()).collect()).await
    }

    pub async fn update_work_item(&self, id: i32, who: &str, change: WorkItemChange) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::update_work_item(&self.sim, person, id, change).await
    }

    pub async fn link_work_item(&self, id: i32, who: &str, to: Link) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::link_work_item(&self.sim, person, id, to).await
    }

    /// Takes the permission "View builds" in a project away from somebody.
    pub async fn hide_builds(&self, project: &str, who: &str) -> Result<(), Failure> {
        let (id, person) = (self.project(project).await?, self.person(who).await?);
        self.change_world(|world| {
            if let Some(row) = world.projects.iter_mut().find(|row| row.id == id && !row.builds_hidden_from.contains(&person)) {
                row.builds_hidden_from.push(person);
            }
        })
        .await;
        Ok(())
    }

    pub async fn show_builds(&self, project: &str, who: &str) -> Result<(), Failure> {
        let (id, person) = (self.project(project).await?, self.person(who).await?);
        self.change_world(|world| {
            for row in world.projects.iter_mut().filter(|row| row.id == id) {
                row.builds_hidden_from.retain(|known| *known != person);
            }
        })
        .await;
        Ok(())
    }

    /// Switches a part of the product off for the whole organisation.
    pub async fn switch_off(&self, service: Service) {
        self.change_world(|world| {
            if !world.organisation.switched_off.contains(&service) {
                world.organisation.switched_off.push(service);
            }
        })
        .await;
    }

    pub async fn switch_on(&self, service: Service) {
        self.change_world(|world| world.organisation.switched_off.retain(|known| *known != service)).await;
    }

    /// Changes anything at once, without any event: how a test makes a past.
    pub async fn change_world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut *self.sim.write().await)
    }

    async fn definition(&self, name: &str) -> Result<i32, Failure> {
        let world = self.sim.read().await;
        let found = world.definitions.values().find(|row| !row.is_deleted && is_called(name, row.id, &row.name));
        found.map(|row| row.id).ok_or_else(|| Failure::no_definition(name))
    }

    async fn project(&self, name: &str) -> Result<Uuid, Failure> {
        self.sim.read().await.project(name).map(|row| row.id).ok_or_else(|| Failure::no_project(name))
    }

    pub(super) async fn perform_run(&self, verb: Verb) -> Result<Value, Failure> {
        match verb {
            Verb::QueueBuild { definition, r#as, branch, commit, pull_request } => {
                let new = NewRun { ref_name: branch.as_deref().map(full), commit, pull_request, ..NewRun::default() };
                let build = self.queue(&definition.text(), &r#as, new).await?;
                return Ok(json!({ "build": build }));
            }
            Verb::StartBuild { build } => self.start_build(build).await?,
            Verb::BeginStage { build, stage } => self.begin_stage(build, &stage).await?,
            Verb::DecideStage { build, stage, r#as, decision } => {
                self.decide_stage(build, &stage, &r#as, decision.into()).await?;
            }
            Verb::DecideCheck { build, stage, check, decision } => self.decide_check(build, &stage, &check, decision.into()).await?,
            Verb::AskFor { definition, stage, approvers, checks, needed, in_sequence } => {
                let approvers: Vec<&str> = approvers.iter().map(String::as_str).collect();
                let checks: Vec<&str> = checks.iter().map(String::as_str).collect();
                let order = if in_sequence { ApprovalOrder::InSequence } else { ApprovalOrder::AnyOrder };
                let terms = ApprovalTerms { needed: needed.unwrap_or(ApprovalTerms::default().needed), order };
                self.ask_for(&definition.text(), &stage, &approvers, &checks, terms).await?;
            }
            Verb::EndStage { build, stage, result } => self.end_stage(build, &stage, result).await?,
            Verb::FinishBuild { build, result } => self.finish_build(build, result).await?,
            Verb::Deploy { definition, r#as, stages, branch, commit } => {
                let stages: Vec<_> = stages.iter().map(|(stage, result)| (stage.as_str(), *result)).collect();
                let build = self.deploy(&definition.text(), &r#as, (branch.as_deref(), commit.as_deref()), &stages).await?;
                return Ok(json!({ "build": build }));
            }
            Verb::ForgetTimeline { build } => self.forget_timeline(build).await?,
            Verb::DeployRelease { definition, build, environment, r#as, status } => {
                let id = self.deploy_release(&definition.text(), build, &environment, &r#as, status).await?;
                return Ok(json!({ "deployment": id }));
            }
            Verb::AskRelease { definition, build, environment, r#as } => {
                let id = self.ask_release(&definition.text(), build, &environment, &r#as).await?;
                return Ok(json!({ "deployment": id }));
            }
            Verb::DecideRelease { deployment, r#as, decision } => self.decide_release(deployment, &r#as, decision.into()).await?,
            Verb::FinishDeployment { deployment, status } => self.finish_deployment(deployment, status).await?,
            Verb::CreateWorkItem { project, kind, title, r#as, tags } => {
                let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                let id = self.create_work_item(&project, (&kind, &title), &r#as, &tags).await?;
                return Ok(json!({ "workItem": id }));
            }
            Verb::UpdateWorkItem { work_item, r#as, title, state, tags } => {
                self.update_work_item(work_item, &r#as, WorkItemChange { title, state, tags }).await?;
            }
            Verb::LinkWorkItem { work_item, r#as, pull_request, build, repository, commit } => {
                let to = match (pull_request, build, repository, commit) {
                    (Some(id), None, None, None) => Link::PullRequest(id),
                    (None, Some(id), None, None) => Link::Build(id),
                    (None, None, Some(repository), Some(commit)) => Link::Commit(self.repository(&repository).await?.id, commit),
                    _ => return Err(Failure::argument("body", "Say pullRequest, or build, or repository and commit.")),
                };
                self.link_work_item(work_item, &r#as, to).await?;
            }
            Verb::HideBuilds { project, r#as } => self.hide_builds(&project, &r#as).await?,
            Verb::ShowBuilds { project, r#as } => self.show_builds(&project, &r#as).await?,
            Verb::SwitchOff { service } => self.switch_off(service).await,
            Verb::SwitchOn { service } => self.switch_on(service).await,
        }
        Ok(json!({}))
    }
}

fn is_called(asked: &str, id: i32, name: &str) -> bool {
    name.eq_ignore_ascii_case(asked) || asked == id.to_string()
}
