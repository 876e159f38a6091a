//! Builds the web's files into a release, each with its gzipped form. A development build embeds nothing and reads them
//! from their folders. A folder that is not built yet is left out, and one that was built from other sources is built in as it
//! is; of both the build warns.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use flate2::{Compression, write::GzEncoder};

/// Each with its sources beside its `dist`.
const WEBS: [&str; 2] = ["pages/recheck", "ui"];
/// Prints the digest of a web's sources, which `make web` keeps with what it built.
const SOURCES: &str = "../scripts/web_sources.sh";
/// The file in `dist` that it is kept in.
const BUILT: &str = ".built";

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var(name).map_err(io::Error::other);
    let (root, out) = (PathBuf::from(variable("CARGO_MANIFEST_DIR")?), PathBuf::from(variable("OUT_DIR")?));
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = Vec::new();
    if variable("PROFILE")? == "release" {
        println!("cargo:rerun-if-changed={SOURCES}");
        for web in WEBS {
            if let Some(fault) = fault(&root, web)? {
                println!("cargo:warning={fault}");
            }
            collect(&root.join(web).join("dist"), &mut files)?;
        }
    }
    let mut names: Vec<(String, PathBuf)> = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
        names.push((name, file));
    }
    names.sort();
    let mut source = String::from("/// Path, content and gzipped content (empty where that is no smaller), by path.\n");
    source.push_str("static EMBEDDED: &[(&str, &[u8], &[u8])] = &[\n");
    for (index, (name, file)) in names.iter().enumerate() {
        let bytes = fs::read(file)?;
        let mut writer = GzEncoder::new(Vec::new(), Compression::best());
        writer.write_all(&bytes)?;
        let mut zipped = writer.finish()?;
        if zipped.len() >= bytes.len() {
            zipped.clear();
        }
        let (plain, gz) = (out.join(format!("{index}.bin")), out.join(format!("{index}.gz")));
        fs::write(&plain, &bytes)?;
        fs::write(&gz, &zipped)?;
        writeln!(source, "    ({name:?}, include_bytes!({plain:?}), include_bytes!({gz:?})),")
            .map_err(io::Error::other)?;
    }
    source.push_str("];\n");
    fs::write(out.join("assets.rs"), source)
}

/// What is wrong with a built web; none when it was built from the sources that are here.
fn fault(root: &Path, web: &str) -> io::Result<Option<String>> {
    // A folder that is not there yet makes the next build look again.
    println!("cargo:rerun-if-changed={web}/dist");
    for entry in fs::read_dir(root.join(web))? {
        let name = entry?.file_name();
        // Looking through these takes longer than the build.
        if name != "node_modules" && name != "dist" {
            println!("cargo:rerun-if-changed={web}/{}", name.to_string_lossy());
        }
    }
    let dist = root.join(web).join("dist");
    if !dist.is_dir() {
        return Ok(Some(format!(
            "gateway/{web}/dist is not there and its pages will be missing: run `make web` first"
        )));
    }
    let told = Command::new("sh").arg(root.join(SOURCES)).arg(root.join(web)).output()?;
    if !told.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&told.stderr).into_owned()));
    }
    // Built by hand, it keeps no digest.
    let built = fs::read(dist.join(BUILT)).unwrap_or_default();
    Ok((built != told.stdout).then(|| {
        format!("gateway/{web}/dist was not built by `make web` from the sources that are here: run `make web` first")
    }))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if !path.ends_with(BUILT) {
            files.push(path);
        }
    }
    Ok(())
}
