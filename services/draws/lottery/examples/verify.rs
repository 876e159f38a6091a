//! The smallest verifier: `verify BUNDLE [JWKS [--demo]]`. The product's own is `qingtian verify`.

use std::{env, fs::File, process::exit};

use lottery::verify::{Options, verify};

fn main() -> std::io::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let Some(bundle) = args.first() else {
        eprintln!("verify BUNDLE [JWKS [--demo]]");
        exit(2);
    };
    let jwks = args.get(1).filter(|path| *path != "--demo").map(std::fs::read_to_string).transpose()?;
    let options = Options { jwks: jwks.as_deref(), demo: args.iter().any(|arg| arg == "--demo"), ..Options::default() };
    let report = verify(File::open(bundle)?, &options);
    for check in &report.checks {
        println!("{check}");
    }
    for note in &report.notes {
        println!("note         {}", note.message);
    }
    println!("{}", report.verdict.as_str());
    exit(report.verdict.exit_status())
}
