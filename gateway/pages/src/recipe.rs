//! The journalist's recipe for one draw: the steps that a test proves on whole bundles (`tests/vectors/recipe_test.sh`),
//! with this draw's real addresses and values in front.

use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use proto::qingtian::portal::v1::ListDrawnRequest;

use crate::{ask, draw::Facts, failure::Failure, frame, frame::Head, reader::Reader};

const RECIPE_ZH: &str = include_str!("../../../tests/vectors/RECIPE.zh.md");
const RECIPE_EN: &str = include_str!("../../../tests/vectors/RECIPE.md");
/// The firm of the recipe's own example.
const EXAMPLE: &str = "91410200DEMO000020";

/// `/draws/{number}/recipe`.
pub async fn page(Path(number): Path<String>, reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let facts = Facts::of(&reader, ask::draw(&reader, &number).await?);
    let draw = &facts.draw;
    let first = ListDrawnRequest { parent: facts.public.name.clone(), page_size: 1, ..Default::default() };
    let first = if facts.is_public() { ask::list_drawn(&reader, first).await.ok() } else { None };
    let firm = first.and_then(|found| found.drawn.into_iter().next());
    let title = format!("{} {}", lang.t("复核步骤：抽查", "Recipe: draw"), facts.number);
    let base = &reader.site.public_url;
    let evidence = format!("{base}/v1/public/draws/{}/evidence", facts.number);
    let body = html! {
        h1 { (title) }
        @if !facts.is_public() {
            p.notice { (lang.t("证据包还没有公布，公布之后可以照下面的步骤复核。现在请先保存声明的指纹：", "The evidence is not public yet; check it by these steps once it is. Keep the statement's fingerprint now:")) br; code.hash { (draw.statement) } }
        } @else {
            h2 { (lang.t("取得这次抽查的材料", "Get the material of this draw")) }
            pre { code {
                "curl -fsS -o draw-" (facts.number) ".tar.gz " (evidence) "\n"
                "curl -fsS -o jwks.json " (base) "/.well-known/jwks.json\n"
                "BUNDLE=$PWD/draw-" (facts.number) ".tar.gz JWKS=$PWD/jwks.json"
            } }
            h2 { (lang.t("应当看到的数值", "Values you should see")) }
            dl.hashes {
                dt { (lang.t("证据包的 SHA-256", "SHA-256 of the bundle")) } dd { code.hash { (draw.evidence_digest) } }
                dt { (lang.t("声明的指纹", "The statement's fingerprint")) } dd { code.hash { (draw.statement) } }
                dt { (lang.t("承诺", "Commitment")) } dd { code.hash { (facts.commitment) } }
                dt { (lang.t("种子", "Seed")) } dd { code.hash { (draw.seed) } }
                @for entry in &draw.entries { dt { (entry.index) " " (entry.contributor) } dd { code { (entry.value) } } }
            }
            p { (lang.t("证据包没有被换过，第一步就能看出：", "Whether the bundle is the one announced shows at once: ")) code { "sha256sum draw-" (facts.number) ".tar.gz" } }
            @if let Some(firm) = &firm {
                h2 { (lang.t("只查一户", "One firm alone")) }
                pre { code { "printf '%s\\nsubject\\n%s\\n' " (draw.seed) " " (firm.subject) " | sha256sum" } }
                p { (lang.t("应当得到 ", "gives ")) code.hash { (firm.ticket) } (lang.t("。", ".")) }
            }
        }
        @if facts.withheld.is_some() { p.notice { (lang.t("这次抽查有依法不公开的文件，文件名的核对和用到它们的步骤会缺项。", "This draw withholds files by law: the list of names and the steps that need them will differ there.")) } }
        section.recipe { (markdown(&lang.t(RECIPE_ZH, RECIPE_EN).replace(EXAMPLE, firm.as_ref().map_or(EXAMPLE, |firm| &firm.subject)))) }
    };
    let own = format!("/draws/{}", facts.number);
    let trail = [
        ("/draws", lang.t("抽查", "Draws")),
        (own.as_str(), facts.number.as_str()),
        (reader.path(), lang.t("复核步骤", "Recipe")),
    ];
    Ok(frame::page(&reader, Head { title: &title, trail: &trail, ..Head::default() }, body))
}

/// As much of Markdown as the recipe uses: headings, paragraphs, fenced and indented code, `code` and *emphasis*.
fn markdown(text: &str) -> Markup {
    let mut lines = text.lines().peekable();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            blocks.push(html! { pre { code { (code.join("\n")) } } });
        } else if let Some(code) = line.strip_prefix("    ") {
            blocks.push(html! { pre { code { (code) } } });
        } else if let Some(heading) = line.strip_prefix("## ") {
            blocks.push(html! { h3 { (heading) } });
        } else if let Some(heading) = line.strip_prefix("# ") {
            blocks.push(html! { h2 { (heading) } });
        } else if !line.is_empty() {
            let mut paragraph = line.to_owned();
            while let Some(more) =
                lines.next_if(|line| !line.is_empty() && !line.starts_with("```") && !line.starts_with('#'))
            {
                // Chinese is written without spaces, also where a line of the source ends.
                let joined = paragraph.chars().next_back().is_some_and(|last| last.is_ascii())
                    || more.starts_with(|c: char| c.is_ascii());
                paragraph.push_str(if joined { " " } else { "" });
                paragraph.push_str(more);
            }
            blocks.push(html! { p { (inline(&paragraph)) } });
        }
    }
    html! { @for block in &blocks { (block) } }
}

/// Text with `code` and *emphasis*: what stands between a pair of marks is every second piece.
fn inline(text: &str) -> Markup {
    html! {
        @for (place, piece) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (piece) } } @else {
                @for (place, piece) in piece.split('*').enumerate() { @if place % 2 == 1 { em { (piece) } } @else { (piece) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_is_shown_with_its_code_to_the_byte() {
        for recipe in [RECIPE_ZH, RECIPE_EN] {
            assert!(recipe.contains(EXAMPLE));
            let shown = markdown(recipe).into_string();
            let fences = recipe.lines().filter(|line| line.starts_with("```")).count();
            assert!(shown.matches("<pre>").count() >= fences / 2);
            assert!(shown.contains("awk -F'\\t' -v seed=&quot;$seed&quot;"));
            assert!(!shown.contains('`'));
        }
        assert_eq!(markdown("a `b` *c*\nd\n\n一\n二").into_string(), "<p>a <code>b</code> <em>c</em> d</p><p>一二</p>");
    }
}
