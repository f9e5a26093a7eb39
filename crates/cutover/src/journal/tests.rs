use std::path::Path;
use std::sync::Arc;

use kernel::FixedClock;
use proptest::prelude::*;
use serde_json::json;

use super::contents::parse;
use super::{Entry, FORMAT, Journal, read};
use crate::Exit;

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at("2026-03-01T12:00:00Z".parse().unwrap()))
}

fn note(number: u64) -> Entry {
    let key = format!("note {number}");
    Entry::Noted { step: "backup".into(), key, value: json!({ "text": "a\nb \u{e9}", "number": number }) }
}

/// A journal of about `records` lines and its file's bytes.
fn written(folder: &Path, records: u64) -> Vec<u8> {
    let path = folder.join("journal");
    let mut journal = Journal::open(&path, clock(), None).unwrap();
    journal.append(Entry::Head { format: FORMAT, run: "r".into(), program: "0".into() }).unwrap();
    for number in 1..records {
        journal.append(note(number)).unwrap();
    }
    std::fs::read(path).unwrap()
}

#[test]
fn journal_reads_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = written(folder.path(), 10);
    let contents = read(&folder.path().join("journal")).unwrap();
    assert_eq!(contents.records.len(), 10);
    assert_eq!(contents.records[9].entry, note(9));
    assert_eq!((contents.length, contents.torn.len()), (bytes.len(), 0));
}

#[test]
fn journal_cut_at_each_of_its_last_4096_bytes_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = written(folder.path(), 40);
    assert!(bytes.len() > 2 * 4096, "{}", bytes.len());
    let whole = parse(&bytes, Path::new("x")).unwrap();
    for length in bytes.len() - 4096..=bytes.len() {
        let contents = parse(&bytes[..length], Path::new("x")).unwrap();
        let lines = bytes[..length].split(|&byte| byte == b'\n').count() - 1;
        assert_eq!(contents.records, whole.records[..lines]);
        assert_eq!(contents.length + contents.torn.len(), length);
    }
    // And with the file itself, which is slower.
    for length in (bytes.len() - 4096..bytes.len()).step_by(97).chain([0, 1, 100]) {
        let path = folder.path().join(format!("cut-{length}"));
        std::fs::write(&path, &bytes[..length]).unwrap();
        let mut journal = Journal::open(&path, clock(), None).unwrap();
        journal.append(note(99)).unwrap();
        drop(journal);
        let again = read(&path).unwrap();
        assert!(again.torn.is_empty());
        assert_eq!(again.records.last().unwrap().entry, note(99));
        let torn = bytes[..length].rsplit(|&byte| byte == b'\n').next().unwrap();
        let kept = std::fs::read(crate::files::beside(&path, ".torn.1")).unwrap_or_default();
        assert_eq!(kept, torn, "what was cut is kept");
    }
}

#[test]
fn journal_with_a_flipped_byte_is_refused_unless_it_is_in_the_last_record() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = written(folder.path(), 8);
    let whole = parse(&bytes, Path::new("x")).unwrap();
    let last = bytes[..bytes.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    for at in 0..bytes.len() {
        for flip in [1, 0x20, 0x80, bytes[at] ^ b'\n', bytes[at]] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            if damaged == bytes {
                continue;
            }
            match parse(&damaged, Path::new("x")) {
                // Nobody can tell it from a record that was being written.
                Ok(contents) => {
                    assert!(at >= last, "byte {at} of {last}, flipped by {flip}, went unnoticed");
                    assert_eq!(contents.records, whole.records[..7]);
                }
                Err(error) => {
                    assert_eq!(error.exit(), Exit::Differs);
                    assert!(at < last, "{error}");
                    assert!(error.to_string().contains("mv x x.damaged"), "{error}");
                }
            }
        }
    }
}

#[test]
fn journal_without_a_record_in_the_middle_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = written(folder.path(), 8);
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    for missing in 0..7 {
        let rest: Vec<u8> = [&lines[..missing], &lines[missing + 1..]].concat().concat();
        assert!(parse(&rest, Path::new("x")).is_err(), "record {missing}");
    }
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    assert!(parse(&swapped.concat(), Path::new("x")).is_err());
}

#[test]
fn journal_of_a_later_format_is_refused_with_its_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::open(&path, clock(), None).unwrap();
    journal.append(Entry::Head { format: FORMAT + 1, run: "r".into(), program: "9.1.0".into() }).unwrap();
    let error = read(&path).unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    assert!(error.to_string().contains("9.1.0"), "{error}");
}

#[test]
fn journal_keeps_records_of_kinds_that_only_a_later_program_knows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    written(folder.path(), 2);
    let mut text = std::fs::read_to_string(&path).unwrap();
    let sum = read(&path).unwrap().sum;
    let body = format!(
        "{{\"seq\":2,\"at\":\"2027-01-01T00:00:00Z\",\"prev\":\"{sum}\",\"kind\":\"moon_phase\",\"phase\":\"full\""
    );
    text.extend([body.as_str(), ",\"sum\":\"", &crate::files::sha256(&body), "\"}\n"]);
    std::fs::write(&path, text).unwrap();
    let mut journal = Journal::open(&path, clock(), None).unwrap();
    assert_eq!(journal.records()[2].entry, Entry::Unknown);
    journal.append(note(3)).unwrap();
    assert_eq!(read(&path).unwrap().records.len(), 4);
    assert!(std::fs::read_to_string(&path).unwrap().contains("moon_phase"));
}

#[test]
fn journal_that_was_opened_again_takes_nothing_from_who_had_it_before() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), 2);
    let path = folder.path().join("journal");
    let mut stopped = Journal::open(&path, clock(), None).unwrap();
    let mut newer = Journal::open(&path, clock(), None).unwrap();
    stopped.append(note(100)).unwrap();
    newer.append(note(200)).unwrap();
    let entries: Vec<Entry> = read(&path).unwrap().records.into_iter().map(|record| record.entry).collect();
    assert_eq!(entries[2..], [note(200)]);
}

proptest! {
    #[test]
    fn journal_of_any_end_gives_whole_records_or_is_refused(
        garbage in proptest::collection::vec(any::<u8>(), 0..300), keep in 0_usize..4000
    ) {
        let folder = tempfile::tempdir().unwrap();
        let bytes = written(folder.path(), 6);
        let whole = parse(&bytes, Path::new("x")).unwrap();
        let mut mixed = bytes[..keep.min(bytes.len())].to_vec();
        mixed.extend(garbage);
        if let Ok(contents) = parse(&mixed, Path::new("x")) {
            prop_assert_eq!(&contents.records[..], &whole.records[..contents.records.len()]);
        }
    }
}
