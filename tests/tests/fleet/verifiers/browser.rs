//! The browser's verifier under Node: one process that answers bundle after bundle.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

pub struct Browser {
    child: Child,
    asking: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What a bundle is checked with.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub with: BTreeMap<String, Vec<u8>>,
    pub demo: bool,
    pub keyless: bool,
}

/// A log of recusals as it is served, and when subjects were visited.
#[derive(Debug, Clone)]
pub struct LogBytes {
    pub lines: Vec<u8>,
    pub head: Option<Vec<u8>>,
    pub visits: Option<Vec<u8>>,
}

impl Browser {
    pub fn start(jwks: &str, folder: &Path) -> Self {
        let keys = folder.join("jwks.json");
        std::fs::write(&keys, jwks).unwrap();
        let cli = tests::root().join("gateway/pages/recheck/dist/cli.mjs");
        let mut child = Command::new("node")
            .arg(cli)
            .args(["--lines".as_ref(), "--jwks".as_ref(), keys.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (asking, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, asking, answers }
    }

    /// Peak memory of its process in KiB.
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Its report on a bundle in a file.
    pub fn verify_file(&mut self, bundle: &Path, given: &Given) -> Value {
        self.ask(&json!({"bundle": bundle}), given)
    }

    /// Its report on a bundle.
    pub fn verify(&mut self, bundle: &[u8], given: &Given) -> Value {
        self.ask(&json!({"bytes": STANDARD.encode(bundle)}), given)
    }

    /// Its report on a bundle and what was changed since.
    pub fn verify_with_log(&mut self, bundle: &[u8], given: &Given, log: &LogBytes) -> Value {
        let mut asked = json!({"bytes": STANDARD.encode(bundle), "log": STANDARD.encode(&log.lines)});
        for (name, bytes) in [("head", &log.head), ("visits", &log.visits)] {
            if let Some(bytes) = bytes {
                asked[name] = STANDARD.encode(bytes).into();
            }
        }
        self.ask(&asked, given)
    }

    fn ask(&mut self, bundle: &Value, given: &Given) -> Value {
        let with: serde_json::Map<String, Value> =
            given.with.iter().map(|(file, bytes)| (file.clone(), STANDARD.encode(bytes).into())).collect();
        let mut asked = json!({"name": "", "with": with, "demo": given.demo, "keyless": given.keyless});
        asked.as_object_mut().unwrap().extend(bundle.as_object().unwrap().clone());
        let asking = self.asking.as_mut().unwrap();
        writeln!(asking, "{asked}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("the browser's verifier ended: {answer:?}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.asking.take()); // it ends when nobody asks any more
        self.child.wait().ok();
    }
}
