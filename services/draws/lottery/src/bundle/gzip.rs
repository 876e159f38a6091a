//! One gzip file (RFC 1952) with one member, its frame read here, so that not a byte beside the archive goes unseen.

use std::io::{self, BufRead, BufReader, Read};

use flate2::{CrcReader, bufread::DeflateDecoder};

use super::damaged;

/// A header whose name, comment and extra field take more bytes is refused.
const HEADER_BYTES_MAX: u64 = 1 << 16;
/// What is squeezed more than this is no evidence but a bomb; looked at from [`RATIO_FROM`] bytes on. Tables of many sorted names of 64
/// bytes come to less than 150.
const RATIO_MAX: u64 = 256;
const RATIO_FROM: u64 = 64 << 20;

/// Counts the bytes taken from a file.
struct Counted<R> {
    from: BufReader<R>,
    taken: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.from.read(buffer)?;
        self.taken += len as u64;
        Ok(len)
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.from.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount as u64;
        self.from.consume(amount);
    }
}

/// What a gzip file holds, as it is read.
pub struct Gunzip<R: Read> {
    inflate: CrcReader<DeflateDecoder<Counted<R>>>,
    given: u64,
}

impl<R: Read> Gunzip<R> {
    /// Reads the header.
    pub fn new(input: R) -> io::Result<Self> {
        let mut counted = Counted { from: BufReader::with_capacity(1 << 16, input), taken: 0 };
        header(&mut counted)?;
        Ok(Self { inflate: CrcReader::new(DeflateDecoder::new(counted)), given: 0 })
    }

    /// After the last byte: compares sum and size; tells whether anything follows.
    pub fn end(self) -> io::Result<bool> {
        let (sum, given) = (self.inflate.crc().sum(), self.given);
        let mut rest = self.inflate.into_inner().into_inner();
        let mut trailer = [0; 8];
        rest.read_exact(&mut trailer)?;
        // Sizes are written modulo 2^32.
        let wanted = (u64::from(sum)) | (given << 32);
        if u64::from_le_bytes(trailer) != wanted {
            return damaged("the sum at its end does not fit");
        }
        Ok(!rest.fill_buf()?.is_empty())
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inflate.read(buffer)?;
        self.given += len as u64;
        if self.given > RATIO_FROM && self.given > self.inflate.get_ref().get_ref().taken.saturating_mul(RATIO_MAX) {
            return damaged("it swells beyond all measure: no bundle does");
        }
        Ok(len)
    }
}

fn header(input: &mut impl BufRead) -> io::Result<()> {
    let mut input = input.take(HEADER_BYTES_MAX);
    let mut fixed = [0; 10];
    input.read_exact(&mut fixed)?;
    let flags = fixed[3];
    if fixed[..3] != [31, 139, 8] || flags & 0xe0 != 0 {
        return damaged("no gzip header");
    }
    if flags & 4 != 0 {
        let mut len = [0; 2];
        input.read_exact(&mut len)?;
        let len = u64::from(u16::from_le_bytes(len));
        if io::copy(&mut (&mut input).take(len), &mut io::sink())? != len {
            return damaged("no gzip header");
        }
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let mut text = Vec::new();
            input.read_until(0, &mut text)?;
            if text.last() != Some(&0) {
                return damaged("no gzip header");
            }
        }
    }
    if flags & 2 != 0 { input.read_exact(&mut [0; 2]) } else { Ok(()) }
}
