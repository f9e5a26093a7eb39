//! The gateway alone, for measurements: `pyairtable-platform gateway serve` without its configuration.
//!
//! Serves the routes of a file on an address until killed; one thread for each processor it may use. That share of people is
//! on the new side. With a path for it there is a control socket, too.
//!
//!     alone ROUTES ADDRESS SECRET_FILE SHARE [SOCKET]

#![expect(clippy::panic, clippy::unwrap_used, reason = "a wrong argument ends the measurement")]

use std::sync::Arc;

use kernel::{Redacted, Rng, SystemClock, TrustedProxies};
use pyairtable_gateway::routes::parse;
use pyairtable_gateway::{Gateway, Parts, bind, control};

/// The platform's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The system's randomness, as the platform has it.
struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).unwrap();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [routes, address, secret, share, socket @ ..] = &arguments[..] else {
        panic!("alone ROUTES ADDRESS SECRET_FILE SHARE [SOCKET]")
    };
    let table = parse(&std::fs::read_to_string(routes).unwrap()).unwrap();
    table.families().for_each(|(_, family)| family.weight.set(share.parse().unwrap()));
    let gateway = Gateway::new(Parts {
        table,
        jwt_secret: Some(Redacted::new(std::fs::read_to_string(secret).unwrap().trim().to_owned())),
        kept: None,
        trusted_proxies: TrustedProxies::default(),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
    })
    .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        tokio::spawn(Arc::clone(&gateway).look_after());
        tokio::spawn(Arc::clone(&gateway).measure());
        if let Some(path) = socket.first() {
            let listener = control::socket::bind(path.as_ref()).unwrap();
            tokio::spawn(control::socket::serve(listener, Arc::clone(&gateway)));
        }
        let bound = bind(address.parse().unwrap()).unwrap();
        tokio::spawn(bound.serve(gateway, stopped)).await.unwrap().unwrap();
    });
}
