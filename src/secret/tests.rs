//! The search for a token: its order, what stops it, what is passed over; keeping and forgetting.

use std::collections::HashMap;
use std::sync::Mutex;

use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::*;
use crate::notice::Explain;

const URL: &str = "https://dev.azure.com/lumen";

/// A keyring in memory.
#[derive(Default)]
struct Memory(Mutex<HashMap<String, String>>);

impl Ring for Memory {
    fn read(&self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, RingError> {
        Ok(self.0.lock().unwrap().get(account).map(|token| Zeroizing::new(token.clone().into_bytes())))
    }

    fn write(&self, account: &str, token: &SecretString) -> Result<(), RingError> {
        self.0.lock().unwrap().insert(account.to_owned(), token.expose_secret().to_owned());
        Ok(())
    }

    fn delete(&self, account: &str) -> Result<bool, RingError> {
        Ok(self.0.lock().unwrap().remove(account).is_some())
    }
}

/// A keyring that answers only when told to.
struct Locked(Mutex<std::sync::mpsc::Receiver<()>>);

impl Ring for Locked {
    fn read(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, RingError> {
        let _ = self.0.lock().unwrap().recv();
        Ok(None)
    }

    fn write(&self, _: &str, _: &SecretString) -> Result<(), RingError> {
        let _ = self.0.lock().unwrap().recv();
        Ok(())
    }

    fn delete(&self, _: &str) -> Result<bool, RingError> {
        let _ = self.0.lock().unwrap().recv();
        Ok(false)
    }
}

struct Setup {
    sources: TokenSources,
    folder: tempfile::TempDir,
}

fn setup() -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = TokenSources::file_only(folder.path().join("tokens"));
    sources.desktop = Some(Arc::new(Memory::default()));
    sources.kernel = Some(Arc::new(Memory::default()));
    Setup { sources, folder }
}

async fn token(sources: &TokenSources) -> (String, Source) {
    let found = find(sources, URL).await.unwrap();
    (found.credential.expose_secret().to_owned(), found.source)
}

async fn keep(sources: &TokenSources, text: &str, place: Place) -> Source {
    store(sources, URL, &given(text.as_bytes().to_vec()).unwrap(), place, None).await.unwrap()
}

#[tokio::test]
async fn the_strongest_source_that_has_a_token_wins() {
    let Setup { mut sources, folder: _folder } = setup();
    assert!(matches!(find(&sources, URL).await, Err(Error::NoToken { .. })));
    file::write(&sources.folder, URL, &SecretString::from("from-file")).unwrap();
    assert_eq!(token(&sources).await.0, "from-file");
    sources.kernel.as_ref().unwrap().write(URL, &SecretString::from("from-kernel")).unwrap();
    assert_eq!(token(&sources).await, ("from-kernel".to_owned(), Source::KernelKeyring));
    sources.desktop.as_ref().unwrap().write(URL, &SecretString::from("from-desktop")).unwrap();
    assert_eq!(token(&sources).await, ("from-desktop".to_owned(), Source::DesktopKeyring));
    sources = sources.environment(|name| (name == "AZURE_DEVOPS_EXT_PAT").then_some("from-extension"));
    assert_eq!(token(&sources).await, ("from-extension".to_owned(), Source::Environment("AZURE_DEVOPS_EXT_PAT")));
    sources = sources.environment(|name| Some(if name == "KANADO_PAT" { "from-kanado" } else { "from-extension" }));
    assert_eq!(token(&sources).await, ("from-kanado".to_owned(), Source::Environment("KANADO_PAT")));
    sources.command = Some("echo from-command-for $KANADO_ORGANISATION_URL | tr ' ' '-'".to_owned());
    assert_eq!(token(&sources).await, (format!("from-command-for-{URL}"), Source::Command));
}

#[tokio::test]
async fn a_command_that_fails_stops_the_search_and_shows_nothing_it_printed() {
    let Setup { mut sources, folder: _folder } = setup();
    keep(&sources, "stored", Place::File).await;
    sources.command = Some("echo canary-in-output; echo canary-in-errors >&2; exit 3".to_owned());
    let error = find(&sources, URL).await.unwrap_err();
    assert_eq!(error.to_string(), "the token command (token.command) failed with exit code 3");
    assert!(!format!("{error:?}").contains("canary"));
    sources.command = Some("echo two words".to_owned());
    let error = find(&sources, URL).await.unwrap_err();
    assert!(matches!(&error, Error::NotAToken { .. }) && !error.to_string().contains("two words"), "{error}");
    sources.command = Some("sleep 600".to_owned());
    sources.command_timeout = Duration::from_millis(50);
    assert!(find(&sources, URL).await.unwrap_err().to_string().contains("did not finish"));
}

#[tokio::test]
async fn a_keyring_that_never_answers_is_passed_over() {
    let Setup { mut sources, folder: _folder } = setup();
    let (_unlock, locked) = std::sync::mpsc::channel();
    sources.desktop = Some(Arc::new(Locked(Mutex::new(locked))));
    sources.keyring_timeout = Duration::from_millis(30);
    let kept = keep(&sources, "kept-in-file", Place::Best).await;
    assert!(matches!(kept, Source::File(_)));
    assert_eq!(token(&sources).await.0, "kept-in-file");
    assert!(matches!(forget(&sources, URL).await.unwrap().as_slice(), [Source::File(_)]));
    let error = find(&sources, URL).await.unwrap_err().to_string();
    assert!(error.contains("the desktop keyring: it did not answer in time"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_token_file_is_private_and_refused_when_it_is_not() {
    use std::os::unix::fs::PermissionsExt;
    let Setup { sources, folder: _folder } = setup();
    let Source::File(path) = keep(&sources, "in-a-file", Place::File).await else { panic!("not a file") };
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    for mode in [0o640, 0o604, 0o666] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = find(&sources, URL).await.unwrap_err();
        assert!(matches!(error, Error::FileTooOpen { .. }));
        assert!(error.hint().unwrap().starts_with("make it yours alone: chmod 600"));
    }
}

#[tokio::test]
async fn storing_in_one_place_leaves_no_copy_in_another() {
    let Setup { sources, folder } = setup();
    keep(&sources, "first", Place::File).await;
    keep(&sources, "second", Place::KernelKeyring).await;
    keep(&sources, "third", Place::Best).await;
    assert_eq!(token(&sources).await, ("third".to_owned(), Source::DesktopKeyring));
    assert_eq!(sources.kernel.as_ref().unwrap().read(URL).unwrap(), None);
    assert!(!file::path(&sources.folder, URL).exists());
    assert_eq!(forget(&sources, URL).await.unwrap(), [Source::DesktopKeyring]);
    assert_eq!(forget(&sources, URL).await.unwrap(), []);
    let left: Vec<_> = std::fs::read_dir(folder.path().join("tokens")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn each_organisation_has_its_own_token_whatever_the_case_of_its_address() {
    let Setup { sources, folder: _folder } = setup();
    keep(&sources, "for-lumen", Place::File).await;
    let other = "https://tfs.example.test/tfs/Default";
    store(&sources, other, &given(b"for-server".to_vec()).unwrap(), Place::File, None).await.unwrap();
    assert_eq!(find(&sources, "HTTPS://dev.azure.com/Lumen/").await.unwrap().credential.expose_secret(), "for-lumen");
    assert_eq!(find(&sources, other).await.unwrap().credential.expose_secret(), "for-server");
}

#[tokio::test]
async fn the_date_a_token_ends_is_kept_beside_it_until_it_is_replaced_or_forgotten() {
    let Setup { sources, folder: _folder } = setup();
    let date: Date = "2027-03-01".parse().unwrap();
    let found = given(b"dated".to_vec()).unwrap();
    store(&sources, URL, &found, Place::File, Some(date)).await.unwrap();
    assert_eq!(find(&sources, URL).await.unwrap().expires, Some(date));
    assert_eq!(days_left(date, "2027-02-26T23:00:00Z".parse().unwrap()), 3);
    assert_eq!(days_left(date, "2027-03-03T00:00:00Z".parse().unwrap()), -2);
    assert_eq!(days_left(date, "2025-12-31T00:00:00Z".parse().unwrap()), 425);
    store(&sources, URL, &found, Place::File, None).await.unwrap();
    assert_eq!(expires(&sources, URL), None);
}

#[tokio::test]
async fn every_source_says_what_it_has() {
    let Setup { mut sources, folder: _folder } = setup();
    keep(&sources, "eyJh.eyJi.sig", Place::KernelKeyring).await;
    sources.command = Some("exit 1".to_owned());
    let looked = super::sources(&sources, URL).await;
    let answers: Vec<Answer> = looked.into_iter().map(|look| look.answer).collect();
    assert!(matches!(&answers[0], Answer::Refused(why) if why.contains("exit code 1")));
    assert_eq!(answers[1..], [Answer::Nothing, Answer::Has(Kind::Bearer), Answer::Nothing]);
}

#[tokio::test]
async fn nothing_that_holds_a_token_shows_it() {
    let Setup { sources, folder: _folder } = setup();
    let found = given(b"canary-never-shown".to_vec()).unwrap();
    assert!(!format!("{found:?}").contains("canary"));
    let sources = sources.environment(|_| Some("canary-never-shown"));
    assert!(!format!("{:?}", sources.environment).contains("canary"));
    assert!(!format!("{:?}", find(&sources, URL).await).contains("canary"));
}

#[tokio::test]
async fn the_shared_account_has_sources_of_its_own_in_the_same_order() {
    let Setup { mut sources, folder: _folder } = setup();
    let service = async |sources: &TokenSources| {
        let found = find_service(sources, URL).await.unwrap();
        found.map(|found| (found.credential.expose_secret().to_owned(), found.source))
    };
    keep(&sources, "my-own", Place::File).await;
    sources = sources.environment(|name| (name == "KANADO_PAT").then_some("my-own"));
    assert_eq!(service(&sources).await, None, "a person's own token is not taken for it");
    let kept = store(&sources.of_service(), &service_slot(URL), &given(b"shared".to_vec()).unwrap(), Place::File, None).await.unwrap();
    assert_eq!(service(&sources).await, Some(("shared".to_owned(), kept)));
    sources = sources.environment(|name| Some(if name == SERVICE_VARIABLE { "shared-variable" } else { "my-own" }));
    assert_eq!(service(&sources).await, Some(("shared-variable".to_owned(), Source::Environment(SERVICE_VARIABLE))));
    sources.service.command = Some("echo for-$KANADO_ORGANISATION_URL".to_owned());
    assert_eq!(service(&sources).await, Some((format!("for-{URL}"), Source::ServiceCommand)));
    sources.command = Some("echo my-own-command".to_owned());
    assert_eq!(token(&sources).await, ("my-own-command".to_owned(), Source::Command));
}

#[tokio::test]
async fn a_shared_account_whose_command_fails_is_not_replaced_by_somebody_else() {
    let Setup { mut sources, folder: _folder } = setup();
    keep(&sources, "my-own", Place::File).await;
    sources.service.command = Some("exit 4".to_owned());
    let error = find_service(&sources, URL).await.unwrap_err();
    assert_eq!(error.to_string(), "the token command (service.command) failed with exit code 4");
}

#[tokio::test]
async fn forgetting_the_shared_token_leaves_the_own_one() {
    let Setup { sources, folder: _folder } = setup();
    keep(&sources, "my-own", Place::Best).await;
    let shared = given(b"shared".to_vec()).unwrap();
    store(&sources.of_service(), &service_slot(&format!("{URL}/")), &shared, Place::Best, None).await.unwrap();
    assert_eq!(token(&sources).await.0, "my-own");
    forget(&sources.of_service(), &service_slot(URL)).await.unwrap();
    assert!(find_service(&sources, URL).await.unwrap().is_none());
    assert_eq!(token(&sources).await.0, "my-own");
}
