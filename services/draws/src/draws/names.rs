//! The registered names of a draw's subjects (art. 15). `names.tsv` holds everybody's: it is written as it comes and read as a
//! stream, since ten million names would take more memory than the whole draw may.

use std::io::BufRead;

use kit::blob::{Blob, Stored};

use super::checked::Checked;

/// `names.tsv` of a draw, kept.
#[derive(Debug, Clone, Copy)]
pub struct Names(pub Stored);

impl Names {
    /// The names of these subjects, in their order; empty for one without.
    ///
    /// # Errors
    /// The file is gone, or holds other bytes than were kept.
    pub fn of(&self, blobs: &Blob, keys: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut file = self.open(blobs)?;
        let found = find(&mut file, keys)?;
        file.finish()?;
        Ok(found)
    }

    /// The file, to be read as a stream.
    ///
    /// # Errors
    /// It is gone.
    pub fn open(&self, blobs: &Blob) -> anyhow::Result<Checked> {
        Checked::open(blobs, self.0.digest)
    }
}

/// Reads a sorted file to its end.
fn find(mut file: impl BufRead, keys: &[&str]) -> std::io::Result<Vec<String>> {
    let mut found = vec![String::new(); keys.len()];
    let mut sorted: Vec<(&str, usize)> = keys.iter().copied().zip(0..).collect();
    sorted.sort_unstable();
    let mut wanted = sorted.into_iter().peekable();
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        let key = memchr::memchr(b'\t', &line).unwrap_or(line.len());
        while wanted.next_if(|(wanted, _)| wanted.as_bytes() < &line[..key]).is_some() {}
        while let Some((_, at)) = wanted.next_if(|(wanted, _)| wanted.as_bytes() == &line[..key]) {
            let title = line.get(key + 1..).unwrap_or_default();
            found[at] = String::from_utf8_lossy(title.strip_suffix(b"\n").unwrap_or(title)).into_owned();
        }
        line.clear();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_the_order_asked() {
        let names = "k1\t某甲商行\nk2\t\nk4\t某丁 商行\n".as_bytes();
        let found = find(names, &["k4", "k3", "k1", "k0", "k2", "k5"]).unwrap();
        assert_eq!(found, ["某丁 商行", "", "某甲商行", "", "", ""]);
        assert_eq!(find(&b""[..], &["k1"]).unwrap(), [""]);
    }

    #[tokio::test]
    async fn changed_names_are_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blob::local(folder.path()).unwrap();
        let names = Names(blobs.put("k1\t某甲商行\n").await.unwrap());
        assert_eq!(names.of(&blobs, &["k1"]).unwrap(), ["某甲商行"]);
        let name = names.0.digest.to_string();
        let path = folder.path().join(&name[..2]).join(&name[2..]);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "k1\t某乙商行\n").unwrap();
        assert!(names.of(&blobs, &["k1"]).unwrap_err().to_string().contains(&name));
    }
}
