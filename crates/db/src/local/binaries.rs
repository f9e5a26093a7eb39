//! Finds `postgres` and `initdb`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{LocalError, Options};

/// The oldest major still maintained when this was written; older ones lack what the migrations use.
const MINIMUM_MAJOR: u32 = 14;

/// A directory of binaries that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) postgres: PathBuf,
    pub(super) initdb: PathBuf,
}

/// The first installation that can serve: of the major in `PG_VERSION` once there is a data directory.
pub(super) fn find(options: &Options, data: &Path) -> Result<Binaries, LocalError> {
    let wanted = fs::read_to_string(data.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
    let mut found = Vec::new();
    for bindir in candidates(options) {
        let binaries = Binaries { postgres: bindir.join("postgres"), initdb: bindir.join("initdb") };
        // The path says little: `postgres` in PATH is often a link into some other directory. It knows best itself.
        let Some(major) = binaries.initdb.is_file().then(|| major(&binaries.postgres)).flatten() else { continue };
        let fits = wanted.as_ref().map_or(major >= MINIMUM_MAJOR, |wanted| *wanted == major.to_string());
        if fits {
            return Ok(binaries);
        }
        found.push(major);
    }
    found.sort_unstable();
    found.dedup();
    match (found.last(), wanted, &options.bindir) {
        (None, _, Some(bindir)) => Err(LocalError::Bindir(bindir.clone())),
        (None, _, None) => Err(LocalError::NotInstalled),
        (Some(_), Some(wanted), _) => {
            let found = found.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            Err(LocalError::VersionMismatch { data: data.to_owned(), wanted, found })
        }
        (Some(&found), None, _) => Err(LocalError::TooOld { found, minimum: MINIMUM_MAJOR }),
    }
}

/// Where to look, best first.
fn candidates(options: &Options) -> Vec<PathBuf> {
    if let Some(bindir) = &options.bindir {
        return vec![bindir.clone()];
    }
    let mut candidates: Vec<PathBuf> = options.search_path.iter().flat_map(std::env::split_paths).collect();
    // A relative entry of PATH would run whatever lies in the current directory.
    candidates.retain(|path| path.is_absolute());
    for (parent, prefix, rest) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        let names = fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let mut versions: Vec<(u32, PathBuf)> = names
            .filter_map(|name| name.to_str()?.strip_prefix(prefix).map(|version| (digits(version), name.clone())))
            .map(|(version, name)| (version, Path::new(parent).join(name).join(rest)))
            .collect();
        versions.sort();
        candidates.extend(versions.into_iter().rev().map(|(_, path)| path));
    }
    candidates
}

/// What `postgres --version` says, as in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(digits(text.split_once("(PostgreSQL) ")?.1)).filter(|&major| major > 0)
}

/// The first number in `text`, 0 if there is none: `16beta1` is 16, `@17` is 17.
fn digits(text: &str) -> u32 {
    let number = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn majors_are_read_from_every_form_seen() {
        for (text, major) in [("15.18 (Debian)\n", 15), ("18devel", 18), ("@16", 16), ("", 0), ("@", 0)] {
            assert_eq!(digits(text), major, "{text:?}");
        }
    }
}
