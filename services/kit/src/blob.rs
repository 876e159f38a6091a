//! Content-addressed, immutable objects.

/// A store of objects.
#[derive(Clone)]
pub enum Blob {
    /// A local folder.
    Local(std::path::PathBuf),
}

impl Blob {
    /// A store in a local folder.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn local(folder: &std::path::Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self::Local(folder.to_owned()))
    }
}
