//! Random trees with everything that file systems allow, removed and put back.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use pyairtable_cutover::Exit;
use pyairtable_cutover::cleanup::for_tests::{Tree, archive, look, remove, restore, verify};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::support::{Dice, long, seed};

const NAMES: &[&[u8]] = &[
    b"a",
    b"b c",
    b" leading",
    b"trailing ",
    b"...",
    b"..a",
    b"-rf",
    b"new\nline",
    b"tab\there",
    b"*",
    b"$HOME",
    b"~",
    b"'quoted'",
    b"back\\slash",
    b"\xff\xfe not utf-8",
    "\u{e9}".as_bytes(),
    "e\u{301}".as_bytes(),
    b"%41",
    b"a-name-that-is-much-longer-than-the-hundred-letters-for-which-the-first-tar-archives-of-all-had-room-in-a-header",
];

/// Everything below `base` that somebody could notice: kinds, modes, times, contents, links.
pub(crate) fn snapshot(base: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut open = vec![base.to_owned()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let what = if meta.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            "folder".to_owned()
        } else if meta.is_symlink() {
            format!("link {}", fs::read_link(&path).unwrap().display())
        } else {
            format!("file {:?}", fs::read(&path).unwrap())
        };
        let mode = if meta.is_symlink() { 0 } else { meta.mode() };
        all.insert(
            path,
            format!("{what} {mode:o} {} {} {}.{}", meta.uid(), meta.gid(), meta.mtime(), meta.mtime_nsec()),
        );
    }
    all
}

fn date(path: &Path, dice: &Dice) {
    let seconds = i64::try_from(dice.below(1_900_000_000)).unwrap();
    let time = Timespec { tv_sec: seconds, tv_nsec: i64::try_from(dice.below(1_000_000_000)).unwrap() };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Fills `folder`; links may point anywhere, into `outside` as well, and some files are the same as one there.
fn grow(folder: &Path, outside: &Path, dice: &Dice, depth: usize) {
    let mut files = Vec::new();
    for _ in 0..dice.below(7) {
        let name = OsString::from_vec(dice.one(NAMES).to_vec());
        let path = folder.join(name);
        if fs::symlink_metadata(&path).is_ok() {
            continue;
        }
        match dice.below(7) {
            0 | 1 if depth > 0 => {
                fs::create_dir(&path).unwrap();
                grow(&path, outside, dice, depth - 1);
                let mode = *dice.one(&[0o755, 0o700, 0o555, 0o1777, 0o2750]);
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            }
            2 => {
                let to = dice.one(&["..", "/", ".", "nowhere", "../../..", "a"]);
                symlink(to, &path).unwrap();
            }
            3 => symlink(outside, &path).unwrap(),
            4 => fs::hard_link(outside.join("shared"), &path).unwrap(),
            5 if !files.is_empty() => fs::hard_link(dice.one(&files), &path).unwrap(),
            _ => {
                let length = *dice.one(&[0, 1, 511, 512, 513, 70_000]);
                fs::write(&path, vec![u8::try_from(dice.below(256)).unwrap(); length]).unwrap();
                let mode = *dice.one(&[0o644, 0o600, 0o755, 0o4755, 0o400, 0o000]);
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
                files.push(path.clone());
            }
        }
        // What lies outside keeps its time, whoever shares it.
        if fs::symlink_metadata(&path).unwrap().ino() != fs::metadata(outside.join("shared")).unwrap().ino() {
            date(&path, dice);
        }
    }
}

struct Ground {
    directory: tempfile::TempDir,
    listed: PathBuf,
}

impl Ground {
    fn new(dice: &Dice) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("base");
        let outside = base.join("outside");
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("shared"), "shared").unwrap();
        // Neighbours whose names begin or end like the listed one's.
        for neighbour in ["old service", "old service-2", "old", "old service ", ".old service"] {
            fs::create_dir(base.join(neighbour)).unwrap();
            grow(&base.join(neighbour), &outside, dice, 2);
        }
        let listed = base.join("old service");
        grow(&listed, &outside, dice, 3);
        date(&listed, dice);
        Self { directory, listed }
    }

    fn base(&self) -> PathBuf {
        self.directory.path().join("base")
    }

    fn archived(&self) -> PathBuf {
        self.directory.path().join("archive.tar")
    }

    fn keep(&self) -> Tree {
        let tree = look(&self.listed, &[]).unwrap();
        archive(&tree, &self.archived()).unwrap();
        verify(&tree, &self.archived(), true).unwrap();
        tree
    }
}

/// The base's own time changes when something below it goes.
fn without_time(mut all: BTreeMap<PathBuf, String>, base: &Path) -> BTreeMap<PathBuf, String> {
    all.remove(base);
    all
}

fn elsewhere(all: &BTreeMap<PathBuf, String>, listed: &Path) -> BTreeMap<PathBuf, String> {
    all.iter().filter(|(path, _)| !path.starts_with(listed)).map(|(path, what)| (path.clone(), what.clone())).collect()
}

#[test]
fn trees_are_removed_alone_and_come_back_as_they_were() {
    let dice = Dice::new(seed());
    let mut entries = 0;
    for round in 0..if long() { 1000 } else { 40 } {
        let ground = Ground::new(&dice);
        let base = ground.base();
        let before = without_time(snapshot(&base), &base);
        let tree = ground.keep();
        entries += tree.len();
        remove(&tree).unwrap();
        assert!(fs::symlink_metadata(&ground.listed).is_err(), "round {round}");
        let after = without_time(snapshot(&base), &base);
        assert_eq!(after, elsewhere(&before, &ground.listed), "round {round}: something else was touched");
        restore(&tree, &ground.archived()).unwrap();
        assert_eq!(without_time(snapshot(&base), &base), before, "round {round}");
        // The same names are the same files again.
        verify(&tree, &ground.archived(), true).unwrap();
    }
    assert!(entries > 200, "{entries}");
}

/// What the comparison is worth: a remover that follows links is found out.
#[test]
fn trees_removed_by_whoever_follows_links_are_noticed() {
    let dice = Dice::new(1);
    let ground = Ground::new(&dice);
    let base = ground.base();
    symlink(base.join("outside"), ground.listed.join("link")).unwrap();
    let before = without_time(snapshot(&base), &base);
    fs::remove_dir_all(fs::canonicalize(ground.listed.join("link")).unwrap()).unwrap();
    fs::remove_dir_all(&ground.listed).unwrap();
    assert_ne!(without_time(snapshot(&base), &base), elsewhere(&before, &ground.listed));
}

#[test]
fn trees_half_removed_come_back_and_can_be_removed_on() {
    let dice = Dice::new(seed());
    for round in 0..if long() { 300 } else { 20 } {
        let ground = Ground::new(&dice);
        let base = ground.base();
        let before = without_time(snapshot(&base), &base);
        let tree = ground.keep();
        // Children before their parents, as far as it got.
        let mut paths: Vec<PathBuf> = before.keys().filter(|path| path.starts_with(&ground.listed)).cloned().collect();
        paths.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        for path in &paths[..dice.below(paths.len() + 1)] {
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
        if dice.below(2) == 0 {
            verify(&tree, &ground.archived(), false).unwrap();
            remove(&tree).unwrap();
            assert!(fs::symlink_metadata(&ground.listed).is_err(), "round {round}");
        }
        restore(&tree, &ground.archived()).unwrap();
        assert_eq!(without_time(snapshot(&base), &base), before, "round {round}");
    }
}

/// The file of one word with the times of `meta`.
fn restore_one(file: &Path, meta: &fs::Metadata) {
    fs::write(file, "one").unwrap();
    let time = Timespec { tv_sec: meta.mtime(), tv_nsec: meta.mtime_nsec() };
    utimensat(CWD, file, &Timestamps { last_access: time, last_modification: time }, AtFlags::empty()).unwrap();
}

#[test]
fn trees_that_were_changed_are_neither_removed_nor_written_over() {
    let dice = Dice::new(3);
    let ground = Ground::new(&dice);
    let file = ground.listed.join("settings");
    fs::write(&file, "one").unwrap();
    let tree = ground.keep();
    let before = snapshot(&ground.base());
    let refused = |changed: &dyn Fn()| {
        changed();
        let error = verify(&tree, &ground.archived(), false).unwrap_err();
        assert_eq!(error.exit(), Exit::Differs, "{error}");
        error.to_string()
    };
    let meta = fs::metadata(&file).unwrap();
    let put_back = || restore_one(&file, &meta);
    let twin = ground.base().join("outside/settings");
    // Same size and time: only the bytes tell.
    let error = refused(&|| {
        put_back();
        fs::write(&file, "two").unwrap();
        let time = Timespec { tv_sec: meta.mtime(), tv_nsec: meta.mtime_nsec() };
        utimensat(CWD, &file, &Timestamps { last_access: time, last_modification: time }, AtFlags::empty()).unwrap();
    });
    assert!(error.contains("settings has other contents"), "{error}");
    put_back();
    let new = ground.listed.join("new");
    let error = refused(&|| fs::write(&new, "").unwrap());
    assert!(error.contains("new is new"), "{error}");
    fs::remove_file(&new).unwrap();
    // A folder put in its place by a link is not gone through.
    remove(&tree).unwrap();
    symlink(ground.base().join("outside"), &ground.listed).unwrap();
    // The very file that is to be removed, where the link leads.
    restore_one(&twin, &meta);
    assert!(remove(&tree).is_err());
    assert!(twin.exists() && ground.base().join("outside/shared").exists());
    fs::remove_file(&twin).unwrap();
    assert_eq!(restore(&tree, &ground.archived()).unwrap_err().exit(), Exit::Refused);
    fs::remove_file(&ground.listed).unwrap();
    restore(&tree, &ground.archived()).unwrap();
    let listed = |all: BTreeMap<PathBuf, String>| {
        all.into_iter().filter(|(path, _)| path.starts_with(&ground.listed)).collect::<BTreeMap<_, _>>()
    };
    let (mut now, mut then) = (listed(snapshot(&ground.base())), listed(before));
    // Taking a file out and putting it in changed its folder's time before it was archived anew.
    now.remove(&ground.listed);
    then.remove(&ground.listed);
    assert_eq!(now, then);
}

#[test]
fn trees_of_every_byte_that_changed_in_the_archive_are_found_out() {
    let dice = Dice::new(seed());
    let ground = Ground::new(&dice);
    fs::write(ground.listed.join("settings"), "some settings").unwrap();
    let tree = ground.keep();
    let whole = fs::read(ground.archived()).unwrap();
    let at = whole.windows(13).position(|window| window == b"some settings").unwrap();
    for offset in 0..13 {
        let mut damaged = whole.clone();
        damaged[at + offset] ^= 1;
        fs::write(ground.archived(), &damaged).unwrap();
        assert_eq!(verify(&tree, &ground.archived(), true).unwrap_err().exit(), Exit::Differs);
    }
    fs::write(ground.archived(), &whole[..at]).unwrap();
    assert!(verify(&tree, &ground.archived(), true).is_err());
    fs::write(ground.archived(), &whole).unwrap();
    verify(&tree, &ground.archived(), true).unwrap();
}

#[test]
fn trees_that_must_stay_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(directory.path()).unwrap();
    fs::create_dir_all(base.join("old/deep")).unwrap();
    let why = |path: &Path, forbidden: &[(PathBuf, &'static str)]| {
        let error = look(path, forbidden).unwrap_err();
        assert_eq!(error.exit(), Exit::Refused, "{error}");
        error.to_string()
    };
    assert!(why(Path::new("/"), &[]).contains("no name of its own"));
    assert!(why(&base.join("old/deep/.."), &[]).contains("not a name"));
    assert!(why(Path::new("/dev"), &[]).contains("directly below /"));
    // A file system is mounted there on every machine; nothing but looking is done.
    assert!(why(Path::new("/dev/../dev/pts"), &[]).contains("mounted"));
    let run = base.join("old/deep/run");
    fs::create_dir(&run).unwrap();
    assert!(
        why(&base.join("old"), &[(run.clone(), "the folder of this run")]).contains("the folder of this run is in it")
    );
    let _socket = UnixListener::bind(base.join("old/deep/socket")).unwrap();
    assert!(why(&base.join("old"), &[]).contains("socket is a socket"));
    // `..` in the middle means what it says, and a link at the end is itself what is meant.
    fs::write(base.join("kept"), "kept").unwrap();
    symlink(base.join("kept"), base.join("link")).unwrap();
    let tree = look(&base.join("old/../link"), &[]).unwrap();
    assert_eq!((tree.top(), tree.len()), (base.join("link"), 1));
    archive(&tree, &base.join("a.tar")).unwrap();
    remove(&tree).unwrap();
    assert!(base.join("kept").exists() && fs::symlink_metadata(base.join("link")).is_err());
}
