//! Receivers over HTTPS, with certificates made here, posted to by the program as a process that trusts one authority as
//! its operator told it to: through `SSL_CERT_FILE`.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, date_time_ymd};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::certificates::{Authority, acceptor, authority, certificate};
use crate::process::{Process, request, request_with};
use crate::support::PASSWORD;

/// What a receiver was sent.
type Heard = Arc<Mutex<Vec<String>>>;

/// Speaks TLS with this certificate, and takes what it is sent; its port.
async fn receiver(params: CertificateParams, issuer: Option<&Authority>, heard: &Heard) -> u16 {
    let acceptor = acceptor(&params, issuer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::clone(heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = Vec::new();
            // The body is the last of it, and ends with the brace that it began with.
            while !request.ends_with(b"}") && stream.read_buf(&mut request).await.unwrap() > 0 {}
            heard.lock().unwrap().push(String::from_utf8(request).unwrap());
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    port
}

/// Posts a test to a new webhook, which gets nothing else; what its delivery looks like after the first attempt.
fn tested(process: &Process, token: &str, url: &str) -> Value {
    let headers = [("Authorization", token)];
    let (_, webhook) =
        request_with(process.public, "POST", "/webhooks", &headers, Some(&json!({ "url": url, "events": ["none"] })))
            .unwrap();
    let path = format!("/webhooks/{}", webhook["id"].as_str().unwrap_or_else(|| panic!("{webhook}")));
    let test = request_with(process.public, "POST", &format!("{path}/test"), &headers, None).unwrap();
    assert_eq!(test.0, 202, "{test:?}");
    let path = format!("{path}/deliveries/{}", test.1["id"].as_str().unwrap());
    let began = Instant::now();
    loop {
        let (_, delivery) = request_with(process.public, "GET", &path, &headers, None).unwrap();
        if delivery["attempts"] != 0 {
            return delivery;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{delivery}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_receivers_with_a_valid_certificate_are_posted_to() {
    let (trusted, unknown) = (authority("An authority"), authority("Another authority"));
    let heard = Heard::default();
    let (mut expired, mut early) = (certificate("localhost"), certificate("localhost"));
    expired.not_after = date_time_ymd(2021, 1, 1);
    early.not_before = date_time_ymd(2089, 1, 1);
    let good = receiver(certificate("localhost"), Some(&trusted), &heard).await;
    let by_address = receiver(certificate("127.0.0.1"), Some(&trusted), &heard).await;
    let silent = Heard::default();
    let bad = [
        (certificate("example.com"), Some(&trusted), "is for another name"),
        (expired, Some(&trusted), "has expired"),
        (early, Some(&trusted), "is not valid yet"),
        (certificate("localhost"), Some(&unknown), "was issued by nobody this program trusts"),
        (certificate("localhost"), None, "was issued by nobody this program trusts"),
    ];

    let data = tempfile::tempdir().unwrap();
    let roots = data.path().join("roots.pem");
    std::fs::write(&roots, trusted.pem()).unwrap();
    let environment = [("SSL_CERT_FILE", roots.to_str().unwrap()), ("WEBHOOKS_ALLOW_PRIVATE", "true")];
    let process = Process::start_with(data.path(), &environment);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "first_name": "A", "last_name": "L" });
    let (_, ada) = request(process.public, "POST", "/auth/register", Some(&body)).unwrap();
    let token = format!("Bearer {}", ada["access_token"].as_str().unwrap());

    for (count, url) in
        [format!("https://localhost:{good}/in"), format!("https://127.0.0.1:{by_address}/in")].iter().enumerate()
    {
        let delivery = tested(&process, &token, url);
        assert_eq!((&delivery["state"], &delivery["status_code"]), (&json!("delivered"), &json!(204)), "{delivery}");
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), count + 1);
        assert!(
            heard[count].starts_with("POST /in HTTP/1.1\r\n") && heard[count].contains("webhook.test"),
            "{heard:?}"
        );
    }
    for (params, issuer, why) in bad {
        let port = receiver(params, issuer, &silent).await;
        let delivery = tested(&process, &token, &format!("https://localhost:{port}/in"));
        let error = delivery["history"][0]["error"].as_str().unwrap();
        assert!(error.starts_with("TLS failed: the receiver's certificate ") && error.contains(why), "{why}: {error}");
        assert_eq!((&delivery["state"], &delivery["status_code"]), (&json!("pending"), &Value::Null));
    }
    // Nor what is not TLS at all.
    let plain = super::Receiver::start().await;
    let delivery = tested(&process, &token, &plain.url.replace("http://127.0.0.1", "https://localhost"));
    assert!(delivery["error"].as_str().unwrap().starts_with("TLS failed"), "{delivery}");
    assert!(silent.lock().unwrap().is_empty() && plain.posts().is_empty(), "something was said to them");
}
