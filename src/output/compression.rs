//! Compression of texts while they are written.

use std::io::Write;
use std::path::Path;

use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Compressed bytes that are passed on together.
const CHUNK: usize = 64 << 10;

/// How a text file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compression {
    /// As by the program gzip
    Gzip,
    /// As by the program zstd
    Zstd,
}

impl Compression {
    /// That of a file of this name, and its name without it: `a.csv.gz` is `a.csv` in gzip.
    pub(crate) fn of_name(name: &Path) -> Option<(Compression, std::path::PathBuf)> {
        let own = match name.extension()?.to_str()?.to_lowercase().as_str() {
            "gz" => Compression::Gzip,
            "zst" => Compression::Zstd,
            _ => return None,
        };
        Some((own, name.with_extension("")))
    }

    /// The name in messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    /// The end of a file's name.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Compression::Gzip => "gz",
            Compression::Zstd => "zst",
        }
    }

    /// Whether this build has it.
    ///
    /// # Errors
    /// `unsupported` in a build without the feature.
    pub(crate) fn check(self) -> Result<()> {
        if self == Compression::Zstd && !cfg!(feature = "zstd") {
            return Err(Error::new(ErrorKind::Unsupported, "this build does not compress files with zstd".to_owned())
                .advise("build opnode with the feature `zstd`, or end the name with .gz"));
        }
        Ok(())
    }
}

/// Bytes on their way into a compressed file. Equal bytes give an equal file.
pub(crate) struct PackedOutput {
    encoder: Encoder,
}

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    #[cfg(feature = "zstd")]
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl PackedOutput {
    /// # Errors
    /// As [`Compression::check`].
    pub(crate) fn new(compression: Compression) -> Result<PackedOutput> {
        compression.check()?;
        let encoder = match compression {
            #[cfg(feature = "zstd")]
            Compression::Zstd => {
                // The content has a checksum, as files of the program zstd do.
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 0).map_err(|e| failed(&e))?;
                encoder.include_checksum(true).map_err(|e| failed(&e))?;
                Encoder::Zstd(encoder)
            }
            _ => Encoder::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::default())),
        };
        Ok(PackedOutput { encoder })
    }

    /// Adds bytes; what is compressed goes to `out`.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn put(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let written = match &mut self.encoder {
            Encoder::Gzip(encoder) => encoder.write_all(bytes),
            #[cfg(feature = "zstd")]
            Encoder::Zstd(encoder) => encoder.write_all(bytes),
        };
        written.map_err(|e| failed(&e))?;
        let packed = match &mut self.encoder {
            Encoder::Gzip(encoder) => encoder.get_mut(),
            #[cfg(feature = "zstd")]
            Encoder::Zstd(encoder) => encoder.get_mut(),
        };
        if packed.len() >= CHUNK {
            out(packed)?;
            packed.clear();
        }
        Ok(())
    }

    /// Passes the rest to `out`.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn finish(self, out: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let rest = match self.encoder {
            Encoder::Gzip(encoder) => encoder.finish(),
            #[cfg(feature = "zstd")]
            Encoder::Zstd(encoder) => encoder.finish(),
        };
        out(&rest.map_err(|e| failed(&e))?)
    }
}

fn failed(cause: &std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("the text could not be compressed: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::Path;

    use super::{Compression, PackedOutput};

    fn packed(compression: Compression, parts: &[&[u8]]) -> Vec<u8> {
        let mut all = Vec::new();
        let mut own = PackedOutput::new(compression).unwrap();
        let mut out = |bytes: &[u8]| {
            all.extend_from_slice(bytes);
            Ok(())
        };
        parts.iter().for_each(|part| own.put(part, &mut out).unwrap());
        own.finish(&mut out).unwrap();
        all
    }

    #[test]
    fn texts_come_back() {
        let random: Vec<u8> = (0..1 << 20).map(|_| fastrand::u8(..)).collect();
        for parts in [&[][..], &[b"a,b\n".as_slice(), b"1,2\n"], &[&random, b"x".as_slice(), &random]] {
            let whole = parts.concat();
            let gzip = packed(Compression::Gzip, parts);
            let mut back = Vec::new();
            flate2::read::MultiGzDecoder::new(gzip.as_slice()).read_to_end(&mut back).unwrap();
            assert!(back == whole && gzip == packed(Compression::Gzip, parts));
            #[cfg(feature = "zstd")]
            {
                let zstd = packed(Compression::Zstd, parts);
                assert!(zstd::stream::decode_all(zstd.as_slice()).unwrap() == whole);
                assert!(zstd == packed(Compression::Zstd, parts));
            }
        }
    }

    #[test]
    fn a_name_says_how_a_file_is_compressed() {
        for (name, found) in [
            ("out/a.csv.gz", Some((Compression::Gzip, "out/a.csv"))),
            ("a.NDJSON.ZST", Some((Compression::Zstd, "a.NDJSON"))),
            ("a.csv", None),
            (".gz", None),
        ] {
            let found = found.map(|(own, rest)| (own, Path::new(rest).to_owned()));
            assert_eq!(Compression::of_name(Path::new(name)), found, "{name}");
        }
        assert_eq!(Compression::Zstd.check().is_ok(), cfg!(feature = "zstd"));
    }
}
