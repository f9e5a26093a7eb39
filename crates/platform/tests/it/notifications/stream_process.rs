//! Streams over sockets, of the program as a process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Process, request};

/// Sends a request with a token and returns the connection, read up to the end of the head.
fn send(to: SocketAddr, token: &str, method: &str, path: &str, body: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let status = line(&mut reader);
    assert!(status.starts_with("HTTP/1.1 20"), "{status}");
    while !line(&mut reader).is_empty() {}
    reader
}

fn line(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

fn data_of(reader: &mut BufReader<TcpStream>, event: &str) -> Value {
    while line(reader) != format!("event: {event}") {}
    loop {
        if let Some(data) = line(reader).strip_prefix("data: ") {
            return serde_json::from_str(data).unwrap();
        }
    }
}

#[test]
fn streams_are_served_over_sockets_and_end_in_order_at_the_signal() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path());
    let body = json!({ "email": "ada@example.com", "password": "correct horse battery", "first_name": "Ada",
        "last_name": "Lovelace" });
    let (status, registered) = request(process.public, "POST", "/auth/register", Some(&body)).unwrap();
    assert_eq!(status, 201);
    let token = registered["access_token"].as_str().unwrap();
    let mut streams: Vec<_> =
        (0..20).map(|_| send(process.public, token, "GET", "/api/v1/notifications/stream", "")).collect();
    for stream in &mut streams {
        assert_eq!(data_of(stream, "unread"), json!({ "unread_count": 0 }));
    }
    let notification = json!({ "type": "test", "title": "Hello", "message": "There." }).to_string();
    send(process.public, token, "POST", "/api/v1/notifications", &notification);
    for stream in &mut streams {
        assert_eq!(data_of(stream, "notification")["title"], "Hello");
        assert_eq!(data_of(stream, "unread"), json!({ "unread_count": 1 }));
    }
    let began = Instant::now();
    let (code, took) = process.terminate();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}, not the whole drain");
    for stream in &mut streams {
        // The chunk of length zero: an answer that ended, not a connection that broke.
        let mut rest = String::new();
        std::io::Read::read_to_string(stream, &mut rest).unwrap();
        assert!(rest.ends_with("0\r\n\r\n"), "{rest:?} after {:?}", began.elapsed());
    }
}
