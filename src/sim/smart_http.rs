//! Git's smart HTTP: clone, fetch and push of the simulated repositories with an ordinary `git`.
//!
//! The protocol is git's own: `git upload-pack` and `git receive-pack` with `--stateless-rpc`, one process a request.
//! Who may come in is checked before; here is what a push may touch. Limits: needs `git` on the PATH; no dumb HTTP, no
//! LFS, no signed pushes; a push that touches one protected branch is refused as a whole.

mod pkt;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::process::Stdio;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use futures_util::{Stream, StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use uuid::Uuid;

use super::auth::Caller;
use super::deed;
use super::git::{GitError, Repo, ZERO_ID};
use super::host::{Sim, blocking};
use super::world::{Permission, World};

/// A gzipped request is inflated in memory; git gzips only its lists of wants and haves.
const LARGEST_INFLATED: u64 = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    UploadPack,
    ReceivePack,
}

impl Service {
    fn named(name: &str) -> Option<Service> {
        match name {
            "git-upload-pack" => Some(Service::UploadPack),
            "git-receive-pack" => Some(Service::ReceivePack),
            _ => None,
        }
    }

    fn command(self) -> &'static str {
        match self {
            Service::UploadPack => "upload-pack",
            Service::ReceivePack => "receive-pack",
        }
    }
}

/// Whether a push may rewrite or delete branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Force {
    Allowed,
    Denied,
}

impl Force {
    /// As git's settings say it.
    fn denied(self) -> &'static str {
        match self {
            Force::Allowed => "false",
            Force::Denied => "true",
        }
    }
}

/// Answers one request; `tail` is the path below the repository. The caller may do what the service needs.
pub async fn handle(sim: Sim, repository: Uuid, tail: &str, caller: Caller, request: Request<Body>) -> Response<Body> {
    let repo = match sim.read().await.repository(repository) {
        Some(row) => sim.git(row),
        None => return text(StatusCode::NOT_FOUND, "no such repository"),
    };
    // Reading and writing an empty repository both want it to be there.
    let created = repo.clone();
    if let Err(failure) = blocking(move || created.ensure()).await {
        return text(StatusCode::INTERNAL_SERVER_ERROR, &failure.message);
    }
    let query = request.uri().query().unwrap_or_default();
    let asked = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "service").map(|(_, value)| value.into_owned());
    let service = match tail {
        "info/refs" => asked.as_deref().and_then(Service::named),
        other => Service::named(other),
    };
    match (request.method(), tail, service) {
        (&Method::GET, "info/refs", Some(service)) => advertise(&repo, service, request.headers()).await,
        (&Method::GET, "info/refs", None) => text(StatusCode::FORBIDDEN, "only smart HTTP is spoken here"),
        (&Method::POST, _, Some(Service::UploadPack)) => upload(&repo, request).await,
        (&Method::POST, _, Some(Service::ReceivePack)) => {
            // Its own task: a client that hangs up must not keep a push that happened from being noticed.
            let work = tokio::spawn(receive(sim, repository, repo, caller, request));
            match work.await {
                Ok(answer) => answer,
                Err(broken) => text(StatusCode::INTERNAL_SERVER_ERROR, &broken.to_string()),
            }
        }
        _ => text(StatusCode::NOT_FOUND, "no such git service"),
    }
}

async fn advertise(repo: &Repo, service: Service, headers: &HeaderMap) -> Response<Body> {
    let mut command = git(service, headers, Force::Allowed);
    command.arg("--advertise-refs").arg(repo.path());
    let output = match command.stdin(Stdio::null()).output().await {
        Ok(output) if output.status.success() => output.stdout,
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            return text(StatusCode::INTERNAL_SERVER_ERROR, &words);
        }
        Err(error) => return no_git(&error),
    };
    let mut body = Vec::new();
    if !protocol(headers).is_some_and(|wanted| wanted.contains("version=2")) {
        pkt::line(&mut body, format!("# service=git-{}\n", service.command()).as_bytes());
        body.extend_from_slice(pkt::FLUSH);
    }
    body.extend_from_slice(&output);
    answer(service, "advertisement", Body::from(body))
}

async fn upload(repo: &Repo, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let mut command = git(Service::UploadPack, &head.headers, Force::Allowed);
    command.arg(repo.path());
    let (child, stdin) = match start(command) {
        Ok(started) => started,
        Err(error) => return no_git(&error),
    };
    let input = match inflated(&head.headers, body).await {
        Ok(input) => input,
        Err(reason) => return text(StatusCode::BAD_REQUEST, &reason),
    };
    tokio::spawn(feed(stdin, Bytes::new(), input));
    answer(Service::UploadPack, "result", Body::from_stream(output(child).fuse()))
}

/// What the child says, as it says it; dropping the stream kills the child.
fn output(mut child: Child) -> impl Stream<Item = std::io::Result<Bytes>> {
    let stdout = child.stdout.take();
    stream::unfold((child, stdout), |(mut child, stdout)| async move {
        let mut stdout = stdout?;
        let mut part = vec![0; 64 << 10];
        match stdout.read(&mut part).await {
            Ok(0) => {
                // Reaps it; a refusal is in what it said already.
                let _ = child.wait().await;
                None
            }
            Ok(count) => {
                part.truncate(count);
                Some((Ok(Bytes::from(part)), (child, Some(stdout))))
            }
            Err(error) => Some((Err(error), (child, None))),
        }
    })
}

async fn receive(sim: Sim, repository: Uuid, repo: Repo, caller: Caller, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let mut input = match inflated(&head.headers, body).await {
        Ok(input) => input,
        Err(reason) => return text(StatusCode::BAD_REQUEST, &reason),
    };
    let mut read = Vec::new();
    let commands = loop {
        match pkt::commands(&read) {
            pkt::Parsed::Whole(commands) => break commands,
            pkt::Parsed::Broken => return text(StatusCode::BAD_REQUEST, "not a push"),
            pkt::Parsed::Unfinished => match input.next().await {
                Some(Ok(part)) => read.extend_from_slice(&part),
                Some(Err(_)) | None => return text(StatusCode::BAD_REQUEST, "the push broke off"),
            },
        }
    };
    let (refused, force) = {
        let world = sim.read().await;
        let place = world.repository(repository);
        let may_force = place.is_some_and(|place| place.permits(caller.user.id, Permission::ForcePush));
        let force = if may_force { Force::Allowed } else { Force::Denied };
        (refusals(&world, repository, &caller, &commands), force)
    };
    if refused.iter().any(Option::is_some) {
        // The client sends its pack before it reads: let it finish.
        while let Some(Ok(_)) = input.next().await {}
        let body = pkt::report(&commands, &refused);
        return answer(Service::ReceivePack, "result", Body::from(body));
    }
    let mut command = git(Service::ReceivePack, &head.headers, force);
    command.arg(repo.path());
    let (child, stdin) = match start(command) {
        Ok(started) => started,
        Err(error) => return no_git(&error),
    };
    tokio::spawn(feed(stdin, Bytes::from(read), input));
    let said = match child.wait_with_output().await {
        Ok(output) => output.stdout,
        Err(error) => return no_git(&error),
    };
    let asked = commands.rows.clone();
    let moved = blocking(move || {
        let mut moved = Vec::new();
        for row in asked {
            let now = repo.find_ref(&row.name)?.map(|found| found.object_id);
            if now.as_deref().unwrap_or(ZERO_ID) == row.new && row.old != row.new {
                moved.push(row);
            }
        }
        Ok::<_, GitError>(moved)
    })
    .await;
    match moved {
        Ok(moved) if moved.is_empty() => {}
        Ok(moved) => {
            if let Err(failure) = deed::refs_moved(&sim, caller.user.id, repository, moved).await {
                tracing::error!(%failure, "a push could not be recorded");
            }
        }
        Err(failure) => tracing::error!(%failure, "a push could not be looked at"),
    }
    answer(Service::ReceivePack, "result", Body::from(said))
}

/// Why each ref may not be touched, in the order of the commands.
fn refusals(world: &World, repository: Uuid, caller: &Caller, commands: &pkt::Commands) -> Vec<Option<String>> {
    let Some(place) = world.repository(repository) else {
        return vec![Some("TF401019: the repository is gone".to_owned()); commands.rows.len()];
    };
    let user = caller.user.id;
    commands
        .rows
        .iter()
        .map(|row| {
            let needed = if row.old == ZERO_ID { Permission::CreateBranch } else { Permission::GenericContribute };
            let locked_by = place.refs.get(&row.name).and_then(|facts| facts.locked_by);
            if !place.permits(user, needed) {
                Some(format!("TF401027: You need the Git '{}' permission to perform this action.", needed.name()))
            } else if locked_by.is_some_and(|owner| owner != user) {
                Some("TF401030: The branch is locked by another user.".to_owned())
            } else if row.old != ZERO_ID && world.protects(repository, &row.name) {
                Some("TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.".to_owned())
            } else {
                None
            }
        })
        .collect()
}

fn git(service: Service, headers: &HeaderMap, force: Force) -> Command {
    let mut command = Command::new("git");
    command.arg(service.command()).arg("--stateless-rpc");
    // What the person who runs the simulator has set up for their own work must not reach it.
    for name in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_NAMESPACE",
        "GIT_CONFIG_PARAMETERS",
    ] {
        command.env_remove(name);
    }
    let settings = [
        ("safe.directory", "*"),
        ("receive.autogc", "false"),
        ("uploadpack.allowFilter", "true"),
        ("receive.denyDeleteCurrent", "ignore"),
        ("receive.denyNonFastForwards", force.denied()),
        ("receive.denyDeletes", force.denied()),
    ];
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (at, (name, value)) in settings.into_iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{at}"), name);
        command.env(format!("GIT_CONFIG_VALUE_{at}"), value);
    }
    let nowhere: &OsStr = OsStr::new(if cfg!(windows) { "NUL" } else { "/dev/null" });
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", nowhere).env("LC_ALL", "C").kill_on_drop(true);
    match protocol(headers) {
        Some(wanted) => command.env("GIT_PROTOCOL", wanted),
        None => command.env_remove("GIT_PROTOCOL"),
    };
    command
}

fn protocol(headers: &HeaderMap) -> Option<&str> {
    headers.get("git-protocol").and_then(|value| value.to_str().ok())
}

fn start(mut command: Command) -> std::io::Result<(Child, Option<ChildStdin>)> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let stdin = child.stdin.take();
    Ok((child, stdin))
}

/// Copies the request into the child; a body that breaks off closes its input early, and git refuses what it has.
async fn feed(stdin: Option<ChildStdin>, first: Bytes, mut rest: Input) {
    let Some(mut stdin) = stdin else { return };
    if stdin.write_all(&first).await.is_err() {
        return;
    }
    while let Some(Ok(part)) = rest.next().await {
        if stdin.write_all(&part).await.is_err() {
            return;
        }
    }
    // An error here is the child's having ended, which its output tells.
    let _ = stdin.shutdown().await;
}

type Input = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, axum::Error>> + Send>>;

async fn inflated(headers: &HeaderMap, body: Body) -> Result<Input, String> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
    match encoding {
        None | Some(b"identity") => Ok(Box::pin(body.into_data_stream())),
        Some(b"gzip" | b"x-gzip") => {
            let packed = axum::body::to_bytes(body, LARGEST_INFLATED as usize).await.map_err(|error| error.to_string())?;
            let mut plain = Vec::new();
            let mut reader = std::io::Read::take(flate2::read::MultiGzDecoder::new(&packed[..]), LARGEST_INFLATED);
            std::io::Read::read_to_end(&mut reader, &mut plain).map_err(|error| error.to_string())?;
            Ok(Box::pin(stream::once(async move { Ok(Bytes::from(plain)) })))
        }
        Some(other) => Err(format!("cannot read content encoding {}", String::from_utf8_lossy(other))),
    }
}

fn answer(service: Service, kind: &str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    let content_type = format!("application/x-git-{}-{kind}", service.command());
    if let Ok(value) = HeaderValue::from_str(&content_type) {
        answer.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0, must-revalidate"));
    answer
}

fn text(status: StatusCode, words: &str) -> Response<Body> {
    let mut answer = Response::new(Body::from(format!("{words}\n")));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

fn no_git(error: &std::io::Error) -> Response<Body> {
    let words = format!("cannot run git ({error}); cloning from the simulator needs git on its PATH");
    text(StatusCode::INTERNAL_SERVER_ERROR, &words)
}
