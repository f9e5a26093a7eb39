//! Envoy 1.36 or later, a static bootstrap whose weights can be changed by its runtime.

use std::fmt::Write as _;

use super::{IDENTITY, Named, Options, Unprintable, plain_regex};
use crate::forced::Side;
use crate::routes::Endpoint;

/// Weights add up to it at any share, so that a position stays where it is.
const WHOLE: u32 = 1_000_000;

const INTRODUCTION: &str = "\
# Envoy 1.36 or later. Moves people between the old services and the new one.
#
# To change a share while Envoy runs, set both weights of each path in one request to the admin port; they must add up to
# 1000000, or people move in both directions. For 20 % of NAME, as clusters are called below, of the family FAMILY:
#   curl -X POST 'http://127.0.0.1:9901/runtime_modify?pyairtable.FAMILY.NAME_platform=200000&pyairtable.FAMILY.NAME_legacy=800000'
# What was set this way is forgotten when Envoy starts anew: print again for that. There is no lease.
#
# Limits: people stick by a hash of their Authorization header, or of their address without one. For the life of a token
# nobody leaves the new side while the share grows, but a renewed token is another key. Before 1.36 Envoy does not know
# `use_hash_policy` and throws a coin for each request. The split is not the one of `gateway serve`.
";

pub(super) fn print(routes: &[Named<'_>], options: &Options) -> Result<String, Unprintable> {
    let strips: Vec<Option<&str>> = routes.iter().map(|named| named.common_strip("Envoy")).collect::<Result<_, _>>()?;
    let mut out = String::from(INTRODUCTION);
    // Writing to a string does not fail.
    let _ = write(&mut out, routes, &strips, options);
    Ok(out)
}

fn write(out: &mut String, routes: &[Named<'_>], strips: &[Option<&str>], options: &Options) -> std::fmt::Result {
    let port = options.port;
    write!(
        out,
        "\
admin:
  address:
    socket_address: {{address: 127.0.0.1, port_value: 9901}}
layered_runtime:
  layers:
    - name: admin
      admin_layer: {{}}
static_resources:
  listeners:
    - name: pyairtable
      address:
        socket_address: {{address: 0.0.0.0, port_value: {port}}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: pyairtable
                normalize_path: true
                merge_slashes: true
                path_with_escaped_slashes_action: REJECT_REQUEST
                use_remote_address: true
                upgrade_configs:
                  - upgrade_type: websocket
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                route_config:
                  name: pyairtable
                  # What a client says about who it is. If something in front sets these, remove the line.
                  request_headers_to_remove: [{headers}]
                  virtual_hosts:
                    - name: pyairtable
                      domains: [\"*\"]
                      routes:
                        - match: {{safe_regex: {{regex: \"(?i)/internal(/.*)?\"}}}}
                          direct_response: {{status: 404}}
",
        headers = IDENTITY.join(", ")
    )?;
    let (new, old) = (options.share.millionths(), WHOLE - options.share.millionths());
    for (named, strip) in routes.iter().zip(strips) {
        let (stem, below) = named.stem();
        // The expression has to match all of the path.
        let regex = match (&*stem, below) {
            ("/", true) => "/.*".to_owned(),
            ("/", false) => "/".to_owned(),
            (_, true) => format!("(?i){}(/.*)?", plain_regex(&stem)),
            (_, false) => format!("(?i){}/?", plain_regex(&stem)),
        };
        writeln!(out, "                        - match: {{safe_regex: {{regex: \"{regex}\"}}}}")?;
        writeln!(out, "                          route:")?;
        writeln!(out, "                            timeout: 0s")?;
        writeln!(out, "                            idle_timeout: {}s", named.route.timeout.as_secs())?;
        if let Some(strip) = strip {
            writeln!(out, "                            regex_rewrite:")?;
            writeln!(out, "                              pattern: {{regex: \"(?i)^{}(/|$)\"}}", plain_regex(strip))?;
            writeln!(out, "                              substitution: /")?;
        }
        if named.has_both() {
            writeln!(out, "                            hash_policy:")?;
            writeln!(out, "                              - header: {{header_name: authorization}}")?;
            writeln!(out, "                                terminal: true")?;
            writeln!(out, "                              - connection_properties: {{source_ip: true}}")?;
            writeln!(out, "                            weighted_clusters:")?;
            writeln!(out, "                              use_hash_policy: true")?;
            writeln!(out, "                              runtime_key_prefix: pyairtable.{}", named.route.family)?;
            writeln!(out, "                              clusters:")?;
            for (side, weight) in [(Side::Platform, new), (Side::Legacy, old)] {
                let name = named.backend(side);
                writeln!(out, "                                - {{name: {name}, weight: {weight}}}")?;
            }
        } else if let Some((_, name, _)) = named.sides().next() {
            writeln!(out, "                            cluster: {name}")?;
        }
    }
    writeln!(out, "  clusters:")?;
    for named in routes {
        for (_, name, group) in named.sides() {
            cluster(out, &name, &group.health, &group.instances)?;
        }
    }
    Ok(())
}

fn cluster(out: &mut String, name: &str, health: &str, instances: &[Endpoint]) -> std::fmt::Result {
    writeln!(out, "    - name: {name}")?;
    writeln!(out, "      type: STRICT_DNS")?;
    writeln!(out, "      connect_timeout: 1s")?;
    writeln!(out, "      health_checks:")?;
    writeln!(
        out,
        "        - timeout: 1s\n          interval: 1s\n          unhealthy_threshold: 3\n          healthy_threshold: 2"
    )?;
    writeln!(out, "          http_health_check: {{path: {health}}}")?;
    writeln!(
        out,
        "      load_assignment:\n        cluster_name: {name}\n        endpoints:\n          - lb_endpoints:"
    )?;
    for instance in instances {
        let (host, port) = instance.host_and_port();
        writeln!(
            out,
            "              - endpoint: {{address: {{socket_address: {{address: \"{host}\", port_value: {port}}}}}}}"
        )?;
    }
    Ok(())
}
