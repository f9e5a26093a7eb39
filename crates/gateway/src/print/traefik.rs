//! Traefik 3, for its file provider, which takes changes of the file while it runs.

use std::fmt::Write as _;

use super::{IDENTITY, Named, Options, Unprintable, authority, ratio};

const INTRODUCTION: &str = "\
# Traefik 3, dynamic configuration for the file provider; the entry point `web` is yours. Moves people between the old
# services and the new one.
#
# To change a share print again over the file. There is no lease: nothing goes back by itself.
#
# Limits: Traefik throws a coin for whoever has no cookie. Stickiness is by cookie alone: clients that keep none, as most
# programs with tokens, are on both sides in turns. And it is a ratchet: whoever once got a cookie of a side stays there
# when the share shrinks, and lost cookies are thrown anew. At 0 % and 100 % there is therefore no weight and no cookie
# here, but one service alone. For people that stick by who they are use HAProxy, Envoy or `gateway serve`.
";

pub(super) fn print(routes: &[Named<'_>], options: &Options) -> Result<String, Unprintable> {
    let strips: Vec<Option<&str>> =
        routes.iter().map(|named| named.common_strip("Traefik")).collect::<Result<_, _>>()?;
    let mut out = String::from(INTRODUCTION);
    // Writing to a string does not fail.
    let _ = write(&mut out, routes, &strips, options);
    Ok(out)
}

fn write(out: &mut String, routes: &[Named<'_>], strips: &[Option<&str>], options: &Options) -> std::fmt::Result {
    writeln!(out, "http:\n  routers:")?;
    for (place, (named, strip)) in routes.iter().zip(strips).enumerate() {
        let name = &named.name;
        writeln!(out, "    {name}:")?;
        writeln!(out, "      entryPoints: [web]")?;
        writeln!(out, "      rule: \"PathRegexp(`(?i)^{}`) && !PathRegexp(`(?i)^/+internal(/|$)`)\"", named.regex())?;
        writeln!(out, "      priority: {}", 1000 + routes.len() - place)?;
        let cut = strip.map_or_else(String::new, |_| format!(", {name}_strip"));
        writeln!(out, "      middlewares: [pyairtable_headers{cut}]")?;
        let service = match (named.sides().next(), options.share) {
            (Some((_, only, _)), _) if !named.has_both() => only,
            (_, share) if share == crate::split::Share::NONE => named.backend(crate::forced::Side::Legacy),
            (_, share) if share == crate::split::Share::ALL => named.backend(crate::forced::Side::Platform),
            _ => name.clone(),
        };
        writeln!(out, "      service: {service}")?;
    }
    writeln!(out, "  middlewares:")?;
    writeln!(out, "    # What a client says about who it is. If something in front sets these, remove it.")?;
    writeln!(out, "    pyairtable_headers:\n      headers:\n        customRequestHeaders:")?;
    for header in IDENTITY {
        writeln!(out, "          {header}: \"\"")?;
    }
    for (named, strip) in routes.iter().zip(strips) {
        if let Some(strip) = strip {
            let name = &named.name;
            writeln!(
                out,
                "    {name}_strip:\n      stripPrefixRegex:\n        regex: [\"(?i)^{}\"]",
                super::plain_regex(strip)
            )?;
        }
    }
    writeln!(out, "  services:")?;
    let (old, new) = ratio(options.share, 1, 1);
    for named in routes {
        let name = &named.name;
        if named.has_both() && old > 0 && new > 0 {
            writeln!(out, "    {name}:\n      weighted:\n        sticky:\n          cookie:")?;
            writeln!(
                out,
                "            name: pyairtable_{name}\n            httpOnly: true\n            sameSite: lax"
            )?;
            writeln!(out, "        services:")?;
            for (side, weight) in [(crate::forced::Side::Legacy, old), (crate::forced::Side::Platform, new)] {
                writeln!(out, "          - name: {}\n            weight: {weight}", named.backend(side))?;
            }
        }
        for (_, name, group) in named.sides() {
            writeln!(out, "    {name}:\n      loadBalancer:\n        servers:")?;
            for instance in &group.instances {
                writeln!(out, "          - url: http://{}", authority(instance))?;
            }
            writeln!(
                out,
                "        healthCheck:\n          path: {}\n          interval: 1s\n          timeout: 1s",
                group.health
            )?;
        }
    }
    Ok(())
}
