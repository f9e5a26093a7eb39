//! A read as it is asked once more, of either side.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::counters::Counters;
use crate::forced::Side;
use crate::identity::Identity;
use crate::proxy::headers::{From, to_service};
use crate::routes::Protocol;
use crate::split::{Share, Weight};
use crate::upstream::Upstream;

/// Tells services that nobody waits for the answer.
const SHADOW: HeaderName = HeaderName::from_static("x-gateway-shadow");

/// Everything needed to ask again.
pub(crate) struct Question {
    pub(crate) family: String,
    pub(crate) weight: Weight,
    pub(crate) counters: Arc<Counters>,
    /// Method and template.
    pub(crate) endpoint: String,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// As the client sent them.
    pub(crate) headers: HeaderMap,
    pub(crate) client: IpAddr,
    pub(crate) is_https: bool,
    pub(crate) request_id: HeaderValue,
    pub(crate) identity: Option<Identity>,
    /// Who answered the client.
    pub(crate) primary: Side,
    pub(crate) legacy: Arc<Upstream>,
    pub(crate) platform: Arc<Upstream>,
}

impl Question {
    /// Only plain reads can be asked again: of the others the answer depends on what the client has already, or they
    /// change something.
    pub(super) fn may_be_asked_again(method: &Method, headers: &HeaderMap) -> bool {
        matches!(*method, Method::GET | Method::HEAD)
            && ![IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE].iter().any(|name| headers.contains_key(name))
    }

    /// Whether the other side may be asked. While people are on the new side they write there, and what the old side then
    /// reads for nobody may stay in its caches after they wrote again.
    pub(super) fn may_ask_other(&self) -> bool {
        self.primary == Side::Legacy || self.weight.get() == Share::NONE
    }

    pub(super) fn upstream(&self, side: Side) -> &Upstream {
        match side {
            Side::Legacy => &self.legacy,
            Side::Platform => &self.platform,
        }
    }

    /// Path and query as the side knows them.
    pub(super) fn path(&self, side: Side) -> String {
        let path = self.upstream(side).group.path(self.uri.path());
        match self.uri.query() {
            None => path.to_owned(),
            Some(query) => format!("{path}?{query}"),
        }
    }

    /// The headers as the side gets them: what a client says about itself does not pass here either.
    pub(super) fn headers(&self, side: Side) -> HeaderMap {
        let mut headers = self.headers.clone();
        let identity = self.identity.as_ref();
        let from = From { client: self.client, is_https: self.is_https, request_id: &self.request_id, identity };
        to_service(&mut headers, side, Protocol::Http1, &from, None);
        headers.remove(http::header::CONTENT_LENGTH);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(SHADOW, HeaderValue::from_static("1"));
        headers.entry(HOST).or_insert(HeaderValue::from_static("gateway"));
        headers
    }
}
