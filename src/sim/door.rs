//! The front end: what happens to every request before and after its handler.
//!
//! Order: fault, latency, organisation, git or REST, token, route, budget, scope, version, body; then the standing headers.
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, Request, Response, StatusCode};
use uuid::Uuid;

use super::api::{self, Call, Query};
use super::auth::{self, Caller, Door};
use super::hooks::catalogue::Face;
use super::host::{Control, Sim};
use super::rate::{self, Verdict};
use super::reply::{self, Failure};
use super::route::{self, Found, Lost};
use super::site::percent_decode;
use super::world::Permission;
use super::{control, smart_http, version};

/// What the service takes in a push.
const BODY_LIMIT: usize = 25 * 1024 * 1024;

/// Who was recognised, for `X-VSS-UserData`.
#[derive(Debug, Clone)]
struct Recognised {
    id: Uuid,
    name: String,
}

/// Answers one request.
pub async fn handle(sim: Sim, request: Request<Body>) -> Response<Body> {
    if request.uri().path().starts_with("/_sim/") || request.uri().path() == "/_sim" {
        return match sim.control {
            Control::On => control::handle(sim, request).await,
            Control::Off => reply::no_controller(request.uri().path()),
        };
    }
    let _under_way = sim.traffic.arrive();
    let method = request.method().clone();
    let asked = request.uri().path_and_query().map_or_else(String::new, |path| path.as_str().to_owned());
    let worker = sim.clone();
    let mut response = sim
        .faults
        .around(&method, &asked, async move {
            if !worker.latency.is_zero() {
                tokio::time::sleep(worker.latency).await;
            }
            answer(worker, request).await
        })
        .await;
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        sim.traffic.refuse();
    }
    let named = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    if let Some(seconds) = named {
        sim.traffic.tell_to_wait(Duration::from_secs(seconds), Instant::now());
    }
    let known = response.extensions_mut().remove::<Recognised>();
    reply::finish(response, sim.session, sim.deployment, known.as_ref().map(|known| (known.id, known.name.as_str())))
}

async fn answer(sim: Sim, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if path.eq_ignore_ascii_case("/_signin") {
        return reply::page(StatusCode::OK, "Sign In", "<h1>Sign in</h1>");
    }
    if let Some(rest) = sim.site.strip_release(&path).map(str::to_owned) {
        let segments: Vec<&str> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
        return match segments.as_slice() {
            [apis, tail @ ..] if apis.eq_ignore_ascii_case("_apis") => rest_request(sim, (None, Face::Release), tail, request).await,
            [project, apis, tail @ ..] if apis.eq_ignore_ascii_case("_apis") => {
                rest_request(sim, (Some(project), Face::Release), tail, request).await
            }
            _ => reply::no_controller(&path),
        };
    }
    let face = if sim.site.version.is_services() { Face::Main } else { Face::Whole };
    let Some(rest) = sim.site.strip(&path).map(str::to_owned) else {
        return match sim.site.version.is_services() {
            true => reply::page(StatusCode::NOT_FOUND, "Azure DevOps Services", "404 - The resource cannot be found."),
            // What a Server says to an address without a collection.
            false => reply::no_controller(&path),
        };
    };
    let segments: Vec<&str> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
    let is = |segment: &&str, word: &str| segment.eq_ignore_ascii_case(word);
    match segments.as_slice() {
        [git, repository, tail @ ..] if is(git, "_git") => {
            // The project is left out where it is called as the repository.
            git_request(sim, repository, repository, tail, request).await
        }
        [project, git, repository, tail @ ..] if is(git, "_git") => git_request(sim, project, repository, tail, request).await,
        [apis, tail @ ..] if is(apis, "_apis") => rest_request(sim, (None, face), tail, request).await,
        [project, apis, tail @ ..] if is(apis, "_apis") => rest_request(sim, (Some(project), face), tail, request).await,
        _ => {
            let world = sim.read().await;
            match auth::identify(&world, &sim.site, request.headers(), Door::Rest) {
                Ok(_) if request.method() == Method::GET && segments.len() <= 1 => {
                    reply::page(StatusCode::OK, "Azure DevOps", "<h1>Projects</h1>")
                }
                Ok(_) => reply::no_controller(&path),
                Err(refusal) => *refusal,
            }
        }
    }
}

fn recognised(mut response: Response<Body>, caller: &Caller) -> Response<Body> {
    response.extensions_mut().insert(Recognised { id: caller.user.id, name: caller.user.unique_name.clone() });
    response
}

async fn git_request(sim: Sim, project: &str, repository: &str, tail: &[&str], request: Request<Body>) -> Response<Body> {
    let (project, name) = (percent_decode(project), percent_decode(repository));
    let (caller, id) = {
        let world = sim.read().await;
        let caller = match auth::identify(&world, &sim.site, request.headers(), Door::Git) {
            Ok(caller) => caller,
            Err(refusal) => return *refusal,
        };
        let writes =
            tail.last() == Some(&"git-receive-pack") || request.uri().query().is_some_and(|query| query.contains("git-receive-pack"));
        if caller.lacks(if writes { &["vso.code_write"] } else { &["vso.code"] }) {
            return auth::scope_missing(&sim.site);
        }
        let found =
            world.project(&project).filter(|project| project.is_visible_to(caller.user.id)).and_then(|project| {
                match Uuid::try_parse(&name) {
                    Ok(id) => world.repository(id).filter(|found| found.project == project.id),
                    Err(_) => world.repository_named(project.id, &name),
                }
            });
        let readable =
            found.filter(|found| !found.is_disabled && found.permits(caller.user.id, Permission::GenericRead)).map(|found| found.id);
        match readable {
            Some(id) => (caller, id),
            None => return recognised(Failure::no_repository(&name).into_response(), &caller),
        }
    };
    sim.traffic.count(&format!("{} _git/{}", request.method(), tail.join("/")));
    let verdict = sim.budgets.charge(caller.user.id, rate::GIT);
    let work = git_answer(sim, id, (tail, &caller), request);
    recognised(within_budget(verdict, work).await, &caller)
}

async fn git_answer(sim: Sim, id: Uuid, (tail, caller): (&[&str], &Caller), request: Request<Body>) -> Response<Body> {
    if tail.is_empty() {
        return reply::page(StatusCode::OK, "Files", "<h1>Files</h1>");
    }
    smart_http::handle(sim, id, &tail.join("/"), caller.clone(), request).await
}

/// Lets the request pass, now or later, and tells in the answer how the budget stands; or refuses it.
async fn within_budget(verdict: Verdict, work: impl Future<Output = Response<Body>>) -> Response<Body> {
    let (mut response, hint) = match verdict {
        Verdict::Free => return work.await,
        Verdict::Late { by, hint } => {
            tokio::time::sleep(by).await;
            (work.await, hint)
        }
        Verdict::Refused { hint } => (Failure::too_many_requests().into_response(), hint),
    };
    hint.write(&mut response, jiff::Timestamp::now().as_second());
    response
}

async fn rest_request(sim: Sim, place: (Option<&str>, Face), tail: &[&str], request: Request<Body>) -> Response<Body> {
    let caller = {
        let world = sim.read().await;
        match auth::identify(&world, &sim.site, request.headers(), Door::Rest) {
            Ok(caller) => caller,
            Err(refusal) => return *refusal,
        }
    };
    match routed(&sim, &caller, place, tail, request).await {
        Outcome::Answered(response) => recognised(response, &caller),
        Outcome::ScopeMissing => auth::scope_missing(&sim.site),
    }
}

enum Outcome {
    Answered(Response<Body>),
    /// Answered without saying who was recognised.
    ScopeMissing,
}

async fn routed(sim: &Sim, caller: &Caller, (project, face): (Option<&str>, Face), tail: &[&str], request: Request<Body>) -> Outcome {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    if method == Method::OPTIONS && tail.is_empty() && project.is_none() {
        sim.traffic.count("OPTIONS _apis");
        let answer = api::catalogue(sim.site.version, face);
        return Outcome::Answered(answer.into_response(&sim.site.version.released().to_string()));
    }
    let found = match route::find(&method, tail, project.is_some()) {
        Ok(found) if !route::is_at(found.resource.area, face, sim.site.version) => {
            return Outcome::Answered(reply::no_controller(&path));
        }
        Ok(found) if sim.read().await.organisation.lacks(found.resource.area) => {
            return Outcome::Answered(reply::no_controller(&path));
        }
        Ok(found) => found,
        Err(Lost::NoResource) => return Outcome::Answered(reply::no_controller(&path)),
        Err(Lost::NoMethod) => {
            return Outcome::Answered(Failure::method_not_allowed(method.as_str()).into_response());
        }
    };
    sim.traffic.count(&format!("{method} {}", found.resource.template));
    let verdict = sim.budgets.charge(caller.user.id, rate::cost(&method, found.resource.template));
    if caller.lacks(found.scopes) {
        return Outcome::ScopeMissing;
    }
    let work = handled(sim, caller, (project, face), found, request);
    Outcome::Answered(within_budget(verdict, work).await)
}

/// Answers a request that means something and may pass.
async fn handled(
    sim: &Sim,
    caller: &Caller,
    (project, face): (Option<&str>, Face),
    found: Found,
    request: Request<Body>,
) -> Response<Body> {
    let method = request.method().clone();
    let query = Query::parse(request.uri().query());
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    let asked = version::asked(query.get("api-version"), accept);
    let version = match version::negotiate(asked.as_deref(), &method, found.resource.maturity, sim.site.version) {
        Ok(version) => version,
        Err(refusal) => return *refusal,
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Failure::too_large().into_response();
    };
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = content_type.split(';').next().unwrap_or("").trim();
    let is_json = ["application/json", "application/json-patch+json", "text/json"].iter().any(|known| kind.eq_ignore_ascii_case(known));
    if !body.is_empty() && !is_json {
        return Failure::unsupported_media(content_type, method.as_str()).into_response();
    }
    let call = Call {
        sim: sim.clone(),
        caller: caller.clone(),
        operation: found.operation,
        face,
        project: project.map(percent_decode),
        captures: found.captures,
        query,
        headers: parts.headers,
        body,
    };
    match api::answer(&call).await {
        Ok(answer) => answer.into_response(&version.to_string()),
        Err(failure) => failure.into_response(),
    }
}
