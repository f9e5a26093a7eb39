//! A second opinion on every statement before it is run: squawk, which parses it as PostgreSQL does and knows what locks,
//! rewrites and breaks. Why this one: `docs/adr/0014-online-expansion.md`.

use db::migrate::{Piece, Way};
use squawk_linter::{Linter, Rule};
use squawk_syntax::SourceFile;

/// What is wrong with a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The migration it is part of.
    pub version: i32,
    /// The rule's name, as squawk's documentation lists it.
    pub rule: String,
    /// What it says.
    pub message: String,
}

/// About how tables should look or how files should be written, and not about what a running service feels.
const MATTERS_OF_STYLE: &[Rule] = &[
    Rule::PreferBigintOverInt,
    Rule::PreferBigintOverSmallint,
    Rule::PreferIdentity,
    Rule::PreferTextField,
    Rule::PreferTimestampTz,
    Rule::BanCharField,
    Rule::PreferRobustStmts,
    Rule::UnusedIgnore,
    // The runner opens the transactions and sets both limits.
    Rule::TransactionNesting,
    Rule::BanUncommittedTransaction,
    Rule::RequireLockTimeout,
    Rule::RequireStatementTimeout,
    Rule::RequireTimeoutSettings,
    // The search path decides (T-41).
    Rule::RequireTableSchema,
];

/// Objections to released files that were looked into: (migration, rule, why it does no harm).
pub const LOOKED_INTO: &[(i32, &str, &str)] = &[
    (4, "require-concurrent-index-creation", "built before the file where old services have the table"),
    (9, "require-concurrent-index-creation", "on audit_events, which no old service knows"),
    (15, "adding-foreign-key-constraint", "between two tables that no old service knows"),
    (15, "require-concurrent-index-creation", "on webhook_endpoints, which no old service knows"),
    (16, "require-concurrent-index-creation", "on jobs, which no old service knows"),
];

/// Words that stand in no body of a DO block or function: squawk does not look inside.
const NEVER: &[&str] = &[
    "drop table",
    "drop column",
    "drop constraint",
    "drop view",
    "truncate",
    "rename to",
    "rename column",
    "alter column",
    "set not null",
    "set data type",
    "vacuum full",
    "cluster ",
];

/// Everything that squawk says about a piece and that was not looked into.
pub fn lint(piece: &Piece) -> Vec<Objection> {
    let object = |rule: &str, message: String| Objection { version: piece.version, rule: rule.to_owned(), message };
    let parsed = SourceFile::parse(&piece.sql);
    let mut found: Vec<Objection> =
        parsed.errors().iter().map(|error| object("syntax", error.message().to_owned())).collect();
    let mut linter = Linter::with_rules(&[], MATTERS_OF_STYLE);
    linter.settings.assume_in_transaction = !matches!(piece.way, Way::Concurrently { .. });
    found.extend(linter.lint(&parsed, &piece.sql).into_iter().map(|one| object(&one.code.to_string(), one.message)));
    let excused = |one: &Objection| {
        piece.way == Way::File
            && LOOKED_INTO.iter().any(|(version, rule, _)| *version == one.version && *rule == one.rule)
    };
    found.retain(|one| !excused(one));
    for body in piece.sql.split("$$").skip(1).step_by(2) {
        let body = body.to_lowercase();
        found.extend(
            NEVER
                .iter()
                .filter(|word| body.contains(**word))
                .map(|word| object("opaque", format!("the body of a block or function says {}", word.trim()))),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use db::migrate::{MIGRATIONS, Piece, Way};

    use super::{LOOKED_INTO, lint};

    fn piece(sql: &str, way: Way) -> Piece {
        Piece { version: 0, name: "test", table: None, sql: sql.to_owned(), way }
    }

    fn rules(sql: &str, way: Way) -> Vec<String> {
        lint(&piece(sql, way)).into_iter().map(|one| one.rule).collect()
    }

    #[test]
    fn released_files_raise_no_objection_and_each_excuse_is_used() {
        let mut raised = Vec::new();
        for migration in MIGRATIONS {
            // Outside a file's way nothing is excused.
            let mut piece = piece(migration.sql, Way::File);
            piece.version = migration.version;
            assert_eq!(lint(&piece), [], "V{}", migration.version);
            piece.way = Way::Brief;
            raised.extend(lint(&piece).into_iter().map(|one| (one.version, one.rule)));
        }
        raised.sort();
        raised.dedup();
        let mut excused: Vec<_> = LOOKED_INTO.iter().map(|(version, rule, _)| (*version, (*rule).to_owned())).collect();
        excused.sort();
        assert_eq!(raised, excused);
    }

    #[test]
    fn what_stops_a_running_service_is_found() {
        for (sql, rule) in [
            ("CREATE INDEX i ON users (email)", "require-concurrent-index-creation"),
            ("ALTER TABLE users ALTER COLUMN id TYPE bigint", "changing-column-type"),
            ("ALTER TABLE users ADD COLUMN k uuid DEFAULT gen_random_uuid()", "adding-field-with-default"),
            ("ALTER TABLE users ADD CONSTRAINT c CHECK (email <> '')", "constraint-missing-not-valid"),
            ("ALTER TABLE users ALTER COLUMN email SET NOT NULL", "adding-not-nullable-field"),
            ("ALTER TABLE users ADD COLUMN k text NOT NULL", "adding-required-field"),
            ("ALTER TABLE users DROP COLUMN email", "ban-drop-column"),
            ("ALTER TABLE users RENAME TO people", "renaming-table"),
            ("DROP TABLE users", "ban-drop-table"),
            ("ALTER TABLE users ADD COLUMN oops", "syntax"),
            ("DO $$ BEGIN DROP TABLE users; END $$", "opaque"),
        ] {
            let found = rules(sql, Way::Brief);
            assert!(found.iter().any(|one| one == rule), "{sql}: {found:?}");
        }
        assert_eq!(rules("ALTER TABLE users ADD COLUMN k text", Way::Brief), [""; 0]);
        let way = Way::Concurrently { index: "i" };
        assert_eq!(rules("CREATE INDEX CONCURRENTLY i ON users (email)", way), [""; 0]);
    }
}
