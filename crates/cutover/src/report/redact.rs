//! The one place through which a report goes before anybody sees it: what looks like a secret is taken out of every
//! text. Nothing that writes into the run's folder puts one there; this is for errors and arguments nobody foresaw.

use serde_json::Value;

use super::Report;

/// What stands for a secret.
const GONE: &str = "[redacted]";
/// Words whose value nobody is to see.
const SECRET: &[&str] = &["password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "private_key"];

pub(super) fn all(report: &mut Report) {
    let Ok(mut value) = serde_json::to_value(&*report) else { return };
    walk(&mut value);
    if let Ok(clean) = serde_json::from_value(value) {
        *report = clean;
    }
}

fn walk(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(clean) = clean(text) {
                *text = clean;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(walk),
        Value::Object(all) => all.values_mut().for_each(walk),
        _ => {}
    }
}

/// The text without its secrets, if it has any.
fn clean(text: &str) -> Option<String> {
    let without = values(&addresses(text));
    (without != text).then_some(without)
}

/// `scheme://user:password@host`. A password may hold anything that ends an address in the books, so the last `@` counts.
fn addresses(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after.find(|letter: char| letter.is_whitespace() || "'\"`<>".contains(letter)).unwrap_or(after.len());
        let authority = &after[..end];
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
            Some((user, host)) => {
                clean.push_str(user);
                clean.push(':');
                clean.push_str(GONE);
                clean.push('@');
                clean.push_str(host);
            }
            None => clean.push_str(authority),
        }
        rest = &after[end..];
    }
    clean + rest
}

/// `JWT_SECRET=x`, `password: x`, `PASSWORD 'x'`
fn values(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut clean = String::new();
    let mut done = 0;
    while let Some((at, word)) = next_word(&lower, done) {
        let after = at + word.len();
        // The rest of the name, such as `_hash` or an `s`, is a name and no value.
        let Some((from, to)) = value_at(text, after) else {
            clean.push_str(&text[done..after]);
            done = after;
            continue;
        };
        clean.push_str(&text[done..from]);
        clean.push_str(GONE);
        done = to;
    }
    clean + &text[done..]
}

fn next_word(lower: &str, from: usize) -> Option<(usize, &'static str)> {
    let found = SECRET.iter().filter_map(|word| Some((from + lower[from..].find(word)?, *word)));
    found.min_by_key(|(at, _)| *at)
}

/// Where a value stands after its name: behind `=` or `:`, or in quotes.
fn value_at(text: &str, after: usize) -> Option<(usize, usize)> {
    let rest = &text[after..];
    let sign = rest.trim_start_matches([' ', '"']);
    let skipped = rest.len() - sign.len();
    let (value, skipped) = if let Some(value) = sign.strip_prefix(['=', ':']) {
        // `::` is a cast.
        if value.starts_with(':') {
            return None;
        }
        let trimmed = value.trim_start_matches(' ');
        (trimmed, skipped + 1 + value.len() - trimmed.len())
    } else if sign.starts_with('\'') && rest.starts_with(' ') {
        (sign, skipped)
    } else {
        return None;
    };
    let from = after + skipped;
    let length = match value.chars().next()? {
        quote @ ('\'' | '"') => {
            let inner = value[1..].find(quote).unwrap_or(value.len() - 1);
            return (inner > 0).then_some((from + 1, from + 1 + inner));
        }
        _ => value.find(|letter: char| letter.is_whitespace() || ",;&)}'\"`".contains(letter)).unwrap_or(value.len()),
    };
    // A placeholder of this program's own messages.
    let is_name = &value[..length] == "SERVICE";
    (length > 0 && !is_name && !value.starts_with(GONE)).then_some((from, from + length))
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        for text in [
            "connecting to postgres://ada:hunter2@db:5432/x failed",
            "redis://:hunter2@cache/0",
            "postgres://ada:hun/ter2:hunter2@db",
            "postgres://ada:p@hunter2@db/x",
            "JWT_SECRET=hunter2",
            "host=db password=hunter2 user=ada",
            "password = 'hunter2'",
            "ALTER ROLE ada PASSWORD 'hunter2'",
            r#"{"refresh_token":"hunter2","a":1}"#,
            "SMTP_PASSWORD: hunter2, next",
            "?token=hunter2&x=1",
            "Ärger: password=hunter2",
        ] {
            let clean = clean(text).unwrap_or_else(|| text.to_owned());
            assert!(!clean.contains("hunter2"), "{clean}");
            assert!(clean.contains("[redacted]"), "{clean}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "CREATE TABLE refresh_tokens (token_hash text, password_hash text NOT NULL)",
            "users has a column password that is empty 3 times",
            "http://10.0.0.1:8080/health",
            "1 row whose password is '' must be changed",
            "SELECT token::text FROM x",
            "run `cutover config --take JWT_SECRET=SERVICE`",
            "postgres://ada@db/x",
            "process 12 on host since 2026-11-23T11:05:22Z",
        ] {
            assert_eq!(clean(text), None, "{text}");
        }
    }
}
