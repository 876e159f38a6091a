//! The certificate of `qingtian up` for departments' programs on this machine (art. 22): made at the first start under an authority of
//! its own, whose key is thrown away at once, so that nothing else is ever signed with it. A city brings its own.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// Where they are.
#[derive(Debug, Clone)]
pub struct Files {
    /// Certificate of the authority, PEM: what clients are told to believe.
    pub authority: PathBuf,
    /// Certificate of `localhost`, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM, mode 0600.
    pub key: PathBuf,
}

/// Makes the files of a folder unless they are there. The authority is written last: where it is, the others are.
///
/// # Errors
/// The folder cannot be written.
pub fn ensure(folder: &Path) -> anyhow::Result<Files> {
    let files = Files {
        authority: folder.join("authority.pem"),
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    if !files.authority.exists() {
        make(folder, &files).with_context(|| format!("cannot make a certificate in {}", folder.display()))?;
    }
    Ok(files)
}

fn make(folder: &Path, files: &Files) -> anyhow::Result<()> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, "Qingtian demonstration");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let mut own = CertificateParams::new(["localhost", "127.0.0.1", "::1"].map(str::to_owned))?;
    own.distinguished_name.push(DnType::CommonName, "localhost");
    own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = own.signed_by(&key, &authority)?;
    fs::create_dir_all(folder)?;
    let mut secret = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&files.key)?;
    secret.write_all(key.serialize_pem().as_bytes())?;
    fs::write(&files.certificate, certificate.pem())?;
    fs::write(&files.authority, authority.pem())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_made_stays_and_a_start_that_was_cut_is_made_good() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("tls");
        let read =
            |files: &Files| [&files.authority, &files.certificate, &files.key].map(|file| fs::read(file).unwrap());
        let files = ensure(&folder).unwrap();
        let made = read(&files);
        assert_eq!(read(&ensure(&folder).unwrap()), made);
        assert_eq!(fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&files.authority).unwrap();
        let again = read(&ensure(&folder).unwrap());
        assert!(again.iter().zip(&made).all(|(again, made)| again != made), "all three belong together");
    }
}
