use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tokio::io::AsyncReadExt as _;

use super::*;

/// SHA-256 of "abc" (FIPS 180-4).
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn new() -> (tempfile::TempDir, Blob) {
    let folder = tempfile::tempdir().unwrap();
    let blob = Blob::local(folder.path()).unwrap();
    (folder, blob)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn an_object_is_kept_once_under_its_digest() {
    let (folder, blob) = new();
    let first = blob.put(b"abc").await.unwrap();
    assert_eq!((first.digest.to_string().as_str(), first.size), (ABC, 3));
    let mut writer = blob.writer(10).unwrap();
    std::io::Write::write_all(&mut writer, b"ab").unwrap();
    std::io::Write::write_all(&mut writer, b"c").unwrap();
    assert_eq!(writer.finish().unwrap(), first);
    let files = files(folder.path());
    assert_eq!(files, [folder.path().join(&ABC[..2]).join(&ABC[2..])]);
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o444, "nobody writes to it");
    assert_eq!(blob.read(first.digest, 3).await.unwrap(), b"abc");
    assert_eq!(blob.find(first.digest).await.unwrap(), Some(3));
    assert_eq!(blob.verify(first.digest).await.unwrap(), 3);
}

#[tokio::test]
async fn large_objects_come_back_whole_and_in_ranges() {
    let (_folder, blob) = new();
    let bytes: Vec<u8> = (0..3 * CHUNK_BYTES + 17).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let stored = blob.put(bytes.clone()).await.unwrap();
    assert_eq!(stored, Stored { digest: Digest::of(&bytes), size: bytes.len() as u64 });
    let (mut file, size) = blob.open(stored.digest).await.unwrap();
    let mut read = Vec::new();
    file.read_to_end(&mut read).await.unwrap();
    assert_eq!((read.len() as u64, read == bytes), (size, true));
    let range = blob.read_range(stored.digest, 1_000, 500).await.unwrap();
    assert_eq!(range, &bytes[1_000..1_500]);
    assert_eq!(blob.read_range(stored.digest, size, 0).await.unwrap(), b"");
    for (offset, length) in [(size, 1), (size - 1, 2), (u64::MAX, 1)] {
        let error = blob.read_range(stored.digest, offset, length).await.unwrap_err();
        assert!(matches!(error, Error::OutOfRange { .. }), "{error}");
    }
    assert!(matches!(blob.read(stored.digest, size - 1).await, Err(Error::TooLarge { .. })));
    let empty = blob.put(Vec::new()).await.unwrap();
    assert_eq!(blob.read(empty.digest, 0).await.unwrap(), b"");
}

#[tokio::test]
async fn what_is_too_large_or_abandoned_leaves_nothing() {
    let (folder, blob) = new();
    let mut writer = blob.writer(3).unwrap();
    assert!(writer.write(b"abcd").is_err());
    assert!(writer.write(b"a").is_err(), "after a refusal the bytes would have a gap");
    assert!(matches!(writer.finish(), Err(Error::TooLarge { .. })));
    let mut writer = blob.writer(9).unwrap();
    writer.write(b"abc").unwrap();
    drop(writer);
    assert_eq!(files(folder.path()), [] as [PathBuf; 0]);
    let digest = Digest::parse(ABC).unwrap();
    assert!(matches!(blob.read(digest, 9).await, Err(Error::NotFound(missing)) if missing == digest));
    assert_eq!(blob.find(digest).await.unwrap(), None);
}

#[tokio::test]
async fn leftovers_of_a_crash_are_ignored_and_removed_when_old() {
    let (folder, blob) = new();
    let stored = blob.put(b"abc").await.unwrap();
    let leftover = folder.path().join("incoming").join(".tmpCrash");
    fs::write(&leftover, b"half of it").unwrap();
    Blob::local(folder.path()).unwrap();
    assert!(leftover.exists(), "it may be somebody's at work");
    let yesterday = std::time::SystemTime::now() - Duration::from_secs(25 * 3600);
    fs::File::options().append(true).open(&leftover).unwrap().set_modified(yesterday).unwrap();
    let again = Blob::local(folder.path()).unwrap();
    assert!(!leftover.exists());
    assert_eq!(again.read(stored.digest, 3).await.unwrap(), b"abc", "whole objects stay");
}

#[tokio::test]
async fn damage_is_noticed_and_mended_by_the_right_bytes() {
    let (folder, blob) = new();
    let stored = blob.put(b"abc").await.unwrap();
    let path = folder.path().join(&ABC[..2]).join(&ABC[2..]);
    let damage = |bytes: &[u8]| {
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    };
    damage(b"abd");
    for error in [blob.verify(stored.digest).await.unwrap_err(), blob.read(stored.digest, 9).await.unwrap_err()] {
        assert!(matches!(error, Error::Corrupt { expected, .. } if expected == stored.digest), "{error}");
    }
    damage(b"ab");
    assert!(blob.verify(stored.digest).await.is_err());
    assert_eq!(blob.put(b"abc").await.unwrap(), stored);
    assert_eq!(blob.verify(stored.digest).await.unwrap(), 3);
}

#[tokio::test]
async fn writers_of_the_same_bytes_at_once_agree() {
    let (folder, blob) = new();
    let puts = (0..16).map(|_| {
        let blob = blob.clone();
        tokio::spawn(async move { blob.put(vec![7; 1 << 20]).await.unwrap() })
    });
    let stored = futures::future::join_all(puts.collect::<Vec<_>>()).await;
    assert!(stored.iter().all(|one| one.as_ref().unwrap().digest == Digest::of(&vec![7; 1 << 20])));
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn digests_are_written_one_way() {
    assert_eq!(Digest::parse(ABC).unwrap().to_string(), ABC);
    assert_eq!(Digest::from_slice(&Digest::of(b"abc").0).unwrap().to_string(), ABC);
    for text in ["", "ba78", &ABC.to_uppercase(), &format!("{ABC}00"), &ABC.replace('b', "g")] {
        assert!(matches!(Digest::parse(text), Err(Error::BadDigest(_))), "{text}");
    }
    assert!(Digest::from_slice(&[0; 31]).is_err());
}
