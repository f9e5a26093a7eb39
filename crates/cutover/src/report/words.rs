//! Numbers and times as people read them. The same everywhere in a report.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-23 11:05:22 UTC`
pub(super) fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `2026-11-23`
pub(super) fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

/// `11:05:22`
pub(super) fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

/// `Nov 23 11:05:22`
pub(super) fn day_and_clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%b %d %H:%M:%S").to_string()
}

/// `12 ms`, `3.4 s`, `5 min 3 s`, `2 h 5 min`, `3 d 4 h`
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "durations are positive and small")]
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 0.0005 {
        return "0 ms".to_owned();
    }
    if seconds < 0.9995 {
        return format!("{:.0} ms", seconds * 1000.0);
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let two = |large: u64, one: &str, small: u64, other: &str| {
        if small == 0 { format!("{large} {one}") } else { format!("{large} {one} {small} {other}") }
    };
    match whole {
        0..3600 => two(whole / 60, "min", whole % 60, "s"),
        3600..86_400 => two(whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => two(whole / 86_400, "d", whole % 86_400 / 3600, "h"),
    }
}

/// `1,234,567`
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Files of functions are long; the journal has the whole of each.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{} … ({} letters; the journal has all)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// A value beside an axis: `0.6`, not `0.6000000000000001`.
pub(super) fn tick(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `1 row`, `2 rows`
pub(super) fn count(number_of: u64, what: &str) -> String {
    format!("{} {what}{}", number(number_of), if number_of == 1 { "" } else { "s" })
}

/// `512 B`, `1.5 KiB`, `12 MiB`
#[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
pub(super) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1000.0 {
            return if unit == "B" || value >= 99.5 {
                format!("{value:.0} {unit}")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// `0 %`, `0.02 %`, `12.5 %`; a dash without requests.
#[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match part {
        0 => "0 %".to_owned(),
        _ if share < 0.01 => "< 0.01 %".to_owned(),
        _ if share < 1.0 => format!("{share:.2} %"),
        _ => format!("{share:.1} %"),
    }
}

/// `3.4 ms`; a dash for nothing.
pub(super) fn millis(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value < 10.0 => format!("{value:.1} ms"),
        Some(value) => format!("{value:.0} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, millis, number, percent, seconds, short, tick};

    #[test]
    fn numbers_are_short_and_say_their_units() {
        for (value, shown) in [
            (0.0, "0 ms"),
            (0.0123, "12 ms"),
            (0.9996, "1.0 s"),
            (3.44, "3.4 s"),
            (59.99, "1 min"),
            (303.0, "5 min 3 s"),
            (7500.0, "2 h 5 min"),
            (273_600.0, "3 d 4 h"),
        ] {
            assert_eq!(seconds(value), shown);
        }
        assert_eq!((number(0), number(999), number(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!((count(1, "row"), count(0, "row")), ("1 row".to_owned(), "0 rows".to_owned()));
        assert_eq!(
            [bytes(0), bytes(999), bytes(1000), bytes(1536), bytes(123 << 20), bytes(5 << 40)],
            ["0 B", "999 B", "1.0 KiB", "1.5 KiB", "123 MiB", "5.0 TiB"]
        );
        assert_eq!(
            [percent(0, 0), percent(0, 9), percent(1, 1_000_000), percent(1, 400), percent(1, 8)],
            ["–", "0 %", "< 0.01 %", "0.25 %", "12.5 %"]
        );
        assert_eq!([tick(0.2 * 3.0), tick(0.0), tick(100.0), tick(0.01)], ["0.6", "0", "100", "0.01"]);
        assert_eq!(short("é"), "é");
        assert!(short(&"é".repeat(301)).starts_with(&"é".repeat(300)));
        assert_eq!([millis(None), millis(Some(1.26)), millis(Some(31.5))], ["–", "1.3 ms", "32 ms"]);
    }
}
