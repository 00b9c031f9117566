//! What a restart finds.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use super::{memory::alone, *};
use crate::revocation::file::Record;

fn kept(folder: &Folder) -> RevocationOptions {
    RevocationOptions {
        file: Some(folder.file()),
        ..options()
    }
}

fn reopen(rig: &mut Rig, folder: &Folder) {
    // The file is given back before it is opened again.
    rig.list = RevocationList::open(rig.clock.clone(), options()).unwrap();
    rig.list = RevocationList::open(rig.clock.clone(), kept(folder)).unwrap();
}

#[tokio::test]
async fn r08_a_restart_forgets_nothing() {
    let folder = Folder::new();
    let mut rig = Rig::with(kept(&folder));
    let caller = rig.caller(&rig.token());
    let bob = rig.caller(&rig.tokens.token("bob"));
    let lifted = rig.caller(&rig.tokens.token("cal"));
    rig.list.revoke(&caller).await.unwrap();
    rig.list.revoke(&lifted).await.unwrap();
    rig.list.revoke_subject(ISSUER, "bob").await.unwrap();
    rig.list
        .revoke_client(ISSUER, "a \"client\"\\ä")
        .await
        .unwrap();
    let target = RevocationTarget::Token {
        issuer: ISSUER.into(),
        token_id: lifted.token_id().into(),
    };
    assert!(rig.list.lift(&target).await.unwrap());
    let entries = rig.list.list().await.unwrap();
    assert_eq!(entries.len(), 3);
    for _ in 0..3 {
        reopen(&mut rig, &folder);
        assert_eq!(rig.list.list().await.unwrap(), entries);
        rig.assert_revoked(&caller);
        rig.assert_revoked(&bob);
        rig.assert_good(&lifted);
    }
    // What is over is not read again.
    rig.advance(11 * 60_000);
    reopen(&mut rig, &folder);
    assert_eq!(rig.list.list().await.unwrap().len(), 2);
}

const PATH: &str = "REVOCATION_TEST_FILE";

/// SIGKILL directly after `revoke` has returned.
#[cfg(unix)]
#[tokio::test]
async fn r08_a_killed_process_has_kept_what_it_acknowledged() {
    let clock = Clock::system();
    let tokens = Tokens::new(&clock);
    let authenticator = Authenticator::new(
        vec![tokens.issuer()],
        clock.clone(),
        AuthenticatorOptions::default(),
    )
    .unwrap();
    let folder = Folder::new();
    let mut acknowledged = Vec::new();
    for round in 0..5 {
        let mut child = alone("revocation::tests::file::the_process_that_is_killed")
            .env(PATH, folder.file())
            .env("REVOCATION_TEST_ROUND", round.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let caller =
            authenticate(&authenticator, &tokens.token(&format!("{round}-7")).sign()).unwrap();
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(subject) = line.strip_prefix("revoked ") {
                acknowledged.push(subject.to_owned());
                if subject.ends_with("-7") {
                    break;
                }
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let list = RevocationList::open(clock.clone(), kept(&folder)).unwrap();
        let entries = list.list().await.unwrap();
        for subject in &acknowledged {
            let target = RevocationTarget::Subject {
                issuer: ISSUER.into(),
                subject: subject.clone(),
            };
            assert!(
                entries.iter().any(|entry| entry.target == target),
                "{subject}"
            );
        }
        assert!(judge(&list, &caller).is_some());
    }
    assert_eq!(acknowledged.len(), 5 * 8);
}

#[tokio::test]
#[ignore = "started by the one before, and killed"]
async fn the_process_that_is_killed() {
    let Some(file) = std::env::var_os(PATH) else {
        return;
    };
    let round = std::env::var("REVOCATION_TEST_ROUND").unwrap();
    let options = RevocationOptions {
        file: Some(file.into()),
        ..options()
    };
    let list = RevocationList::open(Clock::system(), options).unwrap();
    // Goes on until it is killed.
    for n in 0.. {
        let subject = format!("{round}-{n}");
        if list.revoke_subject(ISSUER, &subject).await.is_err() {
            break;
        }
        eprintln!("revoked {subject}");
    }
    std::thread::park();
}

#[tokio::test]
async fn a_torn_last_line_is_dropped_and_any_other_damage_is_not() {
    let folder = Folder::new();
    let mut rig = Rig::with(kept(&folder));
    for subject in ["bob", "cal", "dan"] {
        rig.list.revoke_subject(ISSUER, subject).await.unwrap();
    }
    rig.list = RevocationList::open(rig.clock.clone(), options()).unwrap();
    let text = fs::read(folder.file()).unwrap();
    let starts: Vec<usize> = (0..text.len())
        .filter(|at| *at == 0 || text[at - 1] == b'\n')
        .collect();
    assert_eq!(starts.len(), 4, "the format, and three lines");
    let open = || RevocationList::open(rig.clock.clone(), kept(&folder));

    // Cut anywhere in the last line: what was acknowledged before is there.
    for end in [starts[3] + 1, starts[3] + 20, text.len() - 2] {
        fs::write(folder.file(), &text[..end]).unwrap();
        let list = open().unwrap();
        assert_eq!(list.counts().await.unwrap().subjects, 2, "{end}");
        // And the next revocation begins a line of its own.
        list.revoke_subject(ISSUER, "eve").await.unwrap();
        drop(list);
        assert_eq!(open().unwrap().counts().await.unwrap().subjects, 3);
    }
    // A file that has grown and holds zeros where the line was to be.
    let mut zeros = text.clone();
    zeros.extend([0; 100]);
    fs::write(folder.file(), &zeros).unwrap();
    assert_eq!(open().unwrap().counts().await.unwrap().subjects, 3);
    // Whole but for its line break: it is read.
    fs::write(folder.file(), &text[..text.len() - 1]).unwrap();
    assert_eq!(open().unwrap().counts().await.unwrap().subjects, 3);

    // One changed byte in any line, the last one too.
    for (line, start) in starts.iter().enumerate() {
        for offset in [0, 16, 17, 30] {
            let mut damaged = text.clone();
            damaged[start + offset] ^= 1;
            fs::write(folder.file(), &damaged).unwrap();
            let error = open().unwrap_err();
            assert!(
                matches!(&error, RevocationError::Damaged { line: found, .. } if *found == line + 1),
                "{error}"
            );
            let message = error.to_string();
            assert!(message.starts_with(&format!("line {} of `", line + 1)));
            assert!(message.contains(&*folder.file().to_string_lossy()));
            assert_eq!(fs::read(folder.file()).unwrap(), damaged, "nothing is lost");
        }
    }
    // No file of ours.
    for other in ["\n", "hello\n", "[a]\nb = 1\n"] {
        fs::write(folder.file(), other).unwrap();
        assert!(matches!(
            open().unwrap_err(),
            RevocationError::Damaged { line: 1, .. }
        ));
    }
    // A line of the right form in the wrong place, or of a version to come.
    let format = |version| Record::Format {
        version,
        leeway_ms: 0,
        max_lifetime_ms: 0,
    };
    let twice = format(1).line().unwrap().repeat(2);
    fs::write(folder.file(), twice).unwrap();
    assert!(open().is_err());
    fs::write(folder.file(), format(2).line().unwrap()).unwrap();
    assert!(open().is_err());
    // None at all, and an empty one.
    fs::write(folder.file(), "").unwrap();
    assert_eq!(open().unwrap().counts().await.unwrap().subjects, 0);
}

#[tokio::test]
async fn a_file_belongs_to_one_process() {
    let folder = Folder::new();
    let clock = Clock::manual().0;
    let first = RevocationList::open(clock.clone(), kept(&folder)).unwrap();
    let error = RevocationList::open(clock.clone(), kept(&folder)).unwrap_err();
    assert!(matches!(error, RevocationError::InUse { .. }), "{error}");
    // A clone holds it too.
    let clone = first.clone();
    drop(first);
    assert!(RevocationList::open(clock.clone(), kept(&folder)).is_err());
    drop(clone);
    RevocationList::open(clock, kept(&folder)).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    // Left open by somebody.
    fs::write(folder.file(), "").unwrap();
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o644)).unwrap();
    // Left over from a crash while it was written anew.
    fs::write(folder.0.join("revocations.new"), "half").unwrap();
    let list = RevocationList::open(Clock::manual().0, kept(&folder)).unwrap();
    list.revoke_subject(ISSUER, SUBJECT).await.unwrap();
    let mut names: Vec<_> = fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.path());
            entry.file_name()
        })
        .collect();
    names.sort();
    assert_eq!(names, ["revocations", "revocations.lock"]);
}

#[tokio::test]
async fn a_folder_that_is_not_there_stops_the_start() {
    let folder = Folder::new();
    let options = RevocationOptions {
        file: Some(folder.0.join("missing/revocations")),
        ..options()
    };
    let error = RevocationList::open(Clock::manual().0, options).unwrap_err();
    assert!(error.to_string().starts_with("cannot create `"), "{error}");
}

#[tokio::test]
async fn more_than_there_is_room_for_stops_the_start() {
    let folder = Folder::new();
    let rig = Rig::with(kept(&folder));
    for n in 0..5 {
        rig.list
            .revoke_subject(ISSUER, &format!("{n}"))
            .await
            .unwrap();
    }
    let clock = rig.clock.clone();
    drop(rig);
    let before = fs::read(folder.file()).unwrap();
    let options = RevocationOptions {
        max_entries: 4,
        ..kept(&folder)
    };
    let error = RevocationList::open(clock, options).unwrap_err();
    assert!(matches!(error, RevocationError::Full { max_entries: 4 }));
    assert_eq!(fs::read(folder.file()).unwrap(), before);
}

/// A write that fails is made good by a new file, and if that fails too, the caller learns it.
#[tokio::test]
async fn a_disk_that_fails() {
    let folder = Folder::new();
    let mut rig = Rig::with(kept(&folder));
    let caller = rig.caller(&rig.token());
    rig.list.revoke_subject(ISSUER, "bob").await.unwrap();
    rig.list.0.keeper.ask(Order::Break).await.unwrap();
    rig.list.revoke_subject(ISSUER, "cal").await.unwrap();
    reopen(&mut rig, &folder);
    assert_eq!(rig.list.counts().await.unwrap().subjects, 2);

    // No new file can be written where a folder has its name.
    let in_the_way = folder.0.join("revocations.new");
    fs::create_dir(&in_the_way).unwrap();
    rig.list.0.keeper.ask(Order::Break).await.unwrap();
    let outcome = rig.list.revoke(&caller).await;
    assert!(matches!(outcome, Err(RevocationError::Io { .. })));
    // It holds here all the same, and a lift that is not on the disk does not.
    rig.assert_revoked(&caller);
    let target = RevocationTarget::Token {
        issuer: ISSUER.into(),
        token_id: caller.token_id().into(),
    };
    assert!(rig.list.lift(&target).await.is_err());
    rig.assert_revoked(&caller);
    // The disk is well again: nothing of before is missing.
    fs::remove_dir(&in_the_way).unwrap();
    rig.list.revoke_subject(ISSUER, "dan").await.unwrap();
    reopen(&mut rig, &folder);
    rig.assert_revoked(&caller);
    assert_eq!(rig.list.counts().await.unwrap().subjects, 3);
}

/// The file does not grow for ever under a process that runs for months.
#[tokio::test]
async fn void_lines_are_written_away() {
    let folder = Folder::new();
    let rig = Rig::with(kept(&folder));
    let mut longest = 0;
    for _ in 0..25 {
        // Many at a time, or the test would wait for the disk.
        let together = (0..500).map(|_| rig.list.revoke_subject(ISSUER, "bob"));
        let outcomes = futures_util::future::join_all(together).await;
        assert!(outcomes.into_iter().all(|outcome| outcome.is_ok()));
        longest = longest.max(fs::metadata(folder.file()).unwrap().len());
    }
    let last = fs::metadata(folder.file()).unwrap().len();
    assert!(last < longest, "{last} bytes, and never fewer");
}
