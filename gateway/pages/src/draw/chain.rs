//! The draws before and after a draw (art. 14-17): what it follows, and what follows from it.

use maud::{Markup, html};
use proto::qingtian::draws::v1::DrawKind;

use super::facts::Facts;
use crate::{reader::Reader, words};

/// What a reader must know of the draws this one hangs together with.
pub fn show(reader: &Reader, facts: &Facts) -> Markup {
    let (lang, public) = (reader.lang, &facts.public);
    let link = |name: &str| html! { a href={ "/" (name) } { (words::last(name)) } };
    html! {
        @if let Some(follows) = &facts.follows {
            @match facts.draw.kind() {
                DrawKind::Teams => p.notice {
                    (lang.t("这一次只抽检查人员，不抽对象：为 ", "This draw chooses no subject: it draws teams for those drawn by ")) (link(follows))
                    (lang.t(" 抽中而没有检查组的对象抽取检查组。对象全部入池，人员由机器随机选派，不由人指定。", " that had none. All of them are in the pool, and chance decides who goes, never anybody's hand."))
                },
                DrawKind::Unspecified | DrawKind::Original | DrawKind::Supplementary => p.notice {
                    (lang.t("这是对 ", "This supplements ")) (link(follows)) (lang.t(" 的补充抽查，已抽中的不再入池。", "; those drawn there are not in this pool."))
                },
            }
        }
        @if !public.followed_by.is_empty() {
            p.notice {
                (lang.t("接续这次抽查的是：", "Draws that follow this one: "))
                @for (at, name) in public.followed_by.iter().enumerate() {
                    @if at > 0 { (lang.t("、", ", ")) }
                    (link(name))
                }
                (lang.t("。", "."))
            }
        }
        @if public.deferred > 0 {
            p.notice {
                (words::count(public.deferred))
                (lang.t(
                    " 户抽中对象本季度已由另一次抽查安排检查，同一季度不重复上门（第十七条），在名单中注明。",
                    " drawn subjects have a visit from another draw this quarter and are not visited twice (art. 17); the list says which.",
                ))
            }
        }
    }
}
