//! The parts of the ceremony, from what is going on now down to how to check it. Each is replaced on its own while the page is
//! watched, so each says everything it has to say.

use maud::{Markup, html};
use proto::qingtian::{
    draws::v1::{Contributor, ContributorKind, DrawState, Drawn, Entry},
    portal::v1 as pb,
};

use super::qr;
use crate::{
    draw::{self, Facts},
    draws,
    failure::Refused,
    reader::Reader,
    words,
};

type Time = Option<prost_types::Timestamp>;

/// What a part is made from.
struct Stage<'a> {
    reader: &'a Reader,
    facts: &'a Facts,
    drawn: Option<&'a Result<pb::ListDrawnResponse, Refused>>,
}

/// All parts of a draw in its state.
pub fn all(reader: &Reader, facts: &Facts, drawn: Option<&Result<pb::ListDrawnResponse, Refused>>) -> Vec<Markup> {
    let stage = Stage { reader, facts, drawn };
    let stated = !facts.draw.statement.is_empty();
    // What has nothing to say yet keeps its place, so that something may come into it.
    let once_stated = |id, body: &dyn Fn() -> Markup| {
        section(
            id,
            if stated {
                body()
            } else {
                html! {}
            },
        )
    };
    vec![
        stage.now(),
        section("steps", stage.steps()),
        section("notes", draw::warnings(reader, facts)),
        once_stated("statement", &|| stage.statement()),
        once_stated("entries", &|| stage.entries()),
        once_stated("reveal", &|| stage.reveal()),
        once_stated("drawn", &|| stage.drawn()),
        section("verify", stage.verify()),
    ]
}

fn section(id: &str, body: Markup) -> Markup {
    html! { section id=(id) data-part=(id) { (body) } }
}

impl Stage<'_> {
    fn t<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        self.reader.lang.t(zh, en)
    }

    /// A time, with room for what is left until then.
    fn until(&self, time: &Time) -> Markup {
        html! {
            @if let Some(at) = words::instant(time.as_ref()) {
                time datetime=(at.to_rfc3339()) { (words::time(self.reader.lang, at)) }
                span.left data-until=(at.to_rfc3339()) {}
            } @else { "—" }
        }
    }

    fn is_past(&self, time: &Time) -> bool {
        words::instant(time.as_ref()).is_some_and(|at| at <= self.reader.now)
    }

    /// The contributors whose entries the close binds, and how many have given theirs.
    fn given(&self) -> (usize, usize) {
        let people = self.facts.draw.contributors.iter().enumerate();
        let people = people.filter(|(_, contributor)| contributor.kind() != ContributorKind::Beacon);
        let given = people.clone().filter(|(place, _)| self.facts.entry(*place).is_some()).count();
        (given, people.count())
    }

    /// Whether the entries are closed: signed, or the time has come.
    fn is_closed(&self) -> bool {
        !self.facts.public.entries_signature.is_empty() || self.is_past(&self.facts.draw.entries_close)
    }

    fn beacon_entry(&self) -> Option<&Entry> {
        self.facts.beacon().and_then(|(place, _)| self.facts.entry(place))
    }

    /// One sentence: what is going on.
    fn now(&self) -> Markup {
        let (draw, facts, lang) = (&self.facts.draw, self.facts, self.reader.lang);
        let (given, asked) = self.given();
        let text = match facts.state {
            DrawState::Unspecified | DrawState::Created => html! {
                (self.t("等待声明。名单和规则定稿、签名公布之后，这里显示它们的指纹。", "Waiting for the statement. Once lists and rules are fixed, signed and published, their fingerprint stands here."))
            },
            DrawState::Stated | DrawState::Contributing if !self.is_closed() => html! {
                @if given < asked {
                    @if lang.is_zh() { "各方提交随机数：" (given) " / " (asked) " 方已提交。" } @else { "Entries: " (given) " of " (asked) " given. " }
                } @else { (self.t("各方都已提交随机数。", "All entries are given. ")) }
                (self.t("截止 ", "They close ")) (self.until(&draw.entries_close))
            },
            DrawState::Stated | DrawState::Contributing if given < asked => html! {
                (self.t("截止时间已到，有一方没有提交，这次抽查将作废。", "The entries are closed and one is missing: this draw will fail."))
            },
            DrawState::Stated | DrawState::Contributing
                if facts.beacon().is_some() && self.beacon_entry().is_none() =>
            {
                html! {
                    (self.t("各方随机数已截止。等待公共随机数，不早于 ", "The entries are closed. Waiting for the beacon, not before ")) (self.until(&draw.beacon_time))
                }
            }
            DrawState::Stated | DrawState::Contributing => html! {
                (self.t("随机数齐了，系统正在自动揭示，最迟 ", "All numbers are in; the draw now runs by itself, at the latest by ")) (self.until(&draw.reveal_by))
            },
            DrawState::Revealed | DrawState::Dispatched | DrawState::Done => {
                let (pool, drawn) = (words::count(draw.subjects), words::count(draw.drawn));
                html! {
                    @if lang.is_zh() { "已揭示：从 " (pool) " 户入池对象中抽出 " (drawn) " 户。" }
                    @else { "Revealed: " (drawn) " of " (pool) " subjects are drawn." }
                }
            }
            DrawState::Failed => html! {
                (self.t("这次抽查作废：", "This draw failed: ")) (words::end_reason(lang, &draw.end_reason)) (self.t("。没有抽出任何对象。", ". Nobody was drawn."))
            },
            DrawState::Abandoned => html! {
                (self.t("这次抽查在任何随机数提交之前放弃：", "This draw was abandoned before its first entry: ")) (words::end_reason(lang, &draw.end_reason)) (self.t("。", "."))
            },
        };
        html! {
            div #now data-part="now" role="status" {
                p.lead { (draws::tag(self.reader, facts.state)) " " (text) }
            }
        }
    }

    /// The way of every draw, and how far this one is.
    fn steps(&self) -> Markup {
        let facts = self.facts;
        let (given, asked) = self.given();
        let mut steps = vec![
            (self.t("声明", "Stated"), !facts.draw.statement.is_empty()),
            (self.t("各方提交", "Entries"), asked > 0 && given == asked),
            (self.t("截止签名", "Closed"), !facts.public.entries_signature.is_empty()),
        ];
        if facts.beacon().is_some() {
            steps.push((self.t("公共随机数", "Beacon"), self.beacon_entry().is_some()));
        }
        steps.push((self.t("揭示", "Revealed"), facts.is_revealed()));
        let ended = matches!(facts.state, DrawState::Failed | DrawState::Abandoned);
        let current = steps.iter().position(|(_, done)| !done).filter(|_| !ended);
        html! {
            ol.steps aria-label=(self.t("进程", "Course")) {
                @for (place, (name, done)) in steps.iter().enumerate() {
                    li class=(if *done { "done" } else if Some(place) == current { "current" } else { "todo" }) aria-current=[(Some(place) == current).then_some("step")] {
                        span.mark aria-hidden="true" { @if *done { "✓" } @else { (place + 1) } } " " (name)
                        span.state { @if *done { (self.t("已完成", "done")) } @else if Some(place) == current { (self.t("进行中", "now")) } @else if ended { (self.t("没有进行", "did not happen")) } @else { (self.t("待进行", "to come")) } }
                    }
                }
            }
        }
    }

    /// What everything rests on, to be photographed in the room.
    fn statement(&self) -> Markup {
        let (facts, draw) = (self.facts, &self.facts.draw);
        let base = &self.reader.site.public_url;
        let address = format!("{base}/v1/public/draws/{}/statement", facts.number);
        html! {
            h2 { (self.t("声明的指纹", "Fingerprint of the statement")) }
            div.withqr {
                div {
                    p.groups { @for group in groups(&draw.statement) { span { (group) } } }
                    p { (self.t(
                        "请拍照或抄下。名单、规则和秘密数的承诺都在声明里，改动一个字，指纹就完全不同。",
                        "Photograph it or write it down. Lists, rules and the commitment to the secret stand in the statement; change one letter, and this is another number.",
                    )) }
                    dl.facts {
                        dt { (self.t("声明时间", "Stated")) } dd { (words::when(self.reader.lang, draw.state_time.as_ref())) }
                        dt { (self.t("抽查单位", "Drawing unit")) } dd { (words::unit(self.reader.lang, &facts.public.units, &draw.organisation)) }
                        dt { (self.t("入池", "In the pool")) } dd { (words::count(draw.subjects)) (self.t(" 户", "")) }
                        dt { (self.t("签名公钥", "Signed with")) } dd { code { (draw.kid) } }
                    }
                }
                figure {
                    (qr::draw(&format!("{address}#sha256:{}", draw.statement), self.t("二维码：声明原文的地址和指纹", "QR code: the statement's address and fingerprint")))
                    figcaption { (self.t("扫码看声明，地址末尾是指纹", "Scan to open the statement; its address ends in the fingerprint")) }
                }
            }
        }
    }

    /// Who gives which number, as they come; then the close.
    fn entries(&self) -> Markup {
        let (facts, draw) = (self.facts, &self.facts.draw);
        html! {
            h2 { (self.t("随机数", "Entries")) }
            ol.givers {
                @for (place, contributor) in draw.contributors.iter().enumerate() { (self.giver(place, contributor)) }
            }
            @if facts.public.entries_signature.is_empty() {
                p { (self.t("截止时各方的随机数由系统签名，不能再改：", "At the close the entries are signed and cannot change: ")) (self.until(&draw.entries_close)) }
            } @else {
                p { strong { (self.t("已截止并签名。", "Closed and signed. ")) } (words::when(self.reader.lang, draw.entries_close.as_ref())) }
                p.meta { (self.t("签名 ", "Signature ")) code.hash { (facts.public.entries_signature) } }
            }
            @if let Some((place, beacon)) = facts.beacon() { (draw::source(self.reader.lang, beacon, facts.entry(place))) }
        }
    }

    fn giver(&self, place: usize, contributor: &Contributor) -> Markup {
        let (lang, facts, entry) = (self.reader.lang, self.facts, self.facts.entry(place));
        let is_beacon = contributor.kind() == ContributorKind::Beacon;
        html! {
            li class=(if entry.is_some() { "given" } else { "awaited" }) {
                p.who {
                    strong { (draw::name(lang, facts, contributor)) } br;
                    span.meta { (draw::recorded(lang, facts, contributor)) }
                }
                @match entry {
                    Some(entry) => {
                        p.value { code { (entry.value) } }
                        p.meta { (words::when(lang, entry.create_time.as_ref())) }
                    },
                    None if is_beacon => p.value.meta { (self.t("还不存在，不早于 ", "does not exist yet; not before ")) (self.until(&facts.draw.beacon_time)) },
                    None => p.value.meta { (self.t("尚未提交", "not given yet")) },
                }
            }
        }
    }

    /// The seed, and what it makes of each stratum.
    fn reveal(&self) -> Markup {
        let (lang, facts, draw) = (self.reader.lang, self.facts, &self.facts.draw);
        let shows = facts.is_public() && draw.strata.iter().any(|stratum| !stratum.threshold.is_empty());
        html! {
            h2 { (self.t("揭示", "Reveal")) }
            @if facts.is_revealed() {
                p { (self.t("揭示时间：", "Revealed: ")) (words::when(lang, draw.reveal_time.as_ref())) }
                @if !draw.seed.is_empty() {
                    p { (self.t("种子，由声明、秘密数和全部随机数算出：", "The seed, computed from the statement, the secret and every entry:")) }
                    p.groups { @for group in groups(&draw.seed) { span { (group) } } }
                    p { (self.t("每户的号由种子和它的代码算出；一层之中号最小的若干户抽中，最大的中签号就是门槛。", "A subject's ticket is computed from the seed and its code; in each stratum the smallest tickets are drawn, and the largest of those is the threshold.")) }
                }
            } @else if facts.state == DrawState::Failed {
                p { (self.t("没有揭示：秘密数一直封存。", "Not revealed: the secret stays sealed.")) }
            } @else {
                p { (self.t("随机数齐了就自动揭示，最迟 ", "The draw reveals itself once all numbers are in, at the latest by ")) (self.until(&draw.reveal_by)) }
            }
            @if !draw.strata.is_empty() {
                table.rows {
                    thead { tr {
                        th scope="col" { (self.t("层", "Stratum")) }
                        th.number scope="col" { (self.t("入池", "In the pool")) }
                        th.number scope="col" { @if facts.is_revealed() { (self.t("抽中", "Drawn")) } @else { (self.t("将抽", "To draw")) } }
                        @if shows { th scope="col" { (self.t("门槛", "Threshold")) } }
                    } }
                    tbody { @for stratum in &draw.strata { tr {
                        td data-label=(self.t("层", "Stratum")) { (words::stratum(lang, &stratum.stratum, facts.on)) }
                        td.number data-label=(self.t("入池", "In the pool")) { (words::count(stratum.subjects)) }
                        td.number data-label=(self.t("抽取", "Drawn")) { (words::count(stratum.drawn)) }
                        @if shows { td data-label=(self.t("门槛", "Threshold")) { @if stratum.threshold.is_empty() { "—" } @else { code.hash { (stratum.threshold) } } } }
                    } } }
                }
            }
        }
    }

    /// Who was drawn, by ticket, with the team that goes.
    fn drawn(&self) -> Markup {
        let (lang, facts) = (self.reader.lang, self.facts);
        html! {
            h2 #drawn-title { (self.t("抽中的对象和检查组", "Who was drawn, and which team goes")) }
            @match self.drawn {
                Some(Ok(found)) => (self.rows(found)),
                Some(Err(refused)) => p.notice { (refused.sentence(lang)) },
                None if facts.waits() => {
                    p { (self.t("名单将于 ", "Public on ")) (words::date(lang, &facts.public.publish_after)) (self.t(" 公布（第十八条）。现在请保存证据包的指纹，到时核对：", " (art. 18). Keep the fingerprint of the evidence now, and compare it then:")) }
                    p.groups { @for group in groups(&facts.draw.evidence_digest) { span { (group) } } }
                },
                None if facts.is_revealed() => p { (self.t("名单依法不公开；被抽中的对象由检查人员出示凭证。", "The list is withheld by law; whoever is drawn is shown the proof by the inspectors.")) },
                None if facts.state == DrawState::Failed => p { (self.t("没有抽出任何对象。", "Nobody was drawn.")) },
                None => p.quiet { (self.t("揭示以后，抽中的对象按号由小到大逐户列出。", "Once revealed, those drawn are listed here by ascending ticket.")) },
            }
        }
    }

    fn rows(&self, found: &pb::ListDrawnResponse) -> Markup {
        let here = format!("/draws/{}/ceremony", self.facts.number);
        let later = !self.reader.get("page").is_empty();
        html! {
            p.meta {
                @if self.reader.lang.is_zh() { "共 " (words::count(found.total_size)) " 户，按号由小到大" } @else { (words::count(found.total_size)) " in all, by ascending ticket" }
            }
            @if found.drawn.is_empty() { p { (self.t("没有抽出任何对象。", "Nobody was drawn.")) } }
            ol.rolling { @for row in &found.drawn { (self.row(row)) } }
            p.acts.scripted {
                button.second type="button" data-roll="again" hidden { (self.t("从头逐户显示", "Show one by one again")) }
                button.second type="button" data-roll="all" hidden { (self.t("立即全部显示", "Show all at once")) }
            }
            @if later || !found.next_page_token.is_empty() {
                nav.pager aria-label=(self.t("名单翻页", "Pages of the list")) {
                    @if later { a href={ (here) "#drawn" } { (self.t("回到第一页", "First page")) } }
                    @if !found.next_page_token.is_empty() {
                        a rel="next" href={ (self.next(&here, &found.next_page_token)) "#drawn" } { (self.following(found)) }
                    }
                }
            }
        }
    }

    /// How many come on the next page, and of how many.
    fn following(&self, found: &pb::ListDrawnResponse) -> String {
        let all = found.total_size;
        let shown = found.drawn.last().map_or(0, |row| i64::from(row.place));
        let next = (all - shown).clamp(0, i64::from(super::ROWS));
        let (next, all) = (words::count(next), words::count(all));
        if self.reader.lang.is_zh() {
            format!("后面 {next} 户（共 {all} 户）")
        } else {
            format!("Next {next} of {all}")
        }
    }

    fn next(&self, here: &str, token: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("page", token).finish();
        format!("{here}?{query}")
    }

    fn row(&self, row: &Drawn) -> Markup {
        let (lang, list) = (self.reader.lang, self.t("、", ", "));
        html! {
            li {
                span.place { (row.place) } " "
                span.title { @if row.title.is_empty() { (row.subject) } @else { (row.title) } } " "
                span.meta { @if !row.title.is_empty() { code { (row.subject) } " " } (words::stratum(lang, &row.stratum, self.facts.on)) } br;
                span.meta { (self.t("号 ", "ticket ")) code title=(row.ticket) { (row.ticket.get(..12).unwrap_or(&row.ticket)) "…" } } br;
                @if row.officers.is_empty() { strong { (self.t("还没有检查组，待公开抽取", "no team yet; to be drawn in public")) } }
                @else { span { (self.t("检查组 ", "team ")) (row.officers.join(list)) } }
                @if !row.experts.is_empty() { " " span { (self.t("专家 ", "experts ")) (row.experts.join(list)) } }
            }
        }
    }

    /// Where everybody checks it.
    fn verify(&self) -> Markup {
        let facts = self.facts;
        let own = format!("/draws/{}", facts.number);
        let address = format!("{}{own}", self.reader.site.public_url);
        html! {
            h2 { (self.t("亲自复核", "Verify it yourself")) }
            div.withqr {
                div {
                    @if facts.is_public() {
                        p { (self.t("任何人都可以复核，不用登录，也不用相信我们：", "Anybody can check it, without an account and without believing us:")) }
                        ul {
                            li { a href={ (own) "#recheck-part" } { (self.t("在自己的浏览器里重算整个抽查", "compute the whole draw again in your own browser")) } }
                            li { a href={ (own) "#firm" } { (self.t("查一家企业在不在池里、抽没抽中", "look up whether a firm was in the pool and drawn")) } }
                            li { a href={ (own) "/recipe" } { (self.t("用 sha256sum、sort、awk 逐步复核", "check step by step with sha256sum, sort and awk")) } }
                        }
                    } @else {
                        p { (self.t("这次抽查的全部公开记录都在这个地址；揭示之后，任何人都可以在那里复核。", "All that is public of this draw stands at this address; once it is revealed and public, anybody can check it there.")) }
                        p { a href=(own) { (self.t("这次抽查的公开页面", "The public page of this draw")) } }
                    }
                    p { code.hash { (address) } }
                }
                figure {
                    (qr::draw(&address, self.t("二维码：这次抽查的公开页面", "QR code: the public page of this draw")))
                    figcaption { (self.t("扫码打开这次抽查的公开页面", "Scan to open the public page of this draw")) }
                }
            }
        }
    }
}

/// A digest in groups of four, as people read it aloud.
fn groups(digest: &str) -> impl Iterator<Item = &str> {
    (0..digest.len()).step_by(4).filter_map(|at| digest.get(at..digest.len().min(at + 4)))
}
