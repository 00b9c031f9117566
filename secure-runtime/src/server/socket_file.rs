//! A socket file: made with its permissions, removed in the end.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Socket, Type};

use super::BACKLOG;
use crate::settings::SocketMode;

/// The file of a socket that is listened on. Dropping this removes it.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: Identity,
}

/// Tells a file from another one of the same name. An inode's number is given away again once it
/// is free, so its last change belongs to it.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl SocketFile {
    /// Listens at `path`, to which nobody but those of `mode` can ever connect.
    ///
    /// # Errors
    ///
    /// Something else is there: another server, or no socket. Or the system refuses.
    pub(super) fn bind(path: &Path, mode: SocketMode) -> io::Result<(UnixListener, Self)> {
        let address = SockAddr::unix(path)?;
        remove_stale(path, &address)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&address)?;
        // Until it listens all are refused, so nobody is faster than the permissions.
        let ready = fs::set_permissions(path, fs::Permissions::from_mode(mode.bits()))
            .and_then(|()| Identity::of(path))
            .and_then(|identity| socket.listen(BACKLOG).map(|()| identity));
        match ready {
            Ok(identity) => {
                let file = Self {
                    path: path.to_owned(),
                    identity,
                };
                Ok((UnixListener::from(OwnedFd::from(socket)), file))
            }
            Err(error) => {
                fs::remove_file(path).ok();
                Err(error)
            }
        }
    }
}

/// Removes the socket that a server left behind which did not end well, and nothing else.
///
/// Two servers that start in the same instant can both find it stale. The later one gets the
/// name then, and the other is not reached.
fn remove_stale(path: &Path, address: &SockAddr) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A server with a full backlog would make it wait.
    probe.set_nonblocking(true)?;
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(()) | Err(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // The next server may be there already.
        if Identity::of(&self.path).is_ok_and(|found| found == self.identity) {
            fs::remove_file(&self.path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    /// A path of its own for each test.
    fn path(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("secure-socket-{name}-{}", std::process::id()));
        fs::remove_file(&path).ok();
        path
    }

    fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
        SocketFile::bind(path, SocketMode::default())
    }

    #[test]
    fn the_file_has_its_mode_and_goes_in_the_end() {
        let path = path("mode");
        for mode in ["600", "660"] {
            let (listener, file) = SocketFile::bind(&path, mode.parse().unwrap()).unwrap();
            let bits = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(bits, u32::from_str_radix(mode, 8).unwrap());
            UnixStream::connect(&path).unwrap();
            listener.accept().unwrap();
            drop(file);
            assert!(!path.exists());
        }
    }

    #[test]
    fn what_a_dead_server_left_is_replaced() {
        let path = path("stale");
        let (listener, file) = bind(&path).unwrap();
        drop(listener);
        std::mem::forget(file);
        assert!(path.exists());
        let (listener, _file) = bind(&path).unwrap();
        UnixStream::connect(&path).unwrap();
        listener.accept().unwrap();
    }

    #[test]
    fn what_is_not_stale_stays() {
        let path = path("kept");
        let (listener, file) = bind(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        UnixStream::connect(&path).unwrap();
        drop((listener, file));

        // No stream socket at all, so nobody of ours.
        let other = UnixDatagram::bind(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(other);
        fs::remove_file(&path).unwrap();

        fs::write(&path, "data").unwrap();
        assert_eq!(
            bind(&path).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(&path).unwrap(), b"data");
        fs::remove_file(&path).unwrap();

        // A link is not followed: what it names is not ours to remove.
        let target = super::tests::path("target");
        let (listener, stale) = bind(&target).unwrap();
        drop(listener);
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert_eq!(
            bind(&path).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert!(target.exists());
        drop(stale);
        fs::remove_file(&path).unwrap();
    }

    /// The old server drains for a while, and the new one listens already.
    #[test]
    fn the_file_of_the_next_server_is_not_removed() {
        let path = path("next");
        let (listener, old) = bind(&path).unwrap();
        drop(listener);
        let (listener, new) = bind(&path).unwrap();
        drop(old);
        UnixStream::connect(&path).unwrap();
        listener.accept().unwrap();
        drop(new);
        assert!(!path.exists());
    }

    #[test]
    fn a_path_that_cannot_be_a_socket_is_an_error() {
        let long = PathBuf::from(format!("/tmp/{}", "x".repeat(200)));
        assert!(bind(&long).is_err());
        assert!(bind(Path::new("/no/such/folder/socket")).is_err());
    }
}
