//! `qingtian verify`: rechecks a draw from its evidence bundle, as anyone may (art. 15). Everything it decides is in
//! [`lottery::verify`]; here files are opened and lines printed.

mod zh;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use lottery::{
    bundle::TABLE_BYTES_MAX,
    frozen::TABLES,
    own_line::OWN_LINE_BYTES_MAX,
    reveal::STRATA,
    verify::{Beside, GivenLog, LOG_BYTES_MAX, Options, Report, Verdict, kept::KEPT_BYTES_MAX, verify_with},
};

/// Largest file of keys, in bytes.
const JWKS_BYTES_MAX: u64 = 1 << 20;

/// Recheck a draw from its evidence bundle. Exit status: 0 verified, 3 verified in part, 1 not verified, 2 unreadable.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The bundle: GET /v1/public/draws/{draw}/evidence.
    pub bundle: PathBuf,
    /// The published keys: GET /.well-known/jwks.json. Without them signatures are not checked.
    #[arg(long, value_name = "FILE")]
    pub jwks: Option<PathBuf>,
    /// A folder with files withheld from the public.
    #[arg(long, value_name = "DIR")]
    pub with: Option<PathBuf>,
    /// The log of recusals since the draw: GET /v1/public/draws/{draw}/log. Each act is recomputed.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// The log's signed head. Without it lines may be missing at the end.
    #[arg(long, value_name = "FILE", requires = "log")]
    pub log_head: Option<PathBuf>,
    /// When subjects were visited, `subject TAB time`, sorted. Without it whom an exchange passed over stays open.
    #[arg(long, value_name = "FILE", requires = "log")]
    pub visits: Option<PathBuf>,
    /// A firm's own line, kept from the page `/draws/{number}/own-line`: that it stood in the pool, and was drawn or not.
    #[arg(long, value_name = "FILE")]
    pub line: Option<PathBuf>,
    /// The statement as it was kept before the draw: `statement.json`, or the file a witness saved. The draw must be of the very
    /// same.
    #[arg(long, value_name = "FILE")]
    pub statement: Option<PathBuf>,
    /// Accept a demonstration draw, signed under a key whose name begins `demo-`.
    #[arg(long)]
    pub demo: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Language of the report; by `LANG` when it is not given.
    #[arg(long, value_enum)]
    pub lang: Option<Language>,
}

/// A language a report is printed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    Zh,
    En,
}

impl Language {
    /// The one of a `LANG` such as `zh_CN.UTF-8`; English for any other.
    fn of(lang: Option<&str>) -> Self {
        if lang.is_some_and(|lang| lang.starts_with("zh")) { Self::Zh } else { Self::En }
    }
}

/// Prints each check and its verdict; returns the exit status.
#[must_use]
pub fn run(args: &VerifyArgs) -> i32 {
    match check(args) {
        Ok(report) => {
            if args.json {
                println!("{:#}", report.to_json());
            } else {
                match args.lang.unwrap_or_else(|| Language::of(std::env::var("LANG").ok().as_deref())) {
                    Language::Zh => print!("{}", zh::text(&report)),
                    Language::En => print(&report),
                }
            }
            report.verdict.exit_status()
        }
        Err(error) => {
            eprintln!("{error}");
            Verdict::Unreadable.exit_status()
        }
    }
}

fn check(args: &VerifyArgs) -> io::Result<Report> {
    let jwks = args.jwks.as_deref().map(|path| read(path, JWKS_BYTES_MAX)).transpose()?;
    let jwks = jwks.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let with = args.with.as_deref().map(read_withheld).transpose()?.unwrap_or_default();
    let given = |path: &Option<PathBuf>| path.as_deref().map(|path| read(path, LOG_BYTES_MAX)).transpose();
    let (lines, head, visits) = (given(&args.log)?, given(&args.log_head)?, given(&args.visits)?);
    let log = lines.as_deref().map(|lines| GivenLog { lines, head: head.as_deref(), visits: visits.as_deref() });
    let bundle = File::open(&args.bundle).map_err(|error| about(&args.bundle, &error))?;
    let own_line = args.line.as_deref().map(|path| read(path, OWN_LINE_BYTES_MAX)).transpose()?;
    let statement = args.statement.as_deref().map(|path| read(path, KEPT_BYTES_MAX)).transpose()?;
    let beside = Beside { log: log.as_ref(), own_line: own_line.as_deref(), statement: statement.as_deref() };
    Ok(verify_with(bundle, &Options { jwks: jwks.as_deref(), with, demo: args.demo }, &beside))
}

/// The files of a folder that a bundle may withhold.
fn read_withheld(folder: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    std::fs::read_dir(folder).map_err(|error| about(folder, &error))?;
    let mut files = BTreeMap::new();
    for name in TABLES.into_iter().chain([STRATA]) {
        let path = folder.join(name);
        if path.try_exists()? {
            files.insert(name.to_owned(), read(&path, TABLE_BYTES_MAX)?);
        }
    }
    Ok(files)
}

fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| about(path, &error))?;
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| about(path, &error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::other(format!("{} is larger than {bytes_max} bytes", path.display())));
    }
    Ok(bytes)
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn print(report: &Report) {
    println!("{}", report.draw_id.as_deref().unwrap_or("a bundle of no known draw"));
    println!();
    for check in &report.checks {
        println!("{check}");
    }
    if !report.notes.is_empty() {
        println!();
    }
    for note in &report.notes {
        println!("Note: {}", note.message);
    }
    println!();
    let (failed, open) = (report.failed().count(), report.checks.iter().filter(|check| check.ok.is_none()).count());
    println!(
        "{}",
        match report.verdict {
            Verdict::Verified => format!("VERIFIED: all {} checks hold.", report.checks.len()),
            Verdict::Partly => format!(
                "VERIFIED IN PART: what could be checked holds; {open} checks could not be made (NOT CHECKED above)."
            ),
            Verdict::NotVerified => format!("NOT VERIFIED: {failed} checks failed."),
            Verdict::Unreadable => "UNREADABLE: no evidence bundle.".to_owned(),
        }
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_that_of_the_terminal() {
        for (lang, wanted) in [
            (Some("zh_CN.UTF-8"), Language::Zh),
            (Some("zh"), Language::Zh),
            (Some("C"), Language::En),
            (None, Language::En),
        ] {
            assert_eq!(Language::of(lang), wanted);
        }
    }
}
