//! The API's document.

use pyairtable_platform::app;

use crate::support::TestApp;

#[test]
fn committed_document_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let current = app::document().to_pretty_json().unwrap() + "\n";
    let refresh = "cargo run --package pyairtable-platform -- openapi > openapi.json";
    assert!(committed == current, "openapi.json is not current; refresh it with\n\n    {refresh}\n");
}

#[tokio::test]
async fn served_document_is_the_printed_one() {
    let app = TestApp::new().await;
    let served = app.http.get("/openapi.json").send().await.expect(200);
    assert_eq!(served.body, serde_json::to_value(app::document()).unwrap());
    assert_eq!(served.body["openapi"], "3.1.0");
    assert_eq!(served.body["servers"][0]["url"], "/api/v1");
}

fn is_asset(text: &str) -> bool {
    std::path::Path::new(text).extension().is_some_and(|extension| extension == "js" || extension == "css")
}

#[tokio::test]
async fn page_needs_nothing_from_elsewhere() {
    let app = TestApp::new().await;
    let redirect = app.http.get("/docs").send().await.expect(303);
    assert_eq!(redirect.headers["location"], "/docs/");
    let page = app.http.get("/docs/").send().await.expect(200);
    let html = String::from_utf8(page.bytes).unwrap();
    let sources = html.split(['"', '\'']).filter(|text| is_asset(text));
    let mut count = 0;
    for source in sources {
        let relative = source.strip_prefix("./").unwrap_or(source);
        assert!(!relative.contains("//"), "{source} is elsewhere");
        app.http.get(&format!("/docs/{relative}")).send().await.expect(200);
        count += 1;
    }
    assert!(count >= 4, "{html}");
}
