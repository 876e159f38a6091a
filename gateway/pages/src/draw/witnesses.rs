//! The one-time links of a draw's witnesses (art. 15): when each was issued and opened, so that a witness sees when somebody
//! else was there before.

use maud::{Markup, html};

use super::facts::Facts;
use crate::{reader::Reader, words};

/// The links, oldest first; nothing where none was issued.
pub fn show(reader: &Reader, facts: &Facts) -> Markup {
    let lang = reader.lang;
    let links = &facts.draw.witness_links;
    let revoked = |number: i64, contributor: &str| {
        links.iter().any(|link| link.contributor == contributor && link.number > number)
    };
    html! {
        @if !links.is_empty() {
            section aria-labelledby="witness-links" {
                h2 #witness-links { (lang.t("见证人的一次性链接", "Witnesses’ one-time links")) }
                p { (lang.t(
                    "见证人凭链接先收到签名的声明，再给出一个数。链接只能打开一次；打开时间与见证人自己记得的不同，就说明有人先用过。",
                    "By a link a witness first receives the signed statement, then gives one number. It opens once; if the time is not the one the witness remembers, somebody else was there before.",
                )) }
                table.rows {
                    thead { tr {
                        th scope="col" { (lang.t("见证人", "Witness")) }
                        th scope="col" { (lang.t("签发", "Issued")) }
                        th scope="col" { (lang.t("打开", "Opened")) }
                    } }
                    tbody { @for link in links { tr {
                        td data-label=(lang.t("见证人", "Witness")) { (unit(reader, facts, &link.contributor)) code { (link.contributor) } }
                        td data-label=(lang.t("签发", "Issued")) { (words::when(lang, link.issue_time.as_ref())) }
                        td data-label=(lang.t("打开", "Opened")) {
                            @if link.open_time.is_some() { (words::when(lang, link.open_time.as_ref())) } @else { (lang.t("没有打开", "not opened")) }
                            @if revoked(link.number, &link.contributor) { (lang.t("，已由新链接取代", "; replaced by a newer one")) }
                        }
                    } } }
                }
            }
        }
    }
}

/// The unit that a witness comes from, before its name in the record.
fn unit(reader: &Reader, facts: &Facts, contributor: &str) -> Markup {
    let found = facts.draw.contributors.iter().find(|one| one.contributor == contributor);
    html! {
        @if let Some(one) = found.filter(|one| !one.unit.is_empty()) { (words::unit(reader.lang, &facts.public.units, &one.unit)) " " }
    }
}
