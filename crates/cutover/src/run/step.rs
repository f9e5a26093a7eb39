//! What a step is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use db::DatabaseUrl;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cx, Folder, Plan};
use crate::Result;

/// Something that is being done.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// A step of the run. It may be begun any number of times: after a crash nobody knows how far it had come.
pub trait Step {
    /// The word for it, on the command line and in the journal. It never changes, or old runs cannot be resumed.
    fn name(&self) -> &'static str;

    /// What it does, in half a line.
    fn about(&self) -> &'static str;

    /// Every statement and call that [`Step::action`] makes, in order, without making any. What is only known then
    /// stands in `<angle brackets>`.
    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>>;

    /// Whether it may be done now. [`crate::Error::Refused`] says why not and what to do; nothing is changed.
    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()>;

    /// Does it. Each statement and call goes through [`Cx::call`] first.
    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()>;

    /// What it came to, if it is done: asked of the database and the files, before and after the action.
    /// [`crate::Error::Differs`] if it had been done and was changed since.
    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>>;

    /// Removes what an unfinished attempt left. By default nothing is left or the action copes with it.
    fn clear<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        let _ = cx;
        Box::pin(async { Ok(()) })
    }

    /// Undoes it, for a rollback. What only helps, such as a backup, stays.
    fn undo<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()>;
}

/// What a dry run knows.
pub struct Preview {
    /// The run's folder, which may not exist.
    pub folder: Folder,
    /// The plan, which may not be written.
    pub plan: Plan,
    /// The database.
    pub url: DatabaseUrl,
}

/// Something that a step does to the world outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// A statement.
    Sql {
        /// The database.
        database: String,
        /// The text.
        statement: String,
    },
    /// A program with its arguments.
    Program(Vec<String>),
    /// The rows of a table, read for their digest.
    Measure {
        /// The database.
        database: String,
        /// The table.
        table: String,
    },
    /// A file or folder that is written.
    Write(String),
    /// A file or folder that is removed.
    Remove(String),
}

impl Call {
    pub(crate) fn sql(database: &str, statement: impl Into<String>) -> Self {
        Self::Sql { database: database.to_owned(), statement: statement.into() }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql { database, statement } => {
                let one_line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
                write!(f, "sql    {database}: {one_line};")
            }
            Self::Measure { database, table } => write!(f, "read   {database}: digests of {table}"),
            Self::Program(words) => write!(f, "run    {}", words.join(" ")),
            Self::Write(path) => write!(f, "write  {path}"),
            Self::Remove(path) => write!(f, "remove {path}"),
        }
    }
}
