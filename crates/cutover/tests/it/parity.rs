//! Which tables a comparison of writes leaves out: those that nobody but this program writes, by name and by a migrated
//! database.

use std::collections::BTreeSet;

use pyairtable_cutover::digest::tables;
use pyairtable_cutover::parity::{OWN_COLUMNS, OWN_TABLES, SHARED_TABLES};
use testkit::TestDb;
use testkit::legacy::layouts::Layout;

#[tokio::test]
async fn parity_knows_whose_each_table_is() {
    let db = TestDb::new().await;
    let all = tables(&db.superuser().await).await.unwrap();
    let names: BTreeSet<&str> = all.iter().map(|table| table.name.as_str()).collect();
    let known: BTreeSet<&str> = OWN_TABLES.iter().chain(SHARED_TABLES).copied().collect();
    assert_eq!(names, known, "a new table is either this program's own or compared");
    assert_eq!(known.len(), OWN_TABLES.len() + SHARED_TABLES.len(), "and not both");
    for (table, column) in OWN_COLUMNS {
        let table = all.iter().find(|found| found.name == *table).unwrap();
        assert!(table.columns.iter().any(|found| found.name == *column), "{column}");
    }
}

/// What the expansion adds to old tables where they stand is this program's own, and nothing else of them is.
#[tokio::test]
async fn parity_leaves_out_no_column_that_old_services_had() {
    for layout in [Layout::Public, Layout::Orm, Layout::Schemas, Layout::Tokyo, Layout::Widened] {
        let db = TestDb::empty().await;
        layout.create(db.config()).await.unwrap();
        let client = db.superuser().await;
        let columns = async || {
            let all = tables(&client).await.unwrap().into_iter();
            let named = all.flat_map(|table| {
                let name = table.name;
                table.columns.into_iter().map(move |column| (name.clone(), column.name))
            });
            named.collect::<BTreeSet<(String, String)>>()
        };
        let before = columns().await;
        db::migrate::up(db.url()).await.unwrap();
        let own = |(table, column): &&(String, String)| {
            OWN_TABLES.contains(&table.as_str()) || OWN_COLUMNS.contains(&(table.as_str(), column.as_str()))
        };
        let after = columns().await;
        assert!(before.iter().find(own).is_none(), "{}: {:?}", layout.name(), before.iter().find(own));
        let old: BTreeSet<&str> = before.iter().map(|(table, _)| table.as_str()).collect();
        let added = after.difference(&before).filter(|place| old.contains(place.0.as_str())).find(|place| !own(place));
        assert_eq!(added, None, "{}", layout.name());
    }
}
