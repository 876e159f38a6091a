//! Builds the web's files into a release, each with its gzipped form. A development build embeds nothing and reads them
//! from their folders. Folders that are not built yet are left out.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::{Compression, write::GzEncoder};

const FOLDERS: [&str; 2] = ["pages/recheck/dist", "ui/dist"];

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var(name).map_err(io::Error::other);
    let (root, out) = (PathBuf::from(variable("CARGO_MANIFEST_DIR")?), PathBuf::from(variable("OUT_DIR")?));
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = Vec::new();
    if variable("PROFILE")? == "release" {
        for folder in FOLDERS {
            // A folder that is not there yet makes the next build look again.
            println!("cargo:rerun-if-changed={folder}");
            collect(&root.join(folder), &mut files)?;
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

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
