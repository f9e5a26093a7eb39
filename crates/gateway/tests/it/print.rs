//! What is printed for other proxies. Whether HAProxy and nginx take it is asked of them in `haproxy/` and `nginx.rs`.

use marked_yaml::Node;
use pyairtable_gateway::print::{Options, Product, print};
use pyairtable_gateway::routes::parse;

const ROUTES: &str = "\
seed: production
force:
  - tenant: synthetic
    to: platform
routes:
  - path: /api/v1/users/*
    legacy:
      instances: [http://user-1:8082, http://user-2:8082]
      strip: /api/v1
      health: /healthz
    platform: http://platform:8080
    timeout: 20s
  - path: /api/v1/tenants
    upstream: http://platform:8080
";

/// The same paths on both sides, for products that cut prefixes before they choose a side.
fn uncut() -> String {
    ROUTES.replace("      strip: /api/v1\n", "")
}

fn printed(product: Product, routes: &str, share: &str) -> Result<String, String> {
    let map = "/etc/haproxy/pyairtable.map".to_owned();
    let options = Options {
        share: share.parse().unwrap(),
        port: 8000,
        map,
        key: None,
        measure: "127.0.0.1:8009".parse().unwrap(),
    };
    print(product, &parse(routes).unwrap(), &options).map_err(|error| error.to_string())
}

/// What stands at the end of `path`, of keys and places.
fn at<'a>(mut node: &'a Node, path: &str) -> &'a Node {
    for part in path.split('/') {
        node = match node {
            Node::Mapping(mapping) => mapping.get_node(part),
            Node::Sequence(list) => list.get(part.parse::<usize>().unwrap()),
            Node::Scalar(_) => None,
        }
        .ok_or_else(|| format!("there is no {part} of {path}"))
        .unwrap();
    }
    node
}

fn text<'a>(node: &'a Node, path: &str) -> &'a str {
    at(node, path).as_scalar().unwrap().as_str()
}

#[test]
fn every_product_as_it_is_printed() {
    for (name, product, routes) in [
        ("haproxy", Product::Haproxy, ROUTES),
        ("haproxy_map", Product::HaproxyMap, ROUTES),
        ("nginx", Product::Nginx, ROUTES),
        ("traefik", Product::Traefik, &uncut()),
        ("envoy", Product::Envoy, &uncut()),
        ("gateway_api", Product::GatewayApi, ROUTES),
    ] {
        insta::assert_snapshot!(name, printed(product, routes, "10%").unwrap());
    }
}

#[test]
fn yaml_has_what_each_product_requires_at_every_share() {
    let parsed = |text: &str| marked_yaml::parse_yaml(0, text).unwrap();
    for (share, old, new) in
        [("0%", "1", "0"), ("1%", "99", "1"), ("10%", "9", "1"), ("50%", "1", "1"), ("100%", "0", "1")]
    {
        let traefik = parsed(&printed(Product::Traefik, &uncut(), share).unwrap());
        let router = at(&traefik, "http/routers/api_v1_users");
        match share {
            "0%" => assert_eq!(text(router, "service"), "api_v1_users_legacy"),
            "100%" => assert_eq!(text(router, "service"), "api_v1_users_platform"),
            _ => {
                assert_eq!(text(router, "service"), "api_v1_users");
                let services = at(&traefik, "http/services/api_v1_users/weighted/services");
                assert_eq!((text(services, "0/weight"), text(services, "1/weight")), (old, new), "{share}");
                assert_eq!(text(services, "1/name"), "api_v1_users_platform");
            }
        }
        for service in ["api_v1_users_legacy", "api_v1_users_platform", "api_v1_tenants_platform"] {
            let url = text(&traefik, &format!("http/services/{service}/loadBalancer/servers/0/url"));
            assert!(url.starts_with("http://"), "{url}");
        }

        let envoy = parsed(&printed(Product::Envoy, &uncut(), share).unwrap());
        let manager = at(&envoy, "static_resources/listeners/0/filter_chains/0/filters/0/typed_config");
        let action = at(manager, "route_config/virtual_hosts/0/routes/2/route");
        let weight = |n: u32| text(action, &format!("weighted_clusters/clusters/{n}/weight")).parse::<u32>().unwrap();
        assert_eq!(weight(0) + weight(1), 1_000_000);
        assert_eq!(weight(0), share.parse::<pyairtable_gateway::split::Share>().unwrap().millionths());
        assert_eq!(text(action, "weighted_clusters/clusters/0/name"), "api_v1_users_platform");
        assert_eq!(text(&envoy, "static_resources/clusters/2/name"), "api_v1_users_platform");
        assert_eq!(text(manager, "http_filters/0/name"), "envoy.filters.http.router");

        let printed = printed(Product::GatewayApi, ROUTES, share).unwrap();
        let documents: Vec<&str> = printed.split("---\n").skip(1).collect();
        assert_eq!(documents.len(), 2);
        let route = parsed(documents[1]);
        assert_eq!((text(&route, "apiVersion"), text(&route, "kind")), ("gateway.networking.k8s.io/v1", "HTTPRoute"));
        let backends = at(&route, "spec/rules/0/backendRefs");
        let weight = |n: u32| text(backends, &format!("{n}/weight")).parse::<f64>().unwrap();
        let given = weight(2) / (weight(0) + weight(1) + weight(2)) * 100.0;
        assert!((given - share.trim_end_matches('%').parse::<f64>().unwrap()).abs() < 1e-9, "{share}: {given}");
        assert_eq!(text(backends, "0/filters/0/urlRewrite/path/replacePrefixMatch"), "/users");
    }
}

#[test]
fn what_a_product_cannot_do_is_refused_with_a_remedy() {
    let say = |product, routes: &str, share| printed(product, routes, share).unwrap_err();
    let mut said = vec![
        say(Product::Traefik, ROUTES, "10%"),
        say(Product::Envoy, ROUTES, "10%"),
        say(Product::Nginx, ROUTES, "0.0001%"),
        say(Product::GatewayApi, "- path: /a\n  upstream: http://10.0.0.1:80\n", "1%"),
        say(Product::Haproxy, "- path: /a'b\n  upstream: http://a:80\n", "1%"),
        say(Product::Haproxy, "- path: /a\n  family: 'a b'\n  upstream: http://a:80\n", "1%"),
        say(Product::Nginx, "seed: '$x'\nroutes:\n  - path: /a\n    upstream: http://a:80\n", "1%"),
    ];
    let options = Options {
        share: "1%".parse().unwrap(),
        port: 80,
        map: "/a b".to_owned(),
        key: None,
        measure: "127.0.0.1:8009".parse().unwrap(),
    };
    let table = parse(ROUTES).unwrap();
    said.push(print(Product::Haproxy, &table, &options).unwrap_err().to_string());
    let options = Options { key: Some("\"; evil".to_owned()), ..options };
    said.push(print(Product::Nginx, &table, &options).unwrap_err().to_string());
    insta::assert_snapshot!("refusals", said.join("\n"));
}
