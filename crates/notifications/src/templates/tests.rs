use kernel::UserId;
use uuid::Uuid;

use super::*;

fn tenant() -> TenantId {
    TenantId(Uuid::from_u128(3))
}

fn ada() -> Addressee {
    let text = str::to_owned;
    Addressee {
        id: UserId(Uuid::from_u128(2)),
        email: text("ada@example.com"),
        email_verified: true,
        first_name: text("Ada"),
        last_name: text("Lovelace"),
        display_name: text("Ada Lovelace"),
        locale: None,
    }
}

fn sample(kind: &Kind) -> Value {
    vars(&kind.sample(), &ada(), "2026-03-01T12:00:00Z".parse().unwrap())
}

fn own(kind: &str, locale: &str, parts: Parts) -> Override {
    let updated_at = Timestamp::UNIX_EPOCH;
    Override { kind: kind.to_owned(), locale: locale.to_owned(), parts, updated_at }
}

fn title(text: &str) -> Parts {
    Parts { title: Some(text.to_owned()), ..Parts::default() }
}

/// The feed of a tenant whose title for `user.role_changed` is `source`.
fn titled(source: &str) -> String {
    let texts = Texts::new("user.role_changed", tenant(), vec![own("user.role_changed", "en", title(source))]);
    texts.feed("en", &sample(kind("user.role_changed").unwrap())).title
}

#[test]
fn built_in_texts_say() {
    let mut all = Vec::new();
    for kind in KINDS {
        for locale in LOCALES {
            let texts = Texts::new(kind.name, tenant(), Vec::new());
            let (feed, mail) = (texts.feed(locale, &sample(kind)), texts.mail(locale, &sample(kind)));
            let Feed { title, message } = feed;
            let name = format!("== {} {locale}", kind.name);
            all.push([&name, &title, &message, "-- mail", &mail.subject, "", &mail.text, "\n"].join("\n"));
            assert!(mail.html.contains("</html>") && mail.html.contains(&format!("lang=\"{locale}\"")));
        }
    }
    insta::assert_snapshot!(all.concat());
}

#[test]
fn built_in_texts_hold_without_a_single_variable() {
    for kind in KINDS {
        for locale in LOCALES {
            let parts = kind.parts(locale).unwrap();
            assert!(parts.title.is_some() || parts.subject.is_some(), "{} {locale}", kind.name);
            for (part, source) in parts.present() {
                parts.check().unwrap();
                // A title that is nothing but what was sent has nothing to show then.
                let filled = fill(part, source, &json!({}));
                assert!(filled.is_ok() || kind.name == "notification", "{} {locale}: {filled:?}", kind.name);
            }
        }
    }
}

#[test]
fn samples_name_every_variable_that_built_in_texts_name() {
    for kind in KINDS {
        assert!(!kind.sample().is_empty(), "{}", kind.name);
        let Value::Object(mut sample) = sample(kind) else { panic!() };
        for name in sample.clone().keys() {
            sample.insert(name.clone(), Value::Null);
        }
        // What is not in the sample would change nothing when everything in it is taken away.
        for locale in LOCALES {
            for (part, source) in kind.parts(locale).unwrap().present().filter(|(_, source)| source.contains("{{")) {
                let with = fill(part, source, &self::sample(kind)).unwrap();
                let without = fill(part, source, &Value::Object(sample.clone()));
                assert_ne!(Ok(with), without, "{} {locale} {}", kind.name, part.name());
            }
        }
    }
}

#[test]
fn a_mail_is_a_page() {
    let texts = Texts::new("tenant.invitation", tenant(), Vec::new());
    insta::assert_snapshot!(texts.mail("en", &sample(kind("tenant.invitation").unwrap())).html);
}

#[test]
fn pages_escape_what_is_filled_in() {
    let texts = Texts::new("user.new_device", tenant(), Vec::new());
    let data = json!({ "ip": "192.0.2.7", "user_agent": "<script>alert(1)</script> \"quoted\" & more" });
    let mail = texts.mail("en", &data);
    assert!(mail.text.contains("<script>alert(1)</script> \"quoted\" & more"));
    assert!(!mail.html.contains("<script") && mail.html.contains("&lt;script&gt;alert(1)"), "{}", mail.html);
    let link = Texts::new("tenant.invitation", tenant(), Vec::new());
    let html = link.mail("en", &json!({ "link": "https://example.com/\"onclick=\"alert(1)" })).html;
    assert!(!html.contains("\"onclick"), "{html}");
    // No other scheme becomes a link, and what stands beside words does not either.
    for plain in ["javascript:alert(1)", "data:text/html,x"] {
        assert!(!link.mail("en", &json!({ "link": plain })).html.contains("href"));
    }
}

#[test]
fn the_language_follows_the_reader() {
    let of = |overrides: &[(&str, &str)], locale: &str| {
        let overrides = overrides.iter().map(|(locale, text)| own("user.role_changed", locale, title(text))).collect();
        Texts::new("user.role_changed", tenant(), overrides).feed(locale, &json!({ "role": "admin" }))
    };
    assert_eq!(of(&[], "de-AT").title, "Ihre Rolle wurde geändert");
    assert_eq!(of(&[], "de_at").title, "Ihre Rolle wurde geändert");
    for unknown in ["fr", "", "nonsense", "../../etc/passwd"] {
        assert_eq!(of(&[], unknown).title, "Your role changed", "{unknown}");
    }
    let own = [("en", "Own"), ("de", "Eigen"), ("de-AT", "Servus"), ("fr", "Votre rôle")];
    for (locale, expected) in [("en", "Own"), ("de", "Eigen"), ("de-CH", "Eigen"), ("de-AT", "Servus"), ("es", "Own")] {
        assert_eq!(of(&own, locale).title, expected, "{locale}");
    }
    let french = of(&own, "fr-CA");
    assert_eq!(
        (french.title.as_str(), &french.message[..2]),
        ("Votre rôle", "It"),
        "what is not French yet is English"
    );
}

#[test]
fn a_mail_takes_its_words_from_the_feed_where_it_has_none() {
    let texts = Texts::new("user.role_changed", tenant(), vec![own("user.role_changed", "fr", title("Votre rôle"))]);
    assert_eq!(texts.mail("fr", &json!({})).subject, "Votre rôle");
    let verification = Texts::new("channel.verification", tenant(), Vec::new());
    assert_eq!(verification.feed("en", &json!({ "code": "7" })).title, "7 is your confirmation code");
    assert_eq!(Texts::new("no.such_kind", tenant(), Vec::new()).feed("en", &json!({})).title, "no.such_kind");
}

#[test]
fn a_template_that_fails_gives_way_to_the_built_in_one() {
    assert_eq!(titled("Hello {{ user.first_name }} of {{ tenant.id }}"), format!("Hello Ada of {}", tenant()));
    let long_tag = format!("{{{{ a{} }}}}", ".a".repeat(5_000));
    let chain = format!("{{% if a %}}{}x{{% endif %}}", "{% elif b %}".repeat(1_600));
    let nested = "{% for a in user %}".repeat(9);
    for broken in [
        "{{ unclosed",
        "{% if x %}",
        "{{ role|nothing }}",
        "{{ role.upper() }}",
        "{{ range(100000000) }}",
        "{% for i in range(100000000) %}x{% endfor %}",
        "{% set a = role %}{{ a }}",
        "{% set a = 'xxxxxxxxxx' %}{% set a = a ~ a ~ a ~ a ~ a %}{{ a }}",
        "{{ 'x' * 1000000000 }}",
        "{{ role ~ role }}",
        "{{ [1] * 1000000000 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include 'other' %}",
        "{% filter upper %}x{% endfilter %}",
        "{% for a in user recursive %}{{ loop(user) }}{% endfor %}",
        "{{ (loop)(1) }}",
        "{{ loop ['x'](1) }}",
        "{{ {'a': 1} }}",
        "{{ nothing_at_all }}",
        "   ",
        &long_tag,
        &chain,
        &nested,
    ] {
        assert_eq!(titled(broken), "Your role changed", "{broken}");
    }
}

#[test]
fn a_template_says_what_is_wrong_and_where() {
    let fault = |source: &str| engine::fill(source, &json!({})).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            fault("one\n{{ unclosed"),
            fault("one\n{% set a = 1 %}"),
            fault("one\n\n{{ range(7) }}"),
            fault("{{ a|nothing }}"),
            fault("{% if a %}"),
            fault("{% endif %}"),
            fault("{{ a ~ b }}"),
            fault("{{ a b }}"),
            fault(&format!("{{% if a %}}{}{{% endif %}}", "\n{% elif b %}".repeat(51))),
            fault(&"{% if a %}".repeat(9)),
            fault(&format!("{{{{ {}a }}}}", "not ".repeat(100))),
        ]
        .join("\n")
    );
}

/// As deep as the rules let anybody go, on a stack of the size that workers have.
#[test]
fn a_template_cannot_go_deeper_than_the_stack() {
    let elifs = "{% elif a %}y".repeat(50);
    let dots = format!("{{{{ a{} }}}}", ".a".repeat(48));
    let inner =
        [dots, format!("{{{{ {}a }}}}", "not ".repeat(97)), format!("{{{{ {}a{} }}}}", "(".repeat(48), ")".repeat(48))]
            .concat();
    let all = format!("{}{inner}{elifs}{}", "{% if b %}".repeat(8), "{% endif %}".repeat(8));
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let filled = thread.spawn(move || engine::fill(&all, &json!({ "a": 7, "b": 1 }))).unwrap().join().unwrap();
    assert!(filled.is_ok(), "{filled:?}");
}

#[test]
fn a_template_that_runs_long_is_stopped() {
    let items: Vec<u32> = (0..1_000).collect();
    let vars = json!({ "items": items, "text": "x".repeat(1_000) });
    let each = |inner: &str| format!("{{% for a in items %}}{inner}{{% endfor %}}");
    let endless = engine::fill(&each(&each(&each(&each("")))), &vars).unwrap_err();
    assert_eq!(endless.reason, "the template takes too many steps");
    let huge = engine::fill(&each("{{ text }}"), &vars).unwrap_err();
    assert_eq!(huge.reason, "what the template makes is longer than 65536 bytes");
    assert_eq!(huge.written.len(), 65_536);
}

#[test]
fn built_in_texts_of_much_are_cut_and_not_lost() {
    let item = json!({ "title": "ü".repeat(500), "message": "m".repeat(10_000), "created_at": "2026-03-01T09:30:00Z" });
    let texts = Texts::new("digest", tenant(), Vec::new());
    let mail = texts.mail("en", &json!({ "period": "weekly", "items": vec![item; 500] }));
    assert_eq!(mail.subject, "Your weekly summary: 500 notifications");
    assert!(mail.text.len() > 60_000 && mail.text.len() <= 65_536 && mail.html.contains("</html>"));
}

#[test]
fn titles_fit_their_column_and_mails_their_headers() {
    let texts = Texts::new("workspace.member.added", tenant(), Vec::new());
    let feed = texts.feed("en", &json!({ "workspace_name": "ü".repeat(600), "role": "a\u{0}b\u{7}c" }));
    assert_eq!(feed.title.chars().count(), 500);
    assert_eq!(feed.message, "Your role in the workspace is abc.");
    let mail = Texts::new("notification", tenant(), Vec::new())
        .mail("en", &json!({ "title": "One\r\nBcc: eve@example.com\u{2028}two", "message": "a\r\n\r\n\r\n\tb" }));
    assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("One Bcc: eve@example.com two", "a\n\n b"));
}

#[test]
fn filters_take_whatever_they_are_given() {
    let filled = |source: &str| {
        engine::fill(
            source,
            &json!({ "n": 7, "t": "äé", "l": [1, 2], "o": { "k": "v" }, "at": "2026-03-01T09:30:00Z" }),
        )
        .unwrap()
    };
    for (source, expected) in [
        ("{{ t|upper }} {{ n|upper }}{{ l|upper }}{{ x|upper }}", "ÄÉ 7"),
        ("{{ at|date }} {{ t|date }} {{ x|date }}", "2026-03-01 09:30 UTC äé "),
        ("{{ 'abcdef'|truncate(3) }} {{ 'abc'|truncate(3) }}", "ab… abc"),
        ("{{ l|length }} {{ t|length }} {{ n|length }} {{ x|length }}", "2 2 0 0"),
        ("{{ x.y.z|default('-') }}{{ x[0]|default('-') }}{{ ''|default('-') }}{{ n|default('-') }}", "---7"),
        ("{% for a in x %}{{ a }}{% else %}none{% endfor %}", "none"),
        ("{% if (n == 7) and not (x) %}{{ o.k }}{% endif %}", "v"),
    ] {
        assert_eq!(filled(source), expected, "{source}");
    }
}
