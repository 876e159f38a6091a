//! The journalist's recipe for one draw: the steps that a test proves on whole bundles (`tests/vectors/recipe_test.sh`),
//! with this draw's real addresses and values in front.

mod steps;

use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use proto::qingtian::portal::v1::ListDrawnRequest;

use crate::{ask, draw::Facts, failure::Failure, frame, frame::Head, reader::Reader};

const RECIPE_ZH: &str = include_str!("../../../tests/vectors/RECIPE.zh.md");
const RECIPE_EN: &str = include_str!("../../../tests/vectors/RECIPE.md");

/// `/draws/{number}/recipe`.
pub async fn page(Path(number): Path<String>, reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let facts = Facts::of(&reader, ask::draw(&reader, &number).await?);
    let first = ListDrawnRequest { parent: facts.public.name.clone(), page_size: 1, ..Default::default() };
    let has_list = facts.is_public() && !facts.is_withheld("subjects.tsv");
    let first = if has_list { ask::list_drawn(&reader, first).await.ok() } else { None };
    let firm = first.and_then(|found| found.drawn.into_iter().next());
    let title = format!("{} {}", lang.t("复核步骤：抽查", "Recipe: draw"), facts.number);
    let recipe = lang.t(RECIPE_ZH, RECIPE_EN);
    let given = steps::Given {
        facts: &facts,
        lang,
        base: &reader.site.public_url,
        firm: firm.as_ref().map(|firm| (firm.subject.as_str(), firm.ticket.as_str())),
        teams: teams(recipe),
    };
    let body = html! {
        h1 { (title) }
        @if !facts.is_public() {
            p.notice { (lang.t("证据包还没有公布，公布之后可以照下面的步骤复核。现在请先保存声明的指纹：", "The evidence is not public yet; check it by these steps once it is. Keep the statement's fingerprint now:")) br; code.hash { (facts.draw.statement) } }
            section.recipe { (markdown(recipe)) }
        } @else {
            section.recipe {
                (markdown(opening(recipe)))
                p { (lang.t(
                    "下面的命令里已经填好这次抽查的数值，可以从上到下逐条照抄运行，每条下面是应当看到的结果。",
                    "The commands below hold this draw's own values: paste them one after the other, from the top; below each stands what it must print.",
                )) }
            }
            @if let Some(withheld) = &facts.withheld {
                p.notice {
                    (lang.t("依法不公开的文件：", "Withheld by law: ")) (withheld.files.join(lang.t("、", ", "))) (lang.t("。它们的指纹在声明里，持有这些文件的人可以核对", ". Their fingerprints stand in the statement, for those who hold the files"))
                    @if !given.left_out().is_empty() { (lang.t("；下列各步因此无法公开复核：", "; so these steps cannot be made in public: ")) (given.left_out().join(lang.t("；", "; "))) }
                    (lang.t("。", "."))
                }
            }
            @for part in given.parts() {
                section.recipe {
                    h2 { (part.title) }
                    @for step in &part.steps { (shown(&reader, step)) }
                }
            }
            section.recipe { (markdown(ending(recipe))) }
        }
    };
    let own = format!("/draws/{}", facts.number);
    let trail = [
        ("/draws", lang.t("抽查", "Draws")),
        (own.as_str(), facts.number.as_str()),
        (reader.path(), lang.t("复核步骤", "Recipe")),
    ];
    Ok(frame::page(&reader, Head { title: &title, trail: &trail, ..Head::default() }, body))
}

fn shown(reader: &Reader, step: &steps::Step) -> Markup {
    let lang = reader.lang;
    html! {
        div.step {
            p { (step.why) }
            pre { code.command { (step.command) } }
            @if step.prints.is_empty() { p.meta { (lang.t("应当没有输出。", "Prints nothing.")) } }
            @else { p.meta { (lang.t("应当看到：", "Prints:")) } pre { samp { (step.prints) } } }
        }
    }
}

/// The recipe before its first step.
fn opening(recipe: &str) -> &str {
    recipe.split("\n## ").next().map_or(recipe, |opening| opening.split_once('\n').map_or(opening, |(_, rest)| rest))
}

/// The recipe's last part: what no step shows.
fn ending(recipe: &str) -> &str {
    recipe.rfind("\n## ").and_then(|at| recipe.get(at..)).unwrap_or_default()
}

/// The program that computes the teams.
fn teams(recipe: &str) -> &str {
    let after = recipe.split_once("```python\n").map_or("", |(_, after)| after);
    after.split_once("```").map_or("", |(program, _)| program)
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
            assert!(teams(recipe).starts_with("import hashlib") && teams(recipe).ends_with("sep=\"\\t\")\n"));
            assert!(ending(recipe).starts_with("\n## ") && !opening(recipe).contains('#'));
            let shown = markdown(recipe).into_string();
            let fences = recipe.lines().filter(|line| line.starts_with("```")).count();
            assert!(shown.matches("<pre>").count() >= fences / 2);
            assert!(shown.contains("awk -F'\\t' -v seed=&quot;$seed&quot;"));
            assert!(!shown.contains('`'));
        }
        assert_eq!(markdown("a `b` *c*\nd\n\n一\n二").into_string(), "<p>a <code>b</code> <em>c</em> d</p><p>一二</p>");
    }
}
