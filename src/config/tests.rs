//! The configuration as a whole: the example, mistakes with their lines, what wins over what, edits.

use std::path::Path;

use super::*;

fn overrides() -> Overrides {
    Overrides {
        data_dir: Some("/data".into()),
        environment: Environment::from_iter([("LANG", "C.UTF-8"), ("HOME", "/home/me")]),
        ..Overrides::default()
    }
}

fn load(text: &str) -> Result<(Config, Vec<Notice>), Error> {
    Config::from_text(text, Path::new("/etc/kanado/config.toml"), &overrides())
}

fn problems(text: &str) -> Vec<String> {
    match load(text) {
        Err(Error::Invalid { problems, .. }) => problems.iter().map(|p| format!("{}:{} {}", p.line, p.column, p.text)).collect(),
        other => panic!("expected problems, got {other:?}"),
    }
}

#[test]
fn the_example_is_the_defaults() {
    let (example, notices) = load(EXAMPLE).unwrap();
    let (defaults, _) = load("").unwrap();
    assert_eq!(notices, []);
    assert_eq!(Config { origins: BTreeMap::new(), ..example }, Config { origins: BTreeMap::new(), ..defaults });
}

#[test]
fn the_example_names_every_setting_with_a_sentence_above_it() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    for setting in settings() {
        let (section, name) = setting.path.split_once('.').unwrap();
        let start = lines.iter().position(|line| *line == format!("[{section}]")).unwrap();
        let at = lines[start..].iter().position(|line| line.trim_start_matches("# ").starts_with(&format!("{name} = ")));
        let at = start + at.unwrap_or_else(|| panic!("{} is missing", setting.path));
        assert!(lines[start + 1..at].iter().all(|line| !line.starts_with('[')), "{} is in another section", setting.path);
        assert!(lines[at - 1].starts_with("# ") && lines[at - 1].ends_with('.'), "{} has no sentence", setting.path);
    }
}

#[test]
fn every_setting_left_out_of_the_example_can_be_uncommented() {
    let text: String = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(name, _)| !name.trim_matches('"').contains(' ')) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let (config, notices) = load(&text).unwrap();
    assert_eq!(notices, []);
    assert_eq!(config.network.ca_file.as_deref(), Some(Path::new("/home/me/certificates/company.pem")));
    assert_eq!(config.token.command.as_deref(), Some("pass show work/azure-devops"));
    assert_eq!(config.keys.bindings.len(), 3);
}

#[test]
fn what_is_shown_can_be_read_again() {
    let (config, _) = load("[board]\ncolumns = [{ name = \"A \\\"b\\\"\", statuses = [\"todo\", \"in_progress\"], wip_limit = 3 }, { name = \"Rest\", statuses = [\"pr_open\", \"merged\", \"done\"] }]\n[ui]\ntheme = \"light\"\n").unwrap();
    for setting in settings() {
        let Some(shown) = setting.show(&config) else { continue };
        let (section, name) = setting.path.split_once('.').unwrap();
        let (again, notices) = load(&format!("[{section}]\n{name} = {shown}\n")).unwrap();
        assert_eq!(notices, []);
        assert_eq!(setting.show(&again), Some(shown), "{}", setting.path);
    }
}

#[test]
fn every_mistake_is_reported_with_its_line_and_column() {
    let text = "[ui]\ntheme = \"drak\"\nmouse = 1\n\n[network]\ntimeout_ms = 5\nmax_in_flight = -1\nallow_http = \"yes\"\n\n[branch]\ntemplate = \"feature/x\"\n";
    assert_eq!(
        problems(text),
        [
            "2:9 ui.theme: `drak` is none of dark, light, plain",
            "3:9 ui.mouse: true or false is wanted here, not a whole number",
            "6:14 network.timeout_ms: 5 is not between 100 and 600000",
            "7:17 network.max_in_flight: -1 is not between 1 and 64",
            "8:14 network.allow_http: true or false is wanted here, not a string",
            "11:12 branch.template: the branch template `feature/x` has no {key}; without it a branch cannot be led back to its ticket",
        ]
    );
}

#[test]
fn a_file_that_is_not_toml_says_where() {
    assert!(problems("[ui]\ntheme = \n")[0].starts_with("2:"));
    assert!(problems("[ui]\ntheme = \"dark\"\ntheme = \"light\"\n")[0].starts_with("3:"));
}

#[test]
fn unknown_names_are_notices_with_a_place_and_a_suggestion() {
    let (config, notices) = load("colour = 1\n[ui]\ntheem = \"light\"\n[netwrok]\na = 1\n").unwrap();
    assert_eq!(config.ui.theme, Theme::Dark);
    let texts: Vec<String> = notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "/etc/kanado/config.toml:1:1: unknown setting `colour`",
            "/etc/kanado/config.toml:3:1: unknown setting `ui.theem`\n  did you mean `ui.theme`?",
            "/etc/kanado/config.toml:4:2: unknown section [netwrok]\n  did you mean [network]?",
        ]
    );
}

#[test]
fn columns_hold_every_status_exactly_once() {
    assert!(
        problems("[board]\ncolumns = [{ name = \"A\", statuses = [\"todo\"] }]\n")[0].contains("the status in_progress is in no column")
    );
    let twice = "[board]\ncolumns = [\n  { name = \"A\", statuses = [\"todo\"] },\n  { name = \"B\", statuses = [\"todo\"] },\n]\n";
    assert!(problems(twice)[0].starts_with("2:11 board.columns: the status todo is in the columns `A` and `B`"));
    assert!(problems("[board]\ncolumns = [{ name = \"A\", statuses = [\"tdo\"] }]\n")[0].contains("`tdo` is none of todo"));
    assert!(problems("[board]\ncolumns = [{ name = \"A\", status = [\"todo\"] }]\n")[0].contains("not `status`"));
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file() {
    let text = "[store]\ndata_dir = \"from-file\"\n";
    let path = Path::new("/etc/kanado/config.toml");
    let mut overrides = Overrides { environment: Environment::from_iter([("LANG", "C.UTF-8")]), ..Overrides::default() };
    let (config, _) = Config::from_text(text, path, &overrides).unwrap();
    assert_eq!(config.paths.data_dir, Path::new("/etc/kanado/from-file"));
    assert_eq!(config.origin("store.data_dir"), Origin::File { line: 2 });
    overrides.environment = Environment::from_iter([("KANADO_DATA_DIR", "/from-environment")]);
    let (config, _) = Config::from_text(text, path, &overrides).unwrap();
    assert_eq!(config.paths.data_dir, Path::new("/from-environment"));
    assert_eq!(config.origin("store.data_dir"), Origin::Environment("KANADO_DATA_DIR"));
    overrides.data_dir = Some("/from-flag".into());
    let (config, _) = Config::from_text(text, path, &overrides).unwrap();
    assert_eq!(config.paths.data_dir, Path::new("/from-flag"));
    assert_eq!(config.paths.state_dir, Path::new("/from-flag/state"));
    assert_eq!(config.origin("store.data_dir"), Origin::Flag("--data-dir"));
}

#[test]
fn no_color_and_a_plain_locale_are_honoured() {
    let environment = Environment::from_iter([("NO_COLOR", "1"), ("LANG", "C")]);
    let overrides = Overrides { data_dir: Some("/data".into()), environment, ..Overrides::default() };
    let (config, _) = Config::from_text("", Path::new("c.toml"), &overrides).unwrap();
    assert_eq!((config.ui.colour, config.ui.ascii), (When::Never, When::Always));
    let (config, _) = Config::from_text("[ui]\ncolor = \"always\"\nascii = \"never\"\n", Path::new("c.toml"), &overrides).unwrap();
    assert_eq!((config.ui.colour, config.ui.ascii), (When::Always, When::Never));
}

#[test]
fn a_named_file_must_exist_and_the_usual_one_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Overrides { config_path: Some(folder.path().join("none.toml")), ..overrides() };
    assert!(matches!(Config::load(&missing), Err(Error::Unreadable { .. })));
    let path = folder.path().join("latin1.toml");
    std::fs::write(&path, b"# caf\xe9\n").unwrap();
    assert!(matches!(Config::load(&Overrides { config_path: Some(path), ..overrides() }), Err(Error::NotText { .. })));
}

#[test]
fn a_database_password_shows_nowhere() {
    let (config, _) = load("[store]\ndatabase = \"postgres://me:hunter2@db/x?sslpassword=hunter3\"\n").unwrap();
    let shown = format!("{config:?} {}", settings().iter().filter_map(|s| s.show(&config)).collect::<String>());
    assert!(!shown.contains("hunter"), "{shown}");
    assert_eq!(config.store.database.unwrap().expose(), "postgres://me:hunter2@db/x?sslpassword=hunter3");
}

#[test]
fn keys_are_read_as_written_with_their_lines() {
    let (config, _) = load("[keys]\n\"ticket.start\" = [\"s\", \"g s\"]\n\"ticket.archive\" = \"none\"\nboard.refresh = \"F5\"\n").unwrap();
    let shown: Vec<String> = config.keys.bindings.iter().map(|b| format!("{} {} {}", b.line, b.action, b.keys.join("|"))).collect();
    assert_eq!(shown, ["2 ticket.start s|g s", "3 ticket.archive ", "4 board.refresh F5"]);
    assert_eq!(
        problems("[keys]\n\"a\" = [\"s\", 4, \"s\"]\n\"b\" = 3\n"),
        [
            "2:13 keys of `a`: a string is wanted here",
            "2:16 keys of `a`: `s` stands here twice",
            "3:7 keys of `b`: a list of strings is wanted here, or \"none\"",
        ]
    );
}

#[test]
fn an_edit_keeps_comments_order_and_everything_else() {
    let path = Path::new("c.toml");
    let before = "# mine\n[ui] # look\n# why light\ntheme   = \"light\"  # bright office\nmouse = true\n\n[log]\nlevel = \"warn\"\n";
    let after = set(before, path, "ui.theme", "dark").unwrap();
    assert_eq!(after.text, before.replace("\"light\"", "\"dark\""));
    assert!(after.changed);
    assert!(!set(&after.text, path, "ui.theme", "\"dark\"").unwrap().changed);
    let added = set(before, path, "network.timeout_ms", "5000").unwrap().text;
    assert_eq!(added, format!("{before}\n[network]\ntimeout_ms = 5000\n"));
    assert_eq!(unset(before, path, "ui.mouse").unwrap().text, before.replace("mouse = true\n", ""));
    let keys = set("", path, "keys.\"ticket.start\"", "[\"s\", \"ctrl+s\"]").unwrap().text;
    assert_eq!(load(&keys).unwrap().0.keys.bindings[0].action, "ticket.start");
}

#[test]
fn an_edit_that_the_next_start_would_refuse_is_refused_now() {
    let path = Path::new("c.toml");
    assert!(matches!(set("", path, "ui.theme", "drak"), Err(Error::Refused { why, .. }) if why.contains("none of dark")));
    assert!(matches!(set("", path, "ui.theem", "dark"), Err(Error::NoSuchSetting { similar: Some(s), .. }) if s == "ui.theme"));
    assert!(matches!(set("", path, "keys.a", "3"), Err(Error::Refused { .. })));
    assert!(matches!(set("[ui\n", path, "ui.theme", "dark"), Err(Error::Invalid { .. })));
}

#[test]
fn a_file_is_replaced_as_a_whole_and_a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real.toml");
    std::fs::write(&real, "[ui]\n").unwrap();
    let link = folder.path().join("link.toml");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&real, &link).unwrap();
    #[cfg(not(unix))]
    std::fs::copy(&real, &link).unwrap();
    edit::write(&link, "[log]\n").unwrap();
    assert_eq!(std::fs::read_to_string(&link).unwrap(), "[log]\n");
    #[cfg(unix)]
    assert!(std::fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
