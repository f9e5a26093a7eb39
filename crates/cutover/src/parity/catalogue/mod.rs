//! Which requests are replayed: data, a line or two for each case, a file for each family of paths.
//!
//! Paths and bodies name rows by variables in braces, which [`super::scene`] picks from the clone or an earlier answer
//! left behind. A case whose variables nobody has is left out and reported so.

mod auth;
mod bases;
mod members;
mod projects;
mod tenants;
mod users;
mod workspaces;

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody: no token.
    Nobody,
    /// The person of this name in the scene.
    Person(&'static str),
    /// Another service, with the internal key.
    Service,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Nothing,
    /// This, said to be JSON.
    Json(&'static str),
}

/// One request, sent to both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// The method.
    pub method: &'static str,
    /// The path, as the old services know it: without a version in front.
    pub path: &'static str,
    /// What is tried, in a word or two; together with the endpoint it names the case.
    pub name: &'static str,
    /// Who asks.
    pub who: Who,
    /// What is sent.
    pub body: Body,
    /// What of an answer is kept for later cases: a variable and the field it is taken from.
    pub keep: &'static [(&'static str, &'static str)],
    /// What passwords in the rows it writes may be hashes of.
    pub password: Option<&'static str>,
}

const fn case(method: &'static str, path: &'static str, name: &'static str) -> Case {
    Case { method, path, name, who: Who::Nobody, body: Body::Nothing, keep: &[], password: None }
}

const fn post(path: &'static str, name: &'static str) -> Case {
    case("POST", path, name)
}

const fn put(path: &'static str, name: &'static str) -> Case {
    case("PUT", path, name)
}

const fn delete(path: &'static str, name: &'static str) -> Case {
    case("DELETE", path, name)
}

impl Case {
    const fn by(mut self, person: &'static str) -> Self {
        self.who = Who::Person(person);
        self
    }

    const fn by_service(mut self) -> Self {
        self.who = Who::Service;
        self
    }

    const fn json(mut self, body: &'static str) -> Self {
        self.body = Body::Json(body);
        self
    }

    const fn keeps(mut self, keep: &'static [(&'static str, &'static str)]) -> Self {
        self.keep = keep;
        self
    }

    const fn password(mut self, password: &'static str) -> Self {
        self.password = Some(password);
        self
    }

    /// The endpoint's name: `{id}` in the place of everything that varies.
    pub fn endpoint(&self) -> String {
        let part = |part: &str| if part.starts_with('{') { "{id}".to_owned() } else { part.to_owned() };
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {}", self.method, path.split('/').map(part).collect::<Vec<_>>().join("/"))
    }

    /// Which of the old services knows the path.
    pub fn service(&self) -> &'static str {
        match self.path.split('/').nth(1) {
            Some("auth") => "auth",
            Some("users") => "users",
            Some("tenants") => "tenants",
            _ => "workspaces",
        }
    }

    /// The variables it needs.
    pub fn needs(&self) -> Vec<&'static str> {
        let body = match self.body {
            Body::Json(text) => text,
            Body::Nothing => "",
        };
        let mut all: Vec<&str> = variables(self.path).chain(variables(body)).collect();
        if let Who::Person(name) = self.who {
            all.push(name);
        }
        all
    }
}

/// Names in braces: lower case letters, digits, dots and dashes only, so that braces of JSON are none.
fn variables(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte);
        (!name.is_empty() && name.bytes().all(plain)).then_some(name)
    })
}

/// All cases in the order they are replayed: what is made first is used later, what ends somebody comes last.
pub fn cases() -> Vec<Case> {
    [
        workspaces::CASES,
        projects::CASES,
        bases::CASES,
        members::CASES,
        workspaces::LAST,
        auth::CASES,
        tenants::CASES,
        users::CASES,
    ]
    .concat()
}

/// Every endpoint once, in the order of their first cases.
pub fn endpoints() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for case in cases() {
        let endpoint = case.endpoint();
        if !all.contains(&endpoint) {
            all.push(endpoint);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Body, Who, cases, endpoints};
    use crate::parity::scene::PICKED;

    #[test]
    fn cases_have_names_of_their_own_and_use_what_there_is() {
        let mut names = BTreeSet::new();
        let mut known: BTreeSet<&str> = PICKED.iter().copied().collect();
        for case in cases() {
            let name = format!("{}: {}", case.endpoint(), case.name);
            assert!(names.insert(name.clone()), "{name} twice");
            for variable in case.needs() {
                assert!(known.contains(variable), "{name} needs {variable}");
            }
            known.extend(case.keep.iter().map(|(variable, _)| *variable));
        }
    }

    #[test]
    fn endpoints_are_tried_with_what_succeeds_and_with_what_is_refused() {
        for endpoint in endpoints() {
            let of: Vec<_> = cases().into_iter().filter(|case| case.endpoint() == endpoint).collect();
            assert!(of.len() >= 3, "{endpoint}: only {} cases", of.len());
        }
        assert_eq!(endpoints().len(), 27);
        assert!(
            cases().iter().any(|case| case.who == Who::Service)
                && cases().iter().any(|case| case.body == Body::Nothing)
        );
    }
}
