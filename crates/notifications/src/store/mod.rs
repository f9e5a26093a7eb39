//! All SQL of the slice.

pub(crate) mod channels;
pub(crate) mod codes;
pub(crate) mod deliveries;
pub(crate) mod digests;
pub(crate) mod feed;
pub(crate) mod mails;
pub(crate) mod preferences;
pub(crate) mod stream;
pub(crate) mod templates;
pub(crate) mod webhooks;

/// Every statement the slice can run, fixed and built, for the test that prepares them all.
pub fn statements() -> Vec<db::Sql> {
    [
        feed::STATEMENTS.to_vec(),
        feed::LIST.statements(),
        stream::STATEMENTS.to_vec(),
        channels::STATEMENTS.to_vec(),
        channels::LIST.statements(),
        codes::STATEMENTS.to_vec(),
        preferences::STATEMENTS.to_vec(),
        mails::STATEMENTS.to_vec(),
        digests::STATEMENTS.to_vec(),
        templates::STATEMENTS.to_vec(),
        webhooks::STATEMENTS.to_vec(),
        webhooks::LIST.statements(),
        deliveries::STATEMENTS.to_vec(),
        deliveries::LIST.statements(),
    ]
    .concat()
}
