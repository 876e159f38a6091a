//! Differences between two versions of an item, field by field (art. 8). Pure.

use proto::qingtian::catalog::v1::{FieldDifference, ItemGrade};

use super::{Content, Field};

/// What differs, in the order of the item's fields.
pub fn differences(before: &Content, after: &Content) -> Vec<FieldDifference> {
    let (old, new) = (facts(before), facts(after));
    let mut found = Vec::new();
    // Both begin with the same single fields; checklists may differ in length.
    let single = SINGLE + before.texts().len();
    for ((field, old), (_, new)) in old[..single].iter().zip(&new[..single]) {
        push(&mut found, field.clone(), old, new);
    }
    let (old, new) = (&old[single..], &new[single..]);
    for place in 0..old.len().max(new.len()) {
        let empty = String::new();
        let field = old.get(place).or_else(|| new.get(place)).map(|(field, _)| field.clone()).unwrap_or_default();
        let text = |side: &[(String, String)]| side.get(place).map_or(empty.clone(), |(_, text)| text.clone());
        push(&mut found, field, &text(old), &text(new));
    }
    found
}

/// Fields that are no text: the grade, the place on the list, and the five terms of the list.
const SINGLE: usize = 7;

fn push(found: &mut Vec<FieldDifference>, field: String, before: &str, after: &str) {
    if before != after {
        found.push(FieldDifference { field, before: before.to_owned(), after: after.to_owned() });
    }
}

/// Every fact of an item by its JSON name, as text; the checklist last, three facts an entry.
fn facts(content: &Content) -> Vec<(String, String)> {
    let number = |value: i32| if value == 0 { String::new() } else { value.to_string() };
    let flag = |value: bool| if value { "true".to_owned() } else { String::new() };
    let grade = match content.grade {
        ItemGrade::Unspecified => String::new(),
        ItemGrade::General | ItemGrade::Key => content.grade.as_str_name().to_owned(),
    };
    let listing = &content.listing;
    let mut facts: Vec<(String, String)> =
        content.texts().into_iter().map(|(field, text)| (json_name(field), text.to_owned())).collect();
    let single = [
        ("grade", grade),
        ("randomListed", flag(content.random_listed)),
        ("listing.ratioPercentMax", number(listing.ratio_percent_max)),
        ("listing.visitsPerYearMax", number(listing.visits_per_year_max)),
        ("listing.publishWithinWorkdays", number(listing.publish_within_workdays)),
        ("listing.withheld", flag(listing.withheld)),
        ("listing.publicationBasis", listing.publication_basis.clone()),
    ];
    debug_assert_eq!(single.len(), SINGLE);
    facts.extend(single.map(|(field, text)| (field.to_owned(), text)));
    for (number, check) in (1..).zip(&content.checklist) {
        for (part, text) in
            [("content", &check.content), ("method", &check.method), ("penaltyBasis", &check.penalty_basis)]
        {
            facts.push((format!("checklist[{number}].{part}"), text.clone()));
        }
    }
    facts
}

/// `sub_title` as `subTitle`.
fn json_name(field: &Field) -> String {
    let mut name = String::new();
    let mut words = field.name.split('_');
    name.push_str(words.next().unwrap_or_default());
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Check, Listing};

    #[test]
    fn what_differs_is_told_field_by_field() {
        let check = |content: &str| Check { content: content.into(), ..Check::default() };
        let old = Content {
            title: "食品".into(),
            sub_title: "销售".into(),
            checklist: vec![check("证"), check("照")],
            ..Content::default()
        };
        assert_eq!(differences(&old, &old), []);
        let new = Content {
            sub_title: "餐饮".into(),
            random_listed: true,
            grade: ItemGrade::Key,
            handler: "李办".into(),
            listing: Listing { ratio_percent_max: 5, ..Listing::default() },
            checklist: vec![check("证")],
            ..old.clone()
        };
        let told: Vec<_> = differences(&old, &new).into_iter().map(|d| (d.field, d.before, d.after)).collect();
        let expected = [
            ("subTitle", "销售", "餐饮"),
            ("handler", "", "李办"),
            ("grade", "", "ITEM_GRADE_KEY"),
            ("randomListed", "", "true"),
            ("listing.ratioPercentMax", "", "5"),
            ("checklist[2].content", "照", ""),
        ];
        assert_eq!(told, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
        assert_eq!(differences(&new, &old).len(), expected.len());
    }
}
