//! From bytes of a known or guessed encoding to UTF-8, in bounded memory. Bytes that mean nothing become U+FFFD.

use std::io::Read;

use encoding_rs::{Decoder, DecoderResult, GB18030, UTF_8};

use super::{Encoding, Error};

/// Bytes read from the source at once, and looked at to guess the encoding.
const CHUNK_BYTES: usize = 64 << 10;

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Beginnings of files that are no text, with what they are.
const OTHER_FORMATS: [(&[u8], &str); 6] = [
    (b"\xd0\xcf\x11\xe0", "XLS, or XLSX with a password"),
    (b"%PDF", "PDF"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\x1f\x8b", "gzip"),
    (b"Rar!", "RAR"),
];

pub(super) struct Text<R> {
    source: R,
    raw: Box<[u8]>,
    /// None while every byte so far was ASCII and nobody said what to expect.
    decoder: Option<Decoder>,
    encoding: Option<Encoding>,
    text: Vec<u8>,
    start: usize,
    ended: bool,
}

impl<R: Read> Text<R> {
    /// Reads the first chunk, and refuses what is no text at all.
    pub(super) fn open(source: R, encoding: Option<Encoding>) -> Result<Self, Error> {
        let raw = vec![0; CHUNK_BYTES].into_boxed_slice();
        let mut new = Self { source, raw, decoder: None, encoding, text: Vec::new(), start: 0, ended: false };
        let length = new.read_chunk()?;
        let head = &new.raw[..length];
        if length == 0 {
            return Err(Error::Empty);
        }
        if let Some((_, format)) = OTHER_FORMATS.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(Error::NotText { format });
        }
        if head.contains(&0) {
            return Err(Error::NotText { format: "binary" });
        }
        let marked = head.starts_with(b"\xef\xbb\xbf");
        if marked && new.encoding.is_none() {
            new.encoding = Some(Encoding::Utf8);
        }
        new.decode(if marked { 3 } else { 0 }, length);
        Ok(new)
    }

    /// The encoding, as far as it is known: nothing but ASCII reads the same in both.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }

    /// The text at hand; empty only at the end.
    pub(super) fn fill(&mut self) -> Result<&[u8], Error> {
        while self.start == self.text.len() && !self.ended {
            let length = self.read_chunk()?;
            self.decode(0, length);
        }
        Ok(&self.text[self.start..])
    }

    /// Takes `bytes` of the text at hand away.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.text.len());
    }

    #[cfg(test)]
    pub(super) fn memory_bytes(&self) -> usize {
        self.raw.len() + self.text.capacity()
    }

    /// Fills `raw` as far as the source goes; less than a whole chunk means the end.
    fn read_chunk(&mut self) -> Result<usize, Error> {
        let mut length = 0;
        while length < self.raw.len() {
            match self.source.read(&mut self.raw[length..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(more) => length += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Io(error)),
            }
        }
        Ok(length)
    }

    fn decode(&mut self, from: usize, to: usize) {
        let mut bytes = &self.raw[from..to];
        self.text.clear();
        self.start = 0;
        if self.encoding.is_none() && !bytes.is_ascii() {
            self.encoding = Some(guess(bytes));
        }
        let Some(encoding) = self.encoding else {
            self.text.extend_from_slice(bytes);
            return;
        };
        let decoder = self.decoder.get_or_insert_with(|| match encoding {
            Encoding::Utf8 => UTF_8.new_decoder_without_bom_handling(),
            Encoding::Gb18030 => GB18030.new_decoder_without_bom_handling(),
        });
        // Three bytes for every wrong one, and what the last chunk left in the decoder.
        self.text.resize(bytes.len() * 3 + 64, 0);
        let mut written = 0;
        loop {
            let (result, read, wrote) =
                decoder.decode_to_utf8_without_replacement(bytes, &mut self.text[written..], self.ended);
            bytes = &bytes[read..];
            written += wrote;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::Malformed(..) => {
                    self.text.resize(self.text.len().max(written + REPLACEMENT.len()), 0);
                    self.text[written..written + REPLACEMENT.len()].copy_from_slice(REPLACEMENT);
                    written += REPLACEMENT.len();
                }
                // The room suffices for a chunk; were it not so, more room is right too.
                DecoderResult::OutputFull => self.text.resize(self.text.len() + CHUNK_BYTES, 0),
            }
        }
        self.text.truncate(written);
    }
}

/// UTF-8 unless its rules are broken more often than whole Chinese characters keep them: a damaged byte or two does not
/// make a file GB18030, while text in GB18030 rarely looks like three-byte characters of UTF-8.
fn guess(bytes: &[u8]) -> Encoding {
    let (mut kept, mut broken) = (0_usize, 0_usize);
    let mut rest = bytes;
    loop {
        let (valid, skip) = match std::str::from_utf8(rest) {
            Ok(text) => (text, None),
            Err(error) => {
                let text = std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default();
                // Without a length the last character is merely cut by the end of the chunk.
                (text, error.error_len().map(|length| error.valid_up_to() + length))
            }
        };
        kept += valid.chars().filter(|c| c.len_utf8() >= 3).count();
        match skip {
            None => break,
            Some(skip) => {
                broken += 1;
                rest = &rest[skip..];
            }
        }
    }
    if broken > kept { Encoding::Gb18030 } else { Encoding::Utf8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], encoding: Option<Encoding>) -> (String, Option<Encoding>) {
        let mut text = Text::open(bytes, encoding).unwrap();
        let mut out = Vec::new();
        loop {
            let piece = text.fill().unwrap();
            if piece.is_empty() {
                break;
            }
            let length = piece.len().min(7);
            out.extend_from_slice(&piece[..length]);
            text.consume(length);
        }
        (String::from_utf8(out).unwrap(), text.encoding())
    }

    #[test]
    fn the_encoding_is_found_wherever_the_first_chinese_character_stands() {
        for ascii in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 5] {
            let text = format!("{}开封市祥符区,𠮷野家\n", "x".repeat(ascii));
            assert_eq!(all(text.as_bytes(), None), (text.clone(), Some(Encoding::Utf8)));
            let (gb, ..) = GB18030.encode(&text);
            assert_eq!(all(&gb, None), (text.clone(), Some(Encoding::Gb18030)));
        }
        assert_eq!(all(b"ascii", None), ("ascii".into(), None));
    }

    #[test]
    fn short_words_that_also_look_like_utf8_of_other_scripts_are_read_as_chinese_when_told() {
        let (gb, ..) = GB18030.encode("联通");
        assert_eq!(all(&gb, Some(Encoding::Gb18030)).0, "联通");
    }

    #[test]
    fn one_damaged_byte_does_not_change_the_encoding() {
        let mut bytes = "名称,地址\n开封,龙亭\n".as_bytes().to_vec();
        bytes[16] = 0xff;
        let (text, encoding) = all(&bytes, None);
        assert_eq!(encoding, Some(Encoding::Utf8));
        assert!(text.contains('\u{fffd}') && text.ends_with("龙亭\n"), "{text}");
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (bytes, name) in [
            (&b"\xd0\xcf\x11\xe0rest"[..], "XLS, or XLSX with a password"),
            (b"\xff\xfea\0", "UTF-16"),
            (b"a\0b", "binary"),
        ] {
            match Text::open(bytes, None) {
                Err(Error::NotText { format }) => assert_eq!(format, name),
                other => panic!("{name}: {:?}", other.err()),
            }
        }
        assert!(matches!(Text::open(&b""[..], None), Err(Error::Empty)));
    }
}
