//! The file that a restart reads: one line a change, its checksum in front.
//!
//! A line was acknowledged once its last byte, the line break, was on the disk. So a last line
//! without one is what a crash has left of a change that nobody was told of; any other line that
//! does not match its checksum was damaged afterwards, and is not passed over.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::{
    entries::{Retention, Writer},
    error::RevocationError,
    target::RevocationTarget,
};

const VERSION: u32 = 1;

/// Digits of the checksum, and the space after it.
const CHECKSUM: usize = 16;

/// Lines that may have become void before the file is written anew.
const SPARE_LINES: usize = 10_000;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Record {
    /// The first line, and no other.
    Format {
        version: u32,
        /// For how long the entries of this file were kept.
        leeway_ms: u64,
        max_lifetime_ms: u64,
    },
    Lift {
        target: RevocationTarget,
    },
    Revoke {
        target: RevocationTarget,
        /// Milliseconds: when the token expires, or the cut-off.
        time: u64,
    },
}

/// The open file. No other process has it.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    lines: usize,
    /// A write has failed: what the file holds is not known until it is written anew, nor whether
    /// this is the file that a restart would read.
    broken: bool,
    #[expect(dead_code, reason = "held until this is dropped")]
    lock: File,
}

impl Record {
    /// The line, with its line break.
    pub(super) fn line(&self) -> io::Result<String> {
        let json = serde_json::to_string(self)?;
        Ok(format!("{} {json}\n", checksum(json.as_bytes())))
    }

    fn read(line: &[u8]) -> Option<Self> {
        let (sum, json) = line.split_at_checked(CHECKSUM)?;
        let json = json.strip_prefix(b" ")?;
        if checksum(json).as_bytes() != sum {
            return None;
        }
        serde_json::from_slice(json).ok()
    }
}

fn checksum(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    let bytes = digest.as_ref().iter().take(CHECKSUM / 2);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

impl Journal {
    /// Takes the file, reads what it holds and writes it anew without what is void.
    pub(super) fn open(
        path: &Path,
        writer: &mut Writer,
        max_entries: usize,
        now: u64,
    ) -> Result<Self, RevocationError> {
        let lock = lock(path)?;
        read(path, writer, max_entries, now)?;
        let (file, lines) = write_anew(path, writer)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            lines,
            broken: false,
            lock,
        })
    }

    /// Appends lines; they are on the disk when this returns.
    ///
    /// After a failure the file is written anew from memory, which holds every revocation, before
    /// anything else is: half a line in the middle would be taken for damage.
    pub(super) fn append(
        &mut self,
        text: &str,
        lines: usize,
        writer: &Writer,
    ) -> Result<(), RevocationError> {
        if self.lines > 2 * writer.entries().len() + SPARE_LINES {
            self.broken = true;
        }
        if self.broken {
            (self.file, self.lines) = write_anew(&self.path, writer)?;
            self.broken = false;
        }
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data());
        self.broken = written.is_err();
        self.lines += lines;
        written.map_err(|error| failed("write to", &self.path, error))
    }

    #[cfg(test)]
    pub(super) fn break_it(&mut self) {
        // Open for reading only, so that the next write fails.
        if let Ok(file) = File::open(&self.path) {
            self.file = file;
        }
    }
}

fn failed(action: &'static str, file: &Path, error: io::Error) -> RevocationError {
    RevocationError::Io {
        action,
        file: file.to_owned(),
        source: Arc::new(error),
    }
}

/// A file of its own carries the lock, because the other one is replaced.
fn lock(path: &Path) -> Result<File, RevocationError> {
    let beside = beside(path, ".lock");
    let file = private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(&beside)
        .map_err(|error| failed("create", &beside, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RevocationError::InUse {
            file: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed("lock", &beside, error)),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// What is created is for the owner only: it says who was logged out.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn read(
    path: &Path,
    writer: &mut Writer,
    max_entries: usize,
    now: u64,
) -> Result<(), RevocationError> {
    let mut file = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("open", path, error)),
    };
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        file.read_until(b'\n', &mut text)
            .map_err(|error| failed("read", path, error))?;
        if text.is_empty() {
            break;
        }
        let (content, is_whole) = match text.strip_suffix(b"\n") {
            Some(content) => (content, true),
            None => (text.as_slice(), false),
        };
        let Some(record) = Record::read(content) else {
            if is_whole {
                return Err(RevocationError::Damaged {
                    file: path.to_owned(),
                    line,
                });
            }
            tracing::warn!(
                file = %path.display(),
                line,
                "the last line of the revocations is not whole: the change in it was not acknowledged and is dropped"
            );
            break;
        };
        apply(record, line, path, writer, max_entries, now)?;
    }
    Ok(())
}

fn apply(
    record: Record,
    line: usize,
    path: &Path,
    writer: &mut Writer,
    max_entries: usize,
    now: u64,
) -> Result<(), RevocationError> {
    let retention = writer.retention();
    match (record, line) {
        (
            Record::Format {
                version: VERSION,
                leeway_ms,
                max_lifetime_ms,
            },
            1,
        ) => {
            if retention.leeway > leeway_ms || retention.max_lifetime > max_lifetime_ms {
                tracing::warn!(
                    "`tokens.leeway` or `tokens.max_lifetime` was raised: a token that was \
                     revoked and forgotten under the old settings may be valid again"
                );
            }
            Ok(())
        }
        (Record::Format { .. }, _) | (_, 1) => Err(RevocationError::Damaged {
            file: path.to_owned(),
            line,
        }),
        (Record::Lift { target }, _) => {
            writer.remove(target.key());
            Ok(())
        }
        (Record::Revoke { target, time }, _) => {
            let key = target.key();
            if retention.forgets(key.level, time, now) {
                return Ok(());
            }
            writer
                .insert(key, time)
                .map_err(|room| RevocationError::no_room(room, max_entries))
        }
    }
}

/// Writes every entry to a new file and puts it in the place of the old one. A crash at any
/// moment leaves one of the two, whole.
fn write_anew(path: &Path, writer: &Writer) -> Result<(File, usize), RevocationError> {
    let new = beside(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove", &new, error));
        }
        _ => {}
    }
    let file = private(OpenOptions::new().append(true).create_new(true))
        .open(&new)
        .map_err(|error| failed("create", &new, error))?;
    let mut lines = 0;
    let mut out = BufWriter::new(&file);
    let written = (|| {
        let Retention {
            leeway,
            max_lifetime,
            max_session: _,
        } = writer.retention();
        let format = Record::Format {
            version: VERSION,
            leeway_ms: leeway,
            max_lifetime_ms: max_lifetime,
        };
        out.write_all(format.line()?.as_bytes())?;
        writer.entries().each(|key, time| {
            lines += 1;
            let target = key.to_target();
            out.write_all(Record::Revoke { target, time }.line()?.as_bytes())
        })?;
        out.flush()
    })();
    drop(out);
    written
        .and_then(|()| file.sync_all())
        .map_err(|error| failed("write to", &new, error))?;
    fs::rename(&new, path).map_err(|error| failed("replace", path, error))?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // The name of a file is kept by its folder.
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed("write to", folder, error))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok((file, lines))
}
