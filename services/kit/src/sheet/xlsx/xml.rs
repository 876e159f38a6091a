//! XML from a stranger: no document types, no entities but the five that are XML's own, nothing deep and nothing endless.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read},
};

use quick_xml::{
    XmlVersion,
    events::{BytesStart, Event},
    reader::Reader,
};

use super::{Error, Fault};

/// Bytes of one tag or one piece of text. A cell holds 32,767 characters.
const PIECE_BYTES_MAX: usize = 1 << 20;
/// A worksheet is some ten deep.
const DEPTH_MAX: usize = 64;

/// What stands next. Names come without their prefixes.
pub(super) enum Token<'a> {
    Start(Tag<'a>),
    /// Also after a tag that closes itself.
    End(String),
    Text(Cow<'a, str>),
    /// Comments and the like.
    Nothing,
    EndOfFile,
}

/// A tag that opens an element.
pub(super) struct Tag<'a>(BytesStart<'a>);

impl Tag<'_> {
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// Hands over each attribute's name, without prefix, and value.
    ///
    /// # Errors
    /// They are malformed.
    pub(super) fn each(&self, mut take: impl FnMut(&str, Cow<'_, str>)) -> Result<(), Error> {
        for attribute in self.0.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| malformed())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| malformed())?;
            take(attribute.key.local_name().into_inner(), value);
        }
        Ok(())
    }

    /// The value of one attribute.
    ///
    /// # Errors
    /// The attributes are malformed.
    pub(super) fn get(&self, wanted: &str) -> Result<Option<String>, Error> {
        let mut found = None;
        self.each(|name, value| {
            if name == wanted {
                found = Some(value.into_owned());
            }
        })?;
        Ok(found)
    }
}

pub(super) struct Xml<R> {
    reader: Reader<Edged<BufReader<R>>>,
    piece: Vec<u8>,
    depth: usize,
}

fn malformed() -> Error {
    Fault::Broken("a part is not well-formed XML").into()
}

impl<R: Read> Xml<R> {
    pub(super) fn new(source: R) -> Self {
        let source = Edged { source: BufReader::with_capacity(32 << 10, source), left: PIECE_BYTES_MAX };
        let mut reader = Reader::from_reader(source);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, piece: Vec::new(), depth: 0 }
    }

    /// The next token.
    ///
    /// # Errors
    /// The part is malformed or beyond an edge; it cannot be read.
    pub(super) fn next(&mut self) -> Result<Token<'_>, Error> {
        self.reader.get_mut().left = PIECE_BYTES_MAX;
        self.piece.clear();
        let event = self.reader.read_event_into(&mut self.piece).map_err(|error| match error {
            quick_xml::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
                Some(fault) => fault.clone().into(),
                None => Error::Io(io::Error::new(error.kind(), error.to_string())),
            },
            _ => malformed(),
        })?;
        Ok(match event {
            Event::Start(tag) => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(Fault::Excessive("its XML is too deep").into());
                }
                Token::Start(Tag(tag))
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                Token::End(tag.local_name().into_inner().to_owned())
            }
            // Not made with this setting.
            Event::Empty(_) => return Err(malformed()),
            Event::Text(text) => Token::Text(text.xml10_content()),
            Event::CData(text) => Token::Text(text.xml10_content()),
            Event::GeneralRef(reference) => {
                let named = match &*reference {
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "amp" => Some('&'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().map_err(|_| malformed())?,
                };
                let Some(character) = named else {
                    return Err(Fault::Broken("its XML has an entity of its own").into());
                };
                Token::Text(Cow::Owned(character.to_string()))
            }
            Event::DocType(_) => return Err(Fault::Broken("its XML declares a document type or entities").into()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => Token::Nothing,
            Event::Eof if self.depth > 0 => return Err(malformed()),
            Event::Eof => Token::EndOfFile,
        })
    }
}

/// Gives so many bytes and no more until it is told to go on, so that no piece fills the memory.
struct Edged<R> {
    source: R,
    left: usize,
}

impl<R: BufRead> Read for Edged<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(to)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Edged<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.source.fill_buf()?;
        if self.left == 0 && !bytes.is_empty() {
            return Err(io::Error::other(Fault::Excessive("a piece of its XML is too long")));
        }
        Ok(&bytes[..bytes.len().min(self.left)])
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
        self.source.consume(bytes);
    }
}
