//! The simulator through real HTTP, as a client that knows nothing of its insides sees it.
mod approvals;
mod builds;
mod control_runs;
mod front;
mod generated;
mod limits;
mod people;
mod pull_requests;
mod refs_and_pushes;
mod releases;
mod review;
mod state;
mod work_items;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::world::ZERO_ID;
use super::{Options, Running, ServerVersion, start};

/// A simulator and somebody who talks to it.
struct Stage {
    running: Running,
    http: reqwest::Client,
    token: String,
    version: &'static str,
}

/// An answer taken apart.
#[derive(Debug)]
struct Seen {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_str(self.text.trim_start_matches('\u{feff}'))
            .unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks the status and gives the body.
    #[track_caller]
    fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// Checks status and type key of a failure and gives its message.
    #[track_caller]
    fn refused(self, status: u16, type_key: &str) -> String {
        let body = self.expect(status);
        assert_eq!(body["typeKey"], type_key, "{body}");
        body["message"].as_str().unwrap().to_owned()
    }
}

fn http() -> reqwest::Client {
    // Err: another test has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl Stage {
    async fn with(options: Options) -> Stage {
        let version = match options.server_version {
            ServerVersion::Services => "7.1",
            ServerVersion::Server2022 => "7.0",
            ServerVersion::Server2020 => "6.0",
            ServerVersion::Server2019 => "5.0",
        };
        let running = start(options).await.unwrap();
        let token = running.token_of("alice").unwrap().to_owned();
        Stage { running, http: http(), token, version }
    }

    async fn new() -> Stage {
        Stage::with(Options::default()).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let version = if path.starts_with("policy/evaluations") || path.starts_with("graph/") {
            format!("{}-preview.1", self.version)
        } else {
            self.version.to_owned()
        };
        let base = self.running.organisation_url();
        let joint = if path.contains('?') { '&' } else { '?' };
        self.http
            .request(method, format!("{base}/{path}{joint}api-version={version}"))
            .basic_auth("", Some(&self.token))
            .header("X-TFS-FedAuthRedirect", "Suppress")
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Seen {
        let response = request.send().await.unwrap();
        Seen { status: response.status().as_u16(), headers: response.headers().clone(), text: response.text().await.unwrap() }
    }

    /// Somebody else with the same simulator.
    async fn as_user(&self, token: &str, method: Method, path: &str, body: Value) -> Seen {
        let request = self.request(method, path).basic_auth("", Some(token));
        // reqwest appends: the first Authorization header would win.
        let mut request = request.build().unwrap();
        request.headers_mut().remove("authorization");
        let request = reqwest::RequestBuilder::from_parts(self.http.clone(), request).basic_auth("", Some(token));
        self.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    async fn get(&self, path: &str) -> Seen {
        self.send(self.request(Method::GET, path)).await
    }

    /// Asks the host of release management.
    async fn at_release(&self, path: &str) -> Seen {
        let base = match self.running.organisation_url() {
            base if self.version == "7.1" => format!("{base}.vsrm"),
            base => base.to_owned(),
        };
        let joint = if path.contains('?') { '&' } else { '?' };
        let request = self.http.get(format!("{base}/{path}{joint}api-version={}", self.version));
        self.send(request.basic_auth("", Some(&self.token))).await
    }

    async fn post(&self, path: &str, body: Value) -> Seen {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> Seen {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    async fn put(&self, path: &str, body: Value) -> Seen {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    async fn delete(&self, path: &str) -> Seen {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// The identity id of a person.
    async fn person(&self, alias: &str) -> String {
        let found = self.get(&format!("_apis/identities?searchFilter=DirectoryAlias&filterValue={alias}")).await.expect(200);
        found["value"][0]["id"].as_str().unwrap().to_owned()
    }

    /// `_apis/git/repositories/...` of a repository by project and name.
    fn repository(project: &str, name: &str) -> String {
        format!("{project}/_apis/git/repositories/{name}")
    }

    /// The tip of a branch.
    async fn tip(&self, repository: &str, branch: &str) -> Option<String> {
        let found = self.get(&format!("{repository}/refs?filter=heads/{branch}")).await.expect(200);
        let name = format!("refs/heads/{branch}");
        found["value"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["name"] == name.as_str())
            .map(|row| row["objectId"].as_str().unwrap().to_owned())
    }

    /// Pushes one new file as one commit and gives the commit's id.
    async fn add_file(&self, repository: &str, branch: &str, old: &str, path: &str, text: &str) -> String {
        let push = one_file_push(branch, old, "add", path, text);
        let done = self.post(&format!("{repository}/pushes"), push).await.expect(201);
        done["refUpdates"][0]["newObjectId"].as_str().unwrap().to_owned()
    }

    /// A branch off `main` with one file of its own, and a pull request for it; gives the number.
    async fn open_pull_request(&self, repository: &str, branch: &str) -> i64 {
        let main = self.tip(repository, "main").await.unwrap();
        self.add_file(repository, branch, &main, &format!("/{branch}.md"), "text\n").await;
        let body = json!({
            "sourceRefName": format!("refs/heads/{branch}"),
            "targetRefName": "refs/heads/main",
            "title": format!("Add {branch}"),
        });
        let made = self.post(&format!("{repository}/pullrequests"), body).await.expect(201);
        made["pullRequestId"].as_i64().unwrap()
    }
}

fn one_file_push(branch: &str, old: &str, change: &str, path: &str, text: &str) -> Value {
    json!({
        "refUpdates": [{"name": format!("refs/heads/{branch}"), "oldObjectId": old}],
        "commits": [{
            "comment": format!("{change} {path}"),
            "changes": [{
                "changeType": change,
                "item": {"path": path},
                "newContent": {"content": text, "contentType": "rawtext"},
            }],
        }],
    })
}

/// A repository without policies that block alice.
const OPS: (&str, &str) = ("Harbor", "pilot-cli");
