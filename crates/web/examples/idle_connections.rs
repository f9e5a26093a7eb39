//! Memory per idle streaming connection with 60 routes: this crate's server beside `axum::serve`.
//!
//! `cargo run --release -p pyairtable-web --example idle_connections`, optionally with a number of connections.
//! Each server is a process of its own, so that only its half of the connections is counted.

use std::convert::Infallible;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures_util::{StreamExt as _, stream};
use pyairtable_web::server::{ServerConfig, bind};
use tokio::net::TcpListener;
use tokio::sync::watch;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ROUTES: usize = 60;

fn app() -> Router {
    let mut app = Router::new();
    for number in 1..ROUTES {
        let path = format!("/api/v1/things{number}/{{id}}");
        app = app.route(&path, get(|| async { "thing" }).post(|| async { "made" }));
    }
    app.route(
        "/events",
        get(|| async {
            let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b": connected\n\n"))]);
            ([("content-type", "text/event-stream")], Body::from_stream(first.chain(stream::pending())))
        }),
    )
}

#[expect(clippy::print_stdout, reason = "the parent reads the address")]
async fn serve(which: &str) -> Outcome {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    if which == "ours" {
        let bound = bind(any).await?;
        println!("{}", bound.local_addr());
        let (_stop, stopped) = watch::channel(false);
        bound.serve(app(), ServerConfig::default(), stopped).await;
    } else {
        let listener = TcpListener::bind(any).await?;
        println!("{}", listener.local_addr()?);
        match which {
            "axum" => axum::serve(listener, app()).await?,
            _ => axum::serve(listener, app().into_make_service()).await?,
        }
    }
    Ok(())
}

/// The resident memory of a process, in bytes.
fn resident(process: u32) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

fn open_stream(addr: SocketAddr) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n")?;
    let mut received = Vec::new();
    while !received.ends_with(b"connected\n\n\r\n") {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err("closed".into());
        }
        received.extend_from_slice(&buffer[..read]);
    }
    Ok(stream)
}

fn measure(which: &str, connections: u64) -> Outcome<u64> {
    let mut server = Command::new(std::env::current_exe()?).args(["serve", which]).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().ok_or("no output")?).read_line(&mut line)?;
    let addr = line.trim().parse()?;
    // The first ones pay for what is allocated once.
    let mut open = (0..50).map(|_| open_stream(addr)).collect::<Outcome<Vec<_>>>()?;
    let before = resident(server.id())?;
    for _ in 0..connections {
        open.push(open_stream(addr)?);
    }
    let after = resident(server.id())?;
    server.kill()?;
    server.wait()?;
    Ok(after.saturating_sub(before) / connections)
}

#[expect(clippy::print_stdout, reason = "the result")]
fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let connections = match arguments.next() {
        Some(serving) if serving == "serve" => {
            let which = arguments.next().ok_or("which server?")?;
            return tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(&which));
        }
        Some(number) => number.parse()?,
        None => 2000,
    };
    println!("bytes per idle stream, {connections} connections, {ROUTES} routes");
    for (which, name) in [
        ("ours", "pyairtable_web::server"),
        ("axum", "axum::serve(listener, app)"),
        ("make", "axum::serve(listener, app.into_make_service())"),
    ] {
        println!("{:>8}  {name}", measure(which, connections)?);
    }
    Ok(())
}
