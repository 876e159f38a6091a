//! A picture of the draw, drawn here: three sources make one seed, the seed gives tickets, the smallest are drawn.

use maud::{Markup, html};

use crate::reader::Lang;

/// Heights of tickets in the picture, in ascending order of the row's places as firms stand in the list.
const TICKETS: [u16; 9] = [64, 22, 88, 47, 104, 16, 73, 95, 36];
/// Where the threshold stands.
const THRESHOLD: u16 = 40;

/// The picture; its text says the same in words.
pub fn draw(lang: Lang) -> Markup {
    let boxes = [
        (0, lang.t("声明", "Statement"), lang.t("事先公布", "published first")),
        (124, lang.t("各方随机数", "Entries"), lang.t("当众提交", "in public")),
        (248, lang.t("公共随机数", "Beacon"), lang.t("谁也控制不了", "independent")),
    ];
    html! {
        svg.picture viewBox="0 0 360 330" role="img" aria-labelledby="picture-title" xmlns="http://www.w3.org/2000/svg" {
            title #picture-title {
                (lang.t(
                    "声明、各方随机数和公共随机数合成种子；种子给每家企业一个号；号不高于门槛的被抽中。",
                    "Statement, entries and beacon make the seed; the seed gives each firm a ticket; tickets not above the threshold are drawn.",
                ))
            }
            @for (x, name, note) in boxes {
                rect.box x=(x) y="1" width="112" height="56" rx="6" {}
                text.big x=(x + 56) y="25" text-anchor="middle" { (name) }
                text.small x=(x + 56) y="45" text-anchor="middle" { (note) }
                line.flow x1=(x + 56) y1="57" x2="180" y2="92" {}
            }
            rect.seed x="110" y="92" width="140" height="38" rx="19" {}
            text.white x="180" y="117" text-anchor="middle" { (lang.t("种子", "Seed")) }
            line.flow x1="180" y1="130" x2="180" y2="160" {}
            @for (place, height) in (0u16..).zip(TICKETS) {
                @let drawn = height <= THRESHOLD;
                rect class=(if drawn { "drawn" } else { "kept" }) x=(place * 40 + 6) y=(280 - height) width="28" height=(height) rx="2" {}
                @if drawn { text.mark x=(place * 40 + 20) y=(274 - height) text-anchor="middle" { "✓" } }
            }
            line.threshold x1="0" y1=(280 - THRESHOLD) x2="360" y2=(280 - THRESHOLD) {}
            line.ground x1="0" y1="280" x2="360" y2="280" {}
            text.small x="0" y="300" { (lang.t("每一柱是一家企业的号；虚线是门槛。", "Bar: a firm's ticket. Dashes: the threshold.")) }
            text.small x="0" y="320" { (lang.t("✓ 号不高于门槛：抽中。", "✓ Not above the threshold: drawn.")) }
        }
    }
}
