//! What the report stands on, and how anybody can see that nobody changed it.

use super::super::model::Report;
use super::super::words::{number, seconds, utc};
use super::markup::Markup;
use super::{list, more, note, section, table};

pub(super) fn show(page: &mut Markup, report: &Report) {
    section(page, "signature", "What this report stands on", |page| {
        let sign = &report.signature;
        note(
            page,
            "Each record of the journal ends with the SHA-256 of itself and contains that of the record before, so its head \
             stands for all of them: no record can be changed, removed or moved without changing it. Keep the head somewhere \
             else than the folder.",
        );
        list(
            page,
            &[
                ("Head of the chain", sign.chain_head.clone()),
                ("Records", number(sign.records as u64)),
                ("SHA-256 of the journal", sign.journal_sha256.clone()),
                ("Its length in bytes", number(sign.journal_bytes as u64)),
            ],
        );
        page.within("p", &[("class", &"commands")], |page| {
            page.text("To check journal, files and this report:");
            page.element("code", &[], "pyairtable-platform cutover report --check --dir FOLDER");
            page.text("To check the journal without this program:");
            page.element("code", &[], format_args!("head -c {} journal.jsonl | sha256sum", sign.journal_bytes));
        });
        more(page, "Files it was made from", |page| {
            table(page, &["File", "SHA-256"], &[], |rows| {
                rows.extend(sign.files.iter().map(|(name, sum)| vec![name.clone(), sum.clone()]));
            });
        });
        more(page, "Who held the run", |page| {
            table(page, &["Holder", "Token", "Program", "From", "For", "Exit code"], &[1, 4, 5], |rows| {
                for one in &report.sessions {
                    let took = seconds(super::super::attempts::between(one.opened_at, one.ended_at));
                    let exit = one.exit.map_or_else(|| "none".to_owned(), |exit| exit.to_string());
                    rows.push(vec![
                        one.holder.clone(),
                        number(one.token),
                        one.program.clone(),
                        utc(one.opened_at),
                        took,
                        exit,
                    ]);
                }
            });
        });
        if !report.remarks.is_empty() {
            page.element("h3", &[], "Remarks");
            page.within("ul", &[], |page| {
                for remark in &report.remarks {
                    page.element("li", &[], remark);
                }
            });
        }
    });
}
