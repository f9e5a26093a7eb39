//! All SQL of the slice.

pub(crate) mod feed;

/// Every statement the slice can run, fixed and built, for the test that prepares them all.
pub fn statements() -> Vec<db::Sql> {
    [feed::STATEMENTS.to_vec(), feed::LIST.statements()].concat()
}
