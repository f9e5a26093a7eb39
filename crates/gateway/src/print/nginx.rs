//! nginx, open source, for its `http` block. A share changes with a reload.

use std::fmt::Write as _;

use super::{IDENTITY, Named, Options, Unprintable, authority, plain_regex, refuse};
use crate::forced::Side;
use crate::routes::Table;
use crate::split::Share;

const INTRODUCTION: &str = "\
# nginx, to be included in its `http` block. Moves people between the old services and the new one.
#
# To change a share print again and `nginx -s reload`: new workers take the new share, old ones end with what they had
# begun, and close idle connections of clients, which have to try again if they were just about to use one. There is no
# lease: nothing goes back by itself.
#
# Limits: nginx cannot read a token. People stick by the value of $pyairtable_key below: their whole token, or their
# address without one. For the life of a token nobody leaves the new side while the share grows, but a renewed token is
# another key and may fall on either side. Better: `--key` with something that stays, such as a session cookie
# ('$cookie_session') or a variable in which njs or auth_request puts the user's id.
# Shares have steps of 0.01 %. The split is not the one of `gateway serve`: people move when one takes the other's place.
# An idle connection that a service closes at the very moment nginx uses it is a 502 for a POST: let services keep
# connections longer than `keepalive_timeout` here.
";

pub(super) fn print(table: &Table, routes: &[Named<'_>], options: &Options) -> Result<String, Unprintable> {
    let key = options.key.as_deref();
    if let Some(key) = key.filter(|key| key.contains(|c: char| c.is_control() || "\"\\;{}".contains(c))) {
        return refuse(format!("the key {key:?} is no expression of nginx: write one such as '$cookie_session'"));
    }
    let seed = table.splitter.seed();
    if seed.contains(|c: char| c.is_control() || "\"\\$".contains(c)) {
        return refuse("the seed has characters that mean something to nginx: use letters and digits");
    }
    if !options.share.millionths().is_multiple_of(100) {
        return refuse(format!("nginx splits in steps of 0.01%: {} is finer", options.share));
    }
    let mut out = String::from(INTRODUCTION);
    // Writing to a string does not fail.
    let _ = write(&mut out, seed, routes, options);
    Ok(out)
}

fn write(out: &mut String, seed: &str, routes: &[Named<'_>], options: &Options) -> std::fmt::Result {
    writeln!(out)?;
    let key = options.key.as_deref().unwrap_or("$http_authorization");
    writeln!(out, "map \"{key}\" $pyairtable_key {{\n    \"\" $remote_addr;\n    default \"{key}\";\n}}")?;
    writeln!(out, "map $http_upgrade $pyairtable_connection {{\n    \"\" \"\";\n    default upgrade;\n}}")?;
    // The same key for all families: a person is on one side with all of it, as far as the shares are equal.
    let sides = match options.share {
        Share::NONE => "    * legacy;\n".to_owned(),
        Share::ALL => "    * platform;\n".to_owned(),
        share => format!("    {share} platform;\n    * legacy;\n"),
    };
    writeln!(out, "split_clients \"{seed} $pyairtable_key\" $pyairtable_side {{\n{sides}}}")?;
    for named in routes {
        for (_, name, group) in named.sides() {
            writeln!(out, "upstream {name} {{")?;
            for instance in &group.instances {
                writeln!(out, "    server {} max_fails=3 fail_timeout=5s;", authority(instance))?;
            }
            writeln!(out, "    keepalive 64;\n    keepalive_timeout 30s;\n}}")?;
            if let Some(strip) = &group.strip {
                writeln!(out, "map $request_uri ${name}_uri {{")?;
                writeln!(out, "    \"~*^{}(/.*)$\" $1;", plain_regex(strip))?;
                writeln!(out, "    \"~*^{}([?].*)?$\" /$1;", plain_regex(strip))?;
                writeln!(out, "    default $request_uri;\n}}")?;
            }
        }
        let target = |side: Side| {
            let name = named.backend(side);
            let uri = match named.group(side).and_then(|group| group.strip.as_ref()) {
                Some(_) => format!("${name}_uri"),
                None => "$request_uri".to_owned(),
            };
            format!("http://{name}{uri}")
        };
        writeln!(out, "map $pyairtable_side ${}_target {{", named.name)?;
        let mut only = named.sides().map(|(side, _, _)| side);
        if let (Some(side), None) = (only.next(), only.next()) {
            writeln!(out, "    default {};", target(side))?;
        } else {
            writeln!(out, "    platform {};", target(Side::Platform))?;
            writeln!(out, "    default {};", target(Side::Legacy))?;
        }
        writeln!(out, "}}")?;
    }
    server(out, routes, options)
}

fn server(out: &mut String, routes: &[Named<'_>], options: &Options) -> std::fmt::Result {
    writeln!(out, "\nserver {{")?;
    writeln!(out, "    listen {};", options.port)?;
    writeln!(out, "    client_max_body_size 10m;")?;
    writeln!(out, "    proxy_http_version 1.1;")?;
    writeln!(out, "    proxy_request_buffering off;")?;
    writeln!(out, "    proxy_buffering off;")?;
    writeln!(out, "    proxy_connect_timeout 1s;")?;
    writeln!(out, "    # A request that is not idempotent is never sent again.")?;
    writeln!(out, "    proxy_next_upstream error timeout;")?;
    writeln!(out, "    proxy_set_header Host $host;")?;
    writeln!(out, "    proxy_set_header Connection $pyairtable_connection;")?;
    writeln!(out, "    proxy_set_header Upgrade $http_upgrade;")?;
    writeln!(out, "    proxy_set_header X-Forwarded-For $remote_addr;")?;
    writeln!(out, "    proxy_set_header X-Forwarded-Proto $scheme;")?;
    writeln!(out, "    # What a client says about who it is. If something in front sets these, remove the lines.")?;
    for header in IDENTITY {
        writeln!(out, "    proxy_set_header {header} \"\";")?;
    }
    writeln!(out, "    if ($request_uri ~* \"/([.]|%2e){{1,2}}(/|[?]|$)\") {{\n        return 400;\n    }}")?;
    writeln!(out, "    location ~* ^/+internal(/|$) {{\n        return 404;\n    }}")?;
    for named in routes {
        writeln!(out, "    location ~* ^{} {{", named.regex())?;
        writeln!(out, "        proxy_read_timeout {}s;", named.route.timeout.as_secs())?;
        writeln!(out, "        proxy_pass ${}_target;", named.name)?;
        writeln!(out, "    }}")?;
    }
    writeln!(out, "    location / {{\n        return 404;\n    }}\n}}")
}
