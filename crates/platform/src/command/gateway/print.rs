//! `gateway print`: configurations of other proxies.

use std::io::{self, Write as _};
use std::process::ExitCode;

use gateway::print::{Options, Product as Printed, print};

use super::arguments::{PrintArgs, Product};
use super::serve::routes;

pub(super) const ABOUT: &str = "\
Print the configuration of a proxy of your own for the routes, at one share.

Every family gets the share. The comments at its beginning say how a share is changed and what the product cannot do. \
Only HAProxy can be driven by `gateway set` and returns by itself; for the others print again and reload.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform gateway print haproxy --routes routes.yaml --share 0 > /etc/haproxy/conf.d/pyairtable.cfg
  pyairtable-platform gateway print haproxy-map --routes routes.yaml --share 0 > /etc/haproxy/pyairtable.map
  pyairtable-platform gateway print nginx --routes routes.yaml --share 10% --key '$cookie_session'

Exit codes:
  0  printed
  1  the routes have mistakes, or the product cannot do what they say; standard error says which
  2  used wrongly";

pub(super) fn run(arguments: &PrintArgs) -> anyhow::Result<ExitCode> {
    let Some((_, table)) = routes(&arguments.routes, "gateway print")? else { return Ok(ExitCode::FAILURE) };
    let product = match arguments.product {
        Product::Haproxy => Printed::Haproxy,
        Product::HaproxyMap => Printed::HaproxyMap,
        Product::Nginx => Printed::Nginx,
        Product::Traefik => Printed::Traefik,
        Product::Envoy => Printed::Envoy,
        Product::GatewayApi => Printed::GatewayApi,
    };
    let PrintArgs { share, port, map, measure, key, .. } = arguments;
    let measure = measure.measure.clone();
    let options = Options { share: *share, port: *port, map: map.clone(), measure, key: key.clone() };
    let text = print(product, &table, &options)?;
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
