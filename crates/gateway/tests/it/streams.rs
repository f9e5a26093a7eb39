//! Bodies pass as they come, and web sockets in both directions.

use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{Client, PATIENCE, Running, Service, raw, read_head, two_sides};

async fn read_until(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    while !read.ends_with(end) {
        read.push(timeout(PATIENCE, stream.read_u8()).await.expect("in time").unwrap());
    }
    read
}

#[tokio::test]
async fn events_arrive_one_by_one_while_the_answer_is_open() {
    let (next, wait) = mpsc::channel::<()>(1);
    let wait = std::sync::Arc::new(tokio::sync::Mutex::new(wait));
    let (url, _service) = raw(move |mut stream, _| {
        let wait = std::sync::Arc::clone(&wait);
        async move {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            for n in 0..3 {
                stream.write_all(format!("9\r\ndata: {n}\n\n\r\n").as_bytes()).await.unwrap();
                wait.lock().await.recv().await;
            }
            stream.write_all(b"0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let running = Running::start(&two_sides(&url, &url));
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client.write_all(b"GET /api/v1/users/stream HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert!(read_head(&mut client).await.contains("text/event-stream"));
    for n in 0..3 {
        // The service sends the next one only when this one has arrived.
        read_until(&mut client, format!("data: {n}\n\n\r\n").as_bytes()).await;
        next.send(()).await.unwrap();
    }
    read_until(&mut client, b"0\r\n\r\n").await;
}

#[tokio::test]
async fn upload_reaches_the_service_before_its_end() {
    let (seen, mut parts) = mpsc::channel::<Vec<u8>>(4);
    let (url, _service) = raw(move |mut stream, head| {
        let seen = seen.clone();
        async move {
            assert!(head.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{head}");
            for _ in 0..2 {
                seen.send(read_until(&mut stream, b"part\r\n").await).await.unwrap();
            }
            read_until(&mut stream, b"0\r\n\r\n").await;
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let running = Running::start(&two_sides(&url, &url));
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client.write_all(b"POST /api/v1/users HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    for _ in 0..2 {
        client.write_all(b"4\r\npart\r\n").await.unwrap();
        timeout(PATIENCE, parts.recv()).await.expect("the part arrives while the request is open").unwrap();
    }
    client.write_all(b"0\r\n\r\n").await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 204"));
}

#[tokio::test]
async fn websocket_passes_in_both_directions_and_stays_over_a_change_of_side() {
    let (url, _service) = raw(|mut stream, head| async move {
        assert!(head.to_ascii_lowercase().contains("connection: upgrade"), "{head}");
        assert!(head.to_ascii_lowercase().contains("sec-websocket-key: abc"), "{head}");
        stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n")
            .await
            .unwrap();
        let mut buffer = [0; 64];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..read].to_ascii_uppercase()).await.unwrap();
        }
    })
    .await;
    let running = Running::start(&two_sides(&url, &url));
    let mut client = TcpStream::connect(running.address).await.unwrap();
    let head = "GET /api/v1/users/ws HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-key: abc\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let answer = read_head(&mut client).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101") && answer.contains("sec-websocket-accept: x"), "{answer}");
    for share in ["100%", "0%"] {
        client.write_all(b"hello").await.unwrap();
        assert_eq!(read_until(&mut client, b"O").await, b"HELLO");
        running.set(share).await;
    }
}

#[tokio::test]
async fn other_protocols_are_not_upgraded_to() {
    let service = Service::start("legacy").await;
    let running = Running::start(&two_sides(&service.url(), &service.url()));
    let headers = [("connection", "upgrade, http2-settings"), ("upgrade", "h2c"), ("http2-settings", "AAA")];
    let answer = Client::connect(running.address).await.get("/api/v1/users", &headers).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body["headers"]["upgrade"].is_null() && answer.body["headers"]["http2-settings"].is_null());
}

#[tokio::test]
async fn broken_off_answer_is_broken_off_for_the_client_too() {
    let (url, _service) = raw(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
    })
    .await;
    let running = Running::start(&two_sides(&url, &url));
    let mut client = Client::connect(running.address).await;
    assert!(client.try_send("GET", "/api/v1/users", &[], "").await.is_err());
    let counters = &running.status().await["families"]["users"]["counters"];
    assert_eq!(counters[0]["cut"], 1, "{counters}");
}
