//! `HTTPRoute`s of the Kubernetes Gateway API, v1.

use std::fmt::Write as _;

use super::{IDENTITY, Named, Options, Unprintable, ratio, refuse};
use crate::forced::Side;

const INTRODUCTION: &str = "\
# Kubernetes Gateway API v1, for a Gateway called `pyairtable`. Moves requests between the old services and the new one.
#
# To change a share print again and `kubectl apply`. There is no lease: nothing goes back by itself, and how soon a share
# is in force is up to the implementation.
#
# Limits: weights are thrown for each request. Session persistence is experimental in this API, so people are on both sides
# in turns, in proportion to the share. Paths are compared with their case, which the old services ignore. A prefix is cut
# for one side by a filter of that side (`backendRefs[].filters`, an extended feature: see what your Gateway supports). For
# people that stick to a side let this route all to `gateway serve`, which is one Service, and shift there.
";

pub(super) fn print(routes: &[Named<'_>], options: &Options) -> Result<String, Unprintable> {
    let mut out = String::from(INTRODUCTION);
    for named in routes {
        for (_, _, group) in named.sides() {
            for instance in &group.instances {
                let (host, _) = instance.host_and_port();
                let is_service = host.starts_with(|c: char| c.is_ascii_lowercase())
                    && host
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte));
                if !is_service {
                    return refuse(format!("{instance} is no Service of Kubernetes, which routes are for: name one"));
                }
            }
        }
        // Writing to a string does not fail.
        let _ = route(&mut out, named, options);
    }
    Ok(out)
}

fn route(out: &mut String, named: &Named<'_>, options: &Options) -> std::fmt::Result {
    let name = named.name.replace('_', "-");
    let (stem, below) = named.stem();
    writeln!(out, "---")?;
    writeln!(out, "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: {name}")?;
    writeln!(out, "spec:\n  parentRefs:\n    - name: pyairtable\n  rules:\n    - matches:")?;
    let kind = if below { "PathPrefix" } else { "Exact" };
    writeln!(out, "        - path: {{type: {kind}, value: {stem}}}")?;
    writeln!(out, "      # What a client says about who it is. If something in front sets these, remove the filter.")?;
    writeln!(out, "      filters:\n        - type: RequestHeaderModifier")?;
    writeln!(out, "          requestHeaderModifier:\n            remove: [{}]", IDENTITY.join(", "))?;
    writeln!(out, "      timeouts:\n        backendRequest: {}s", named.route.timeout.as_secs())?;
    writeln!(out, "      backendRefs:")?;
    let count =
        |side: Side| named.group(side).map_or(1, |group| u32::try_from(group.instances.len()).unwrap_or(u32::MAX));
    let weights = ratio(options.share, count(Side::Legacy), count(Side::Platform));
    for (side, _, group) in named.sides() {
        let weight = match side {
            _ if !named.has_both() => 1,
            Side::Legacy => weights.0,
            Side::Platform => weights.1,
        };
        for instance in &group.instances {
            let (host, port) = instance.host_and_port();
            let mut labels = host.split('.');
            writeln!(out, "        - name: {}", labels.next().unwrap_or_default())?;
            if let Some(namespace) = labels.next() {
                writeln!(out, "          namespace: {namespace}")?;
            }
            writeln!(out, "          port: {port}\n          weight: {weight}")?;
            // What is left of the path when the prefix is cut takes the place of the part that matched.
            let rest = group.strip.as_deref().and_then(|strip| stem.strip_prefix(strip));
            if let Some(rest) = rest {
                let rest = if rest.is_empty() { "/" } else { rest };
                let change = if below {
                    format!("{{type: ReplacePrefixMatch, replacePrefixMatch: {rest}}}")
                } else {
                    format!("{{type: ReplaceFullPath, replaceFullPath: {rest}}}")
                };
                writeln!(
                    out,
                    "          filters:\n            - type: URLRewrite\n              urlRewrite:\n                path: {change}"
                )?;
            }
        }
    }
    Ok(())
}
