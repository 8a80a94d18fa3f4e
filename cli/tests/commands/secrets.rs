//! Tests that passwords in URLs are never printed, and that keys that other users can read are refused.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::{Process, children, delaycast, give_models, run, until};

const SECRET: &str = "s3cr3t";

/// Invalid URLs of all kinds, and words in place of a URL.
const URLS: [&str; 18] = [
    "kafka://me:s3cr3t@host:9092/topic",
    "kafka://me:s3cr3t/topic",
    "kafka:me:s3cr3t@host",
    "kafka://host/topic?sasl.password=x&s3cr3t",
    "kafka://host/topic?s3cr3t=1",
    "kafka://host/topic?sasl.password=%ffs3cr3t",
    "kafka://host/topic?debug=broker,s3cr3t",
    "me:s3cr3t@host:9092/topic",
    "s3cr3t@host/topic",
    "mongodb:me:s3cr3t@host",
    "mongodb//me:s3cr3t@host",
    "mongodb://me:s3cr3t/x@host/database",
    "mongodb://me:s3cr3t?x@host/database",
    "mongodb://me:x@s3cr3t@host/database",
    "mongodb://host/?s3cr3t",
    "mongodb://me:s3cr3t@host/database.collection",
    "mongodb+srv://me:s3cr3t@cluster.example.net/database",
    "redis://me:s3cr3t@host",
];

#[test]
fn an_invalid_url_is_not_printed() {
    let dir = tempfile::tempdir().unwrap();
    let (models, up) = (dir.path().join("models"), dir.path().join("up"));
    let (models, up) = (models.to_str().unwrap(), up.to_str().unwrap());
    let embedded = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    for url in URLS {
        for arguments in [
            &["doctor", "--log", url, "--store", url, "--models", models, "--format", "json"][..],
            &["doctor", "--log", url, "--store", url, "--models", models],
            &["send", "-", "--log", url],
            &["up", "--dir", up, "--port", "0", "--log", url],
            &["up", "--dir", up, "--port", "0", "--store", url],
            &["up", "--dir", up, "--port", "0", "--events", url],
            &["score", "--log", &embedded, "--store", &embedded, "--models", models, "--events", url],
            &["doctor", "--log", &embedded, "--store", &embedded, "--models", models, "--events", url],
            &["events", "send", "-", "--events", url],
            &["topics", "create", "--log", &embedded, "--events", url],
            &["topics", "create", "--log", url],
            // In place of another argument.
            &[url],
            &["score", url],
            &["web", "--port", url],
            &["score", &format!("--workers={url}")],
            &["score", &format!("--lgo={url}")],
        ] {
            let (status, stdout, stderr) = run(arguments, b"");
            assert!(!status.success(), "{arguments:?}");
            assert!(!stdout.contains(SECRET) && !stderr.contains(SECRET), "{arguments:?}: {stdout}{stderr}");
            assert!(!stderr.contains("panicked"), "{stderr}");
        }
    }
}

#[test]
fn urls_in_the_environment_are_used_and_not_printed() {
    let dir = tempfile::tempdir().unwrap();
    let output_of = |arguments: &[&str], variable: &str, url: &str| {
        let mut command = delaycast(arguments);
        let output = command.env(variable, url).env("DELAYCAST_MODELS", dir.path()).output().unwrap();
        let output = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!output.contains(SECRET), "{arguments:?}, {variable}={url}: {output}");
        output
    };
    let up = dir.path().join("up");
    let up = ["up", "--port", "0", "--dir", up.to_str().unwrap()];
    let log = output_of(&up, "DELAYCAST_LOG_URL", "kafka://me:s3cr3t@host/topic");
    assert!(log.contains("cannot open the request log kafka://…"), "{log}");
    let store = output_of(&up, "DELAYCAST_STORE_URL", "mongodb://me:s3cr3t@host/database.collection");
    assert!(store.contains("cannot open the prediction store mongodb://…"), "{store}");
    let events = output_of(&up, "DELAYCAST_EVENTS", "kafka://me:s3cr3t@host/topic");
    assert!(events.contains("cannot open the log of events kafka://…"), "{events}");
    for command in ["up", "score", "web", "doctor"] {
        for variable in ["DELAYCAST_LOG_URL", "DELAYCAST_STORE_URL", "DELAYCAST_EVENTS"] {
            output_of(&[command, "--help"], variable, "kafka://host/topic?sasl.password=s3cr3t");
        }
    }
    let log = format!("sqlite:{}", dir.path().join("log.db").display());
    for (arguments, variable) in [
        (&["predict"][..], "DELAYCAST_LOG"),
        (&["score"], "DELAYCAST_REPLICAS"),
        // These are read before a model is waited for.
        (&["score"], "DELAYCAST_LOG_URL"),
        (&["score", "--log", &log], "DELAYCAST_STORE_URL"),
    ] {
        for url in ["kafka://me:s3cr3t@host/topic", "[kafka://me:s3cr3t@host=", "me:s3cr3t@host"] {
            output_of(arguments, variable, url);
        }
    }
}

/// The URI of the store in the streaming job of the previous system, and one that needs a DNS resolver.
#[test]
fn the_doctor_advises_on_an_invalid_store_url() {
    let dir = tempfile::tempdir().unwrap();
    let log = format!("sqlite:{}", dir.path().join("log.db").display());
    for (store, words) in [
        ("mongodb://127.0.0.1/agile_data_science.flight_delay_classification_response", "leave out the dot"),
        ("mongodb+srv://cluster.example.net/agile_data_science", "list the hosts"),
    ] {
        let models = dir.path().to_str().unwrap();
        let (status, stdout, _) = run(&["doctor", "--log", &log, "--store", store, "--models", models], b"");
        assert!(!status.success() && stdout.contains(words), "{stdout}");
    }
}

#[test]
fn keys_that_other_users_can_read_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let open = |name: &str| fs::set_permissions(at(name), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = |arguments: &[&str]| {
        let (status, _, stderr) = run(arguments, b"");
        assert!(!status.success() && stderr.contains("chmod 600"), "{arguments:?}: {stderr}");
    };
    assert!(run(&["mesh", "certs", "--dir", &at("")], b"").0.success());
    open("ca.key");
    refused(&["mesh", "certs", "--dir", &at("")]);
    open("tls.key");
    let process = ["score", "--hosts", "127.0.0.1:1", "--process", "0"];
    refused(&[&process[..], &["--mesh-certs", &at("")]].concat());
    fs::write(at("secret"), "sixteen bytes and more").unwrap();
    open("secret");
    refused(&[&process[..], &["--mesh-secret", &at("secret")]].concat());
}

/// All users of a machine can read the arguments of processes.
#[test]
fn the_processes_of_up_have_no_url_in_their_arguments() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let url = format!("sqlite:{}", dir.path().join("s3cr3t.db").display());
    let arguments = ["up", "--dir", dir.path().to_str().unwrap(), "--port", "0", "--processes", "2"];
    let mut command = delaycast(&arguments);
    let up = Process::spawn(command.env("DELAYCAST_LOG_URL", &url).env("DELAYCAST_STORE_URL", &url));
    up.line_after("delaycast is ready: ");
    let arguments_of = |pid: &rustix::process::Pid| {
        let arguments = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
        String::from_utf8_lossy(&arguments).into_owned()
    };
    // Between fork and exec, a child has the arguments of its parent.
    let is_scorer = |arguments: &String| arguments.contains("--child-of");
    let mut arguments: Vec<String> = Vec::new();
    until("both scorers run", || {
        arguments = children(up.pid()).iter().map(arguments_of).filter(is_scorer).collect();
        arguments.len() == 2
    });
    assert!(!arguments.concat().contains(SECRET), "{arguments:?}");
    // They read the events beside the requests.
    let events = format!("\0DELAYCAST_EVENTS={url}?topic=flight_events\0");
    for child in children(up.pid()) {
        let environment = fs::read(format!("/proc/{}/environ", child.as_raw_nonzero())).unwrap();
        assert!(format!("\0{}", String::from_utf8_lossy(&environment)).contains(&events));
    }
    assert!(dir.path().join("s3cr3t.db").exists(), "the environment's URL is used");
    assert_eq!(up.terminate(), Some(0));
}
