//! All SQL of the slice. It serves both layouts of the tables (contract 2.6): a parent's id is cast to `uuid`, which
//! changes nothing where it is one, so indexes serve; times are read and written as `timestamptz`, which in a session in
//! UTC is what a naive one means (T-51); people and tenants are compared as text (T-01); NULLs read as defaults (T-43).

pub(crate) mod audit;
pub(crate) mod bases;
pub(crate) mod members;
pub(crate) mod projects;
pub(crate) mod stats;
pub(crate) mod workspaces;

use db::Sql;
use db::list::List;

/// Every statement this slice can run, for the test that prepares them all.
pub fn statements() -> Vec<Sql> {
    let fixed = [
        audit::STATEMENTS,
        bases::STATEMENTS,
        members::STATEMENTS,
        projects::STATEMENTS,
        stats::STATEMENTS,
        workspaces::STATEMENTS,
    ];
    let lists = [&workspaces::LIST, &members::LIST, &projects::LIST, &bases::LIST, &audit::LIST];
    fixed.concat().into_iter().chain(lists.into_iter().flat_map(List::statements)).collect()
}
