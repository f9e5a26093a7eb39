//! Nothing but the public internet is connected to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::HeaderMap;
use notifications::{Client, Guard, Resolver};
use serde_json::json;
use tokio::net::TcpListener;
use web::BoxFuture;

use super::corpus::{addresses, refused};
use super::{Receiver, webhook};
use crate::support::TestApp;

/// Listens on every address of this machine and counts who comes.
async fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = match TcpListener::bind("[::]:0").await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
    };
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, count)
}

/// A name server that answers each question with the next of its answers, the last one for ever.
struct Answers {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Answers {
    fn new(answers: &[&[IpAddr]]) -> Arc<Self> {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolver for Answers {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> BoxFuture<'a, std::io::Result<Vec<SocketAddr>>> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[number].iter().map(|address| SocketAddr::new(*address, port)).collect();
        Box::pin(async move { Ok(answer) })
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn post(guard: Guard, resolver: Arc<dyn Resolver>, url: &str) -> bool {
    Client::new(guard, resolver).post(url, HeaderMap::new(), "{}".to_owned()).await.is_ok()
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_connected_to() {
    let (port, count) = listener().await;
    let urls = refused(port);
    assert!(urls.len() >= 250, "{}", urls.len());
    let resolver = Answers::new(&[&[LOOPBACK]]);
    let client = Client::new(Guard::new(false), Arc::clone(&resolver) as _);
    for url in &urls {
        assert!(Guard::new(false).target(url).is_err(), "{url}");
        assert!(client.post(url, HeaderMap::new(), "{}".to_owned()).await.is_err(), "{url}");
    }
    assert_eq!((count.load(Ordering::SeqCst), resolver.asked()), (0, 0), "of {} URLs", urls.len());
    // The same listener is found by who may.
    assert!(!post(Guard::new(true), resolver, &format!("https://127.0.0.1:{port}/")).await);
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_name_of_a_private_address_is_connected_to() {
    let (port, count) = listener().await;
    let public: IpAddr = "1.1.1.1".parse().unwrap();
    let all = addresses();
    assert!(all.len() >= 250, "{}", all.len());
    for address in all {
        for answer in [vec![address], vec![public, address]] {
            let resolver = Answers::new(&[&answer]);
            assert!(
                !post(Guard::new(false), resolver, &format!("https://hooks.example.com:{port}/")).await,
                "{address}"
            );
        }
        assert!(Guard::new(false).address(address).is_err(), "{address}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_is_resolved_once_and_what_was_checked_is_connected_to() {
    let (port, count) = listener().await;
    // A public address on which nobody answers, then this machine.
    let public: IpAddr = "192.31.196.1".parse().unwrap();
    assert!(Guard::new(false).address(public).is_ok());
    let resolver = Answers::new(&[&[public], &[LOOPBACK]]);
    assert!(!post(Guard::new(false), Arc::clone(&resolver) as _, &format!("https://rebind.example.com:{port}/")).await);
    assert_eq!((resolver.asked(), count.load(Ordering::SeqCst)), (1, 0));
    // One attempt is one question, and the answer of that attempt is what is checked.
    assert!(!post(Guard::new(false), Arc::clone(&resolver) as _, &format!("https://rebind.example.com:{port}/")).await);
    assert_eq!((resolver.asked(), count.load(Ordering::SeqCst)), (2, 0));
}

#[tokio::test]
async fn a_name_keeps_its_place_in_the_request() {
    let receiver = Receiver::start().await;
    let port = receiver.url.split([':', '/']).nth(4).unwrap();
    let resolver = Answers::new(&[&[LOOPBACK]]);
    assert!(post(Guard::new(true), resolver, &format!("http://Hooks.Example.com:{port}/a")).await);
    assert_eq!(receiver.posts()[0].header("host"), format!("hooks.example.com:{port}"));
}

#[tokio::test]
async fn the_program_posts_to_no_name_of_its_own_machine() {
    let (port, count) = listener().await;
    let resolver = Answers::new(&[&[LOOPBACK]]);
    let asked = Arc::clone(&resolver);
    let app = TestApp::with(move |parts| parts.resolver = resolver).await;
    let (admin, ..) = app.cast().await;
    webhook(&admin, &json!({ "url": format!("https://hooks.example.com:{port}/") })).await;
    app.happens(&admin, "workspace.created").await;
    assert_eq!(app.deliver().await, 1);
    assert_eq!((asked.asked(), count.load(Ordering::SeqCst)), (1, 0));
    let error = app.one("SELECT error FROM webhook_deliveries").await;
    assert_eq!(error, "must not lead into a private or reserved network");
}
