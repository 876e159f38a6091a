//! Keys, one purpose each: tokens, statements and evidence, heads of logs, sealing, audit digests. Private keys are files
//! of mode 0600 in one folder, mounted in the cluster and made by `up`; the public ones stand together in `public.json`.

use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use rand::{TryRng, rngs::SysRng};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Tokens: identity's for users and machine clients, every other part's for itself.
    Token,
    /// Statements, entries and evidence of draws. Public.
    Evidence,
    /// Heads of a part's log. Public.
    Head,
}

/// A public key as published.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublicKey {
    /// Key type, `OKP`.
    pub kty: String,
    /// Curve, `Ed25519`.
    pub crv: String,
    /// Key id; demonstration keys begin `demo-`.
    pub kid: String,
    /// The key, base64url.
    pub x: String,
    /// Part that holds the private half.
    pub part: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Valid from, seconds since 1970 UTC.
    pub nbf: i64,
    /// Retired at, seconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exp: Option<i64>,
}

impl PublicKey {
    fn verifying(&self) -> Option<VerifyingKey> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(&self.x).ok()?.try_into().ok()?;
        VerifyingKey::from_bytes(&bytes).ok()
    }
}

/// A private signing key with its id.
pub struct Signing {
    /// Key id.
    pub kid: String,
    key: SigningKey,
}

impl Signing {
    /// Signs, answering 86 characters of base64url.
    pub fn sign(&self, text: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.key.sign(text).to_bytes())
    }

    /// The private key itself, for libraries that sign on their own.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }
}

/// All public keys, and the private ones this process was given.
pub struct Keys {
    public: Vec<PublicKey>,
    signing: BTreeMap<(String, Purpose), Signing>,
    secrets: BTreeMap<String, Zeroizing<[u8; 32]>>,
}

/// What is appended to a folder's name while its keys are being written.
const UNFINISHED: &str = ".unfinished";

/// Parts that hold keys, with the purposes of each besides tokens and heads.
const PARTS: [&str; 5] = ["gateway", "identity", "catalog", "draws", "portal"];

impl Keys {
    /// Makes a new set in memory, valid from `now`; with `demo`, every id begins `demo-`, and validity began a year before, since
    /// a demonstration tells what happened in the weeks before it.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn generate(now: DateTime<Utc>, demo: bool) -> anyhow::Result<Self> {
        let mut keys = Self { public: Vec::new(), signing: BTreeMap::new(), secrets: BTreeMap::new() };
        let now = if demo { now - chrono::Duration::days(365) } else { now };
        for part in PARTS {
            keys.add(part, Purpose::Token, now, demo)?;
            keys.add(part, Purpose::Head, now, demo)?;
            keys.secrets.insert(format!("{part}.audit"), random_bytes()?);
        }
        keys.add("draws", Purpose::Evidence, now, demo)?;
        keys.secrets.insert("draws.seal".to_owned(), random_bytes()?);
        Ok(keys)
    }

    fn add(&mut self, part: &str, purpose: Purpose, now: DateTime<Utc>, demo: bool) -> anyhow::Result<()> {
        let key = SigningKey::from_bytes(&*random_bytes()?);
        let x = URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes());
        let kind = purpose_name(purpose);
        let prefix = if demo { "demo-" } else { "" };
        let kid = format!("{prefix}{part}-{kind}-{}", &hex::encode(key.verifying_key().to_bytes())[..12]);
        self.public.push(PublicKey {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            kid: kid.clone(),
            x,
            part: part.to_owned(),
            purpose,
            nbf: now.timestamp(),
            exp: None,
        });
        self.signing.insert((part.to_owned(), purpose), Signing { kid, key });
        Ok(())
    }

    /// Writes a set into a folder of mode 0700, files 0600: whole, or not at all if something ends it half-way. Refuses a
    /// folder that holds anything; an empty one may be there. What an attempt that was cut left beside it is removed.
    ///
    /// # Errors
    /// The folder cannot be written, or holds something already.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let folder = std::path::absolute(folder)?;
        let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
            bail!("{} cannot be a folder of keys", folder.display())
        };
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        // Two who make keys in one place take turns; the second then finds those of the first.
        let place = fs::File::open(parent)?;
        place.lock().with_context(|| format!("cannot lock {}", parent.display()))?;
        let mut unfinished = name.to_owned();
        unfinished.push(UNFINISHED);
        let unfinished = parent.join(unfinished);
        match fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", unfinished.display()));
            }
            Ok(()) | Err(_) => {}
        }
        self.fill(&unfinished)?;
        // Takes the place of an empty folder, of no other.
        if let Err(error) = fs::rename(&unfinished, &folder) {
            fs::remove_dir_all(&unfinished)?;
            return Err(error)
                .with_context(|| format!("cannot put keys into {}: is it there and not empty?", folder.display()));
        }
        place.sync_all()?;
        Ok(())
    }

    /// Makes a folder and writes the set into it.
    fn fill(&self, folder: &Path) -> anyhow::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(folder)?;
        for ((part, purpose), signing) in &self.signing {
            let text = Zeroizing::new(format!("{} {}\n", signing.kid, hex::encode(signing.key.to_bytes())));
            write_new(&folder.join(format!("{part}.{}.key", purpose_name(*purpose))), text.as_bytes())?;
        }
        for (name, secret) in &self.secrets {
            let text = Zeroizing::new(hex::encode(**secret));
            write_new(&folder.join(format!("{name}.secret")), text.as_bytes())?;
        }
        write_new(&folder.join("public.json"), &serde_json::to_vec_pretty(&self.public)?)?;
        fs::File::open(folder)?.sync_all()?;
        Ok(())
    }

    /// Reads what a folder holds: `public.json`, and whichever private keys were mounted for this process.
    ///
    /// # Errors
    /// A file is unreadable or malformed.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let public_path = folder.join("public.json");
        let text = fs::read(&public_path).with_context(|| format!("cannot read {}", public_path.display()))?;
        let mut keys =
            Self { public: serde_json::from_slice(&text)?, signing: BTreeMap::new(), secrets: BTreeMap::new() };
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|n| n.to_str()) else { continue };
            if let Some(stem) = name.strip_suffix(".key") {
                let Some((part, kind)) = stem.split_once('.') else { bail!("{name}: not PART.PURPOSE.key") };
                let purpose = match kind {
                    "token" => Purpose::Token,
                    "evidence" => Purpose::Evidence,
                    "head" => Purpose::Head,
                    other => bail!("{name}: unknown purpose {other}"),
                };
                let text = Zeroizing::new(fs::read_to_string(&path)?);
                let Some((kid, secret)) = text.trim().split_once(' ') else { bail!("{name}: not `kid hex`") };
                let signing =
                    Signing { kid: kid.to_owned(), key: SigningKey::from_bytes(&*secret_bytes(secret, name)?) };
                keys.signing.insert((part.to_owned(), purpose), signing);
            } else if let Some(stem) = name.strip_suffix(".secret") {
                let text = Zeroizing::new(fs::read_to_string(&path)?);
                keys.secrets.insert(stem.to_owned(), secret_bytes(text.trim(), name)?);
            }
        }
        Ok(keys)
    }

    /// The private key of a part for a purpose.
    ///
    /// # Errors
    /// This process was not given that key.
    pub fn signing(&self, part: &str, purpose: Purpose) -> anyhow::Result<&Signing> {
        self.signing
            .get(&(part.to_owned(), purpose))
            .with_context(|| format!("no private key {part}.{}.key was given to this process", purpose_name(purpose)))
    }

    /// A symmetric secret such as `draws.seal` or `identity.audit`.
    ///
    /// # Errors
    /// This process was not given that secret.
    pub fn secret(&self, name: &str) -> anyhow::Result<&[u8; 32]> {
        self.secrets.get(name).map(|s| &**s).with_context(|| format!("no {name}.secret was given to this process"))
    }

    /// The published key with this id.
    pub fn public(&self, kid: &str) -> Option<&PublicKey> {
        self.public.iter().find(|key| key.kid == kid)
    }

    /// Published keys of a purpose.
    pub fn published(&self, purpose: Purpose) -> impl Iterator<Item = &PublicKey> {
        self.public.iter().filter(move |key| key.purpose == purpose)
    }

    /// Whether draws are signed under a demonstration key.
    pub fn demonstration(&self) -> bool {
        self.published(Purpose::Evidence).any(|key| key.exp.is_none() && key.kid.starts_with("demo-"))
    }

    /// The keys an outsider needs for draws, as a JSON Web Key Set.
    pub fn jwks(&self) -> String {
        let keys: Vec<_> = self.published(Purpose::Evidence).chain(self.published(Purpose::Head)).collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    /// Whether `signature` (base64url) over `text` was made by the key `kid`.
    pub fn verifies(&self, kid: &str, text: &[u8], signature: &str) -> bool {
        let check = || {
            let key = self.public(kid)?.verifying()?;
            let bytes: [u8; 64] = URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?;
            key.verify(text, &Signature::from_bytes(&bytes)).ok()
        };
        check().is_some()
    }
}

/// 32 bytes from the operating system's generator.
///
/// # Errors
/// The operating system gives none.
pub fn random_bytes() -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    SysRng.try_fill_bytes(&mut *bytes).context("the operating system's random generator failed")?;
    Ok(bytes)
}

fn purpose_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Token => "token",
        Purpose::Evidence => "evidence",
        Purpose::Head => "head",
    }
}

fn secret_bytes(text: &str, file: &str) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(hex::decode(text).with_context(|| format!("{file}: not hexadecimal"))?);
    let Ok(bytes) = <[u8; 32]>::try_from(bytes.as_slice()) else { bail!("{file}: not 32 bytes") };
    Ok(Zeroizing::new(bytes))
}

fn write_new(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_written_are_the_keys_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let made = Keys::generate(Utc::now(), true).unwrap();
        made.write(&path).unwrap();
        let read = Keys::read(&path).unwrap();
        let signing = read.signing("draws", Purpose::Evidence).unwrap();
        assert!(signing.kid.starts_with("demo-draws-evidence-"));
        assert!(made.verifies(&signing.kid, b"text", &signing.sign(b"text")));
        assert!(!made.verifies(&signing.kid, b"texT", &signing.sign(b"text")));
        assert_eq!(made.secret("draws.seal").unwrap(), read.secret("draws.seal").unwrap());
        assert!(read.demonstration());
        assert!(made.write(&path).is_err(), "keys are never overwritten");
        let mode = fs::metadata(path.join("draws.seal.secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    /// A crash between the first key and `public.json` once left a folder that no later start could read or fill.
    #[test]
    fn keys_that_were_cut_half_way_are_nothing_and_the_next_attempt_is_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("deep/keys");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let unfinished = place.path().join("deep/keys.unfinished");
        // What a crash just before the end leaves, and one in the middle.
        for missing in ["public.json", "draws.seal.secret"] {
            Keys::generate(Utc::now(), true).unwrap().fill(&unfinished).unwrap();
            fs::remove_file(unfinished.join(missing)).unwrap();
            assert!(!path.exists(), "nothing is seen at the place itself before all is written");
            let made = Keys::generate(Utc::now(), true).unwrap();
            made.write(&path).unwrap();
            let read = Keys::read(&path).unwrap();
            assert_eq!(made.secret("draws.seal").unwrap(), read.secret("draws.seal").unwrap());
            assert_eq!(made.jwks(), read.jwks());
            assert!(!unfinished.exists(), "leftovers are removed");
            fs::remove_dir_all(&path).unwrap();
        }
    }

    #[test]
    fn an_empty_folder_is_filled_and_any_other_is_left_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("keys");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let made = Keys::generate(Utc::now(), true).unwrap();
        made.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let other = place.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("somebody.token.key"), "theirs").unwrap();
        for taken in [&path, &other] {
            let files = |folder: &Path| {
                let mut all: Vec<_> = fs::read_dir(folder)
                    .unwrap()
                    .map(|entry| entry.unwrap().path())
                    .map(|path| (path.clone(), fs::read(path).unwrap()))
                    .collect();
                all.sort();
                all
            };
            let before = files(taken);
            let error = Keys::generate(Utc::now(), true).unwrap().write(taken).unwrap_err();
            assert!(format!("{error:#}").contains("not empty"), "{error:#}");
            assert_eq!(files(taken), before);
        }
        let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}
