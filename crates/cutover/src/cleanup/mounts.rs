//! Where other file systems are mounted: what is behind a mount point is never ours to remove.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// The first mount point at or below `path`, as the kernel lists them. A bind mount has the device of what it shows, so
/// devices alone would not tell.
pub(super) fn within(path: &Path) -> Option<PathBuf> {
    // Without the list, devices are compared all the same.
    let listed = fs::read("/proc/self/mountinfo").unwrap_or_default();
    first_within(&listed, path)
}

fn first_within(listed: &[u8], path: &Path) -> Option<PathBuf> {
    let points = listed.split(|&byte| byte == b'\n').filter_map(|line| line.split(|&byte| byte == b' ').nth(4));
    points.map(plain).find(|point| point.starts_with(path))
}

/// Space, tab, newline and backslash are written as three octal digits.
fn plain(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let letter = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(|_| byte == b'\\');
        bytes.push(letter.unwrap_or(byte));
        rest = if letter.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{first_within, within};

    #[test]
    fn mount_points_below_are_found_and_those_beside_are_not() {
        let listed = b"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            30 22 8:1 /x /srv/old\\040side/data rw - ext4 /dev/sda1 rw\n31 22 0:5 / /srv/older rw - tmpfs none rw\n";
        let found = |path: &str| first_within(listed, Path::new(path)).map(|point| point.display().to_string());
        assert_eq!(found("/srv/old side").as_deref(), Some("/srv/old side/data"));
        assert_eq!(found("/srv/old side/data").as_deref(), Some("/srv/old side/data"));
        assert_eq!(found("/srv/old"), None);
        assert_eq!(found("/srv/old side/data/deep"), None, "that is inside of what is mounted");
        assert!(within(Path::new("/")).is_some(), "the kernel lists at least the root");
    }
}
