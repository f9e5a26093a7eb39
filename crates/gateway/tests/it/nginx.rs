//! The configuration that is printed for nginx, in a real one.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pyairtable_gateway::print::{Options, Product, print};
use pyairtable_gateway::routes::parse;
use tokio::task::JoinSet;

use crate::load::{Light, Sender};
use crate::support::{Client, Service, two_sides};

struct Nginx {
    directory: tempfile::TempDir,
    address: SocketAddr,
    routes: String,
    master: Child,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg("-TERM").arg(self.master.id().to_string()).status();
        let _ = self.master.wait();
    }
}

impl Nginx {
    async fn start(routes: &str, share: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = testkit::port::free();
        write(directory.path(), address, routes, share);
        let whole = format!(
            "daemon off;\nworker_processes 2;\npid {0}/pid;\nerror_log {0}/log;\nevents {{}}\nhttp {{\n    access_log off;\n    \
             keepalive_requests 1000000;\n    client_body_temp_path {0}/body;\n    proxy_temp_path {0}/proxy;\n    \
             fastcgi_temp_path {0}/f;\n    uwsgi_temp_path {0}/u;\n    scgi_temp_path {0}/s;\n    include {0}/pyairtable.conf;\n}}\n",
            directory.path().display()
        );
        std::fs::write(directory.path().join("nginx.conf"), whole).unwrap();
        let nginx = |more: &[&str]| {
            let mut command = Command::new("nginx");
            command.arg("-p").arg(directory.path()).arg("-c").arg(directory.path().join("nginx.conf")).args(more);
            // It complains about a log file of the system that it may not open, before it reads ours.
            command.stderr(Stdio::piped()).stdin(Stdio::null());
            command
        };
        let tested = nginx(&["-t"]).output().expect("nginx must be installed: apt-get install nginx-light");
        assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
        let master = nginx(&[]).spawn().unwrap();
        let nginx = Self { directory, address, routes: routes.to_owned(), master };
        let began = Instant::now();
        while tokio::net::TcpStream::connect(nginx.address).await.is_err() {
            assert!(began.elapsed() < Duration::from_mins(1), "nginx does not listen");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        nginx
    }

    /// Another share, in force for every connection from now on.
    async fn reload(&self, share: &str) {
        write(self.directory.path(), self.address, &self.routes, share);
        let _ = Command::new("kill").arg("-HUP").arg(self.master.id().to_string()).status();
        // The answer to an unknown path has the share, which only new workers have.
        let began = Instant::now();
        let marker = share.trim_end_matches('%');
        let mut in_a_row = 0;
        while in_a_row < 20 {
            let mut client = Client::connect(self.address).await;
            // An old worker closes a connection that it had accepted already.
            let answer = client.try_send("GET", &format!("/is-{marker}"), &[], "").await;
            in_a_row = if answer.is_ok_and(|answer| answer.status == 204) { in_a_row + 1 } else { 0 };
            assert!(began.elapsed() < Duration::from_mins(1), "no new workers");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn write(directory: &Path, address: SocketAddr, routes: &str, share: &str) {
    let options = Options {
        share: share.parse().unwrap(),
        port: address.port(),
        map: String::new(),
        key: None,
        measure: "127.0.0.1:8009".parse().unwrap(),
    };
    let printed = print(Product::Nginx, &parse(routes).unwrap(), &options).unwrap();
    let marker = share.trim_end_matches('%');
    let last = "    location / {";
    assert!(printed.contains(last));
    let with_it =
        printed.replace(last, &format!("    location = /is-{marker} {{\n        return 204;\n    }}\n{last}"));
    std::fs::write(directory.join("pyairtable.conf"), with_it).unwrap();
}

/// On which side each of 20,000 people is, asked over eight connections.
async fn sides(address: SocketAddr) -> Vec<bool> {
    const PART: usize = 2_500;
    let mut clients = JoinSet::new();
    for part in 0..8 {
        clients.spawn(async move {
            let mut sender = Sender::new(address);
            let mut sides = Vec::new();
            for n in 0..PART {
                let (_, body) = sender.send("GET", &format!("Bearer user-{}", part * PART + n)).await.unwrap();
                sides.push(body == "platform");
            }
            (part, sides)
        });
    }
    let mut parts = clients.join_all().await;
    parts.sort();
    parts.into_iter().flat_map(|(_, sides)| sides).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_people_are_split_and_nobody_moves_back_on_the_way_up() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let nginx = Nginx::start(&two_sides(&legacy.url(), &platform.url()), "0%").await;
    let mut moved = sides(nginx.address).await;
    assert!(moved.iter().all(|moved| !moved));
    for (share, expected) in [("1%", 200_i64), ("10%", 2000), ("50%", 10_000), ("100%", 20_000)] {
        nginx.reload(share).await;
        let now = sides(nginx.address).await;
        assert!(moved.iter().zip(&now).all(|(before, now)| *now || !*before), "somebody moved back at {share}");
        let count = i64::try_from(now.iter().filter(|moved| **moved).count()).unwrap();
        println!("{share}: {count} of 20,000");
        // The hash is fixed and so are the people; within half a point.
        assert!((count - expected).abs() <= 100, "{share}: {count}");
        moved = now;
    }
}

#[tokio::test]
async fn paths_and_headers_pass_as_they_should() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let routes = format!(
        "- path: /api/v1/users/*\n  legacy:\n    instances: [{}]\n    strip: /api/v1\n  platform: {}\n",
        legacy.url(),
        platform.url()
    );
    for (share, service, path) in [("0%", "legacy", "/users/1?x=%2F"), ("100%", "platform", "/api/v1/users/1?x=%2F")] {
        let nginx = Nginx::start(&routes, share).await;
        let mut client = Client::connect(nginx.address).await;
        let answer =
            client.send("POST", "/api/v1/users/1?x=%2F", &[("x-user-id", "forged"), ("x-tenant-id", "t")], "{}").await;
        assert_eq!((answer.service(), answer.body["path"].as_str()), (service, Some(path)));
        let headers = answer.body["headers"].as_object().unwrap();
        assert!(!headers.contains_key("x-user-id") && !headers.contains_key("x-tenant-id"), "{headers:?}");
        assert_eq!((&headers["host"], &headers["x-forwarded-for"]), (&"api.example.com".into(), &"127.0.0.1".into()));
        assert_eq!(client.get("/API/V1/USERS", &[]).await.service(), service, "case does not matter");
        for (path, status) in
            [("/internal/x", 404), ("/%69nternal", 404), ("/api/v1/users/../x", 400), ("/api/v1/usersx", 404)]
        {
            assert_eq!(Client::connect(nginx.address).await.get(path, &[]).await.status, status, "{path}");
        }
    }
}
