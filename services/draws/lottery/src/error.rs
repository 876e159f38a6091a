//! Why something is not what the protocol asks for, in words a reader of the draw understands.

/// The one error of this crate: what is wrong and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A frozen or published file is not of its exact form. `line` counts from 1.
    #[error("{file}, line {line}: {why}")]
    Line { file: String, line: u64, why: String },
    /// A file as a whole is not of its exact form.
    #[error("{file}: {why}")]
    File { file: String, why: String },
    /// A single text (name, value, time, draw number...) is not of its allowed form.
    #[error("{0}")]
    Form(String),
    /// The parts are well formed, but break a rule of the protocol together.
    #[error("{0}")]
    Rule(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn file(file: &str, why: impl Into<String>) -> Self {
        Self::File { file: file.to_owned(), why: why.into() }
    }

    pub(crate) fn line(file: &str, line: u64, why: impl Into<String>) -> Self {
        Self::Line { file: file.to_owned(), line, why: why.into() }
    }

    /// Gives an error about one text the file it stands in.
    pub(crate) fn in_file(self, file: &str) -> Self {
        match self {
            Self::Form(why) | Self::Rule(why) => Self::file(file, why),
            placed @ (Self::Line { .. } | Self::File { .. }) => placed,
        }
    }
}

pub(crate) fn form<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::Form(why.into()))
}

pub(crate) fn rule<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::Rule(why.into()))
}
