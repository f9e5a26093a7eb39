//! Mails: written by the transaction of what they tell, sent by a worker.

mod invitation;
mod send;

pub use invitation::InvitationMail;

use db::TenantTx;
use db::jobs::NO_LANE;
use kernel::Ctx;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::mails::NewMail;
use crate::templates::Mail;
use crate::{Notifications, store};

/// The kind of job that a mail is.
const KIND: &str = "mail";

/// What the job says.
#[derive(Serialize, Deserialize)]
struct Payload {
    mail: Uuid,
}

impl Payload {
    fn of(mail: Uuid) -> String {
        serde_json::to_string(&Self { mail }).unwrap_or_default()
    }
}

impl Notifications {
    /// A mail as it is stored.
    pub(super) fn close_mail(&self, cx: &Ctx, id: Uuid, mail: &Mail) -> Vec<u8> {
        self.seal.close(cx.rng(), id, &serde_json::to_vec(mail).unwrap_or_default())
    }

    fn open_mail(&self, id: Uuid, content: &[u8]) -> Option<Mail> {
        serde_json::from_slice(&self.seal.open(id, content)?).ok()
    }

    /// Leaves mails behind that tell of an event.
    pub(super) async fn write_mails(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        event: (Uuid, &str),
        mails: Vec<NewMail>,
    ) -> Result<(), db::Error> {
        if mails.is_empty() {
            return Ok(());
        }
        let written = store::mails::insert(tx, event, mails, cx.now()).await?;
        let jobs = written.into_iter().map(|(id, at)| (NO_LANE, Payload::of(id), at));
        tx.enqueue_all(cx, (KIND, tx.tenant()), jobs).await
    }
}
