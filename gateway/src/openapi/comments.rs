//! The contract's comments, as they stand in the proto files: they are the documentation, so they are read and never written
//! a second time.

use std::collections::HashMap;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};

/// Every leading comment, by file and by the path of what it stands before.
#[derive(Debug, Default)]
pub struct Comments(HashMap<String, HashMap<Vec<i32>, String>>);

impl Comments {
    /// Reads those of all files.
    pub fn new(pool: &DescriptorPool) -> Self {
        let of_file = |file: FileDescriptor| {
            let info = file.file_descriptor_proto().source_code_info.clone().unwrap_or_default();
            let comment = |location: prost_types::source_code_info::Location| {
                let text = unwrapped(location.leading_comments());
                (!text.is_empty()).then_some((location.path, text))
            };
            (file.name().to_owned(), info.location.into_iter().filter_map(comment).collect())
        };
        Self(pool.files().map(of_file).collect())
    }

    fn at(&self, file: &FileDescriptor, path: &[i32]) -> &str {
        self.0.get(file.name()).and_then(|found| found.get(path)).map_or("", String::as_str)
    }

    pub fn service(&self, service: &ServiceDescriptor) -> &str {
        self.at(&service.parent_file(), service.path())
    }

    pub fn rpc(&self, rpc: &MethodDescriptor) -> &str {
        self.at(&rpc.parent_service().parent_file(), rpc.path())
    }

    pub fn message(&self, message: &MessageDescriptor) -> &str {
        self.at(&message.parent_file(), message.path())
    }

    pub fn field(&self, field: &FieldDescriptor) -> &str {
        self.at(&field.parent_message().parent_file(), field.path())
    }

    pub fn enumeration(&self, values: &EnumDescriptor) -> &str {
        self.at(&values.parent_file(), values.path())
    }

    pub fn value(&self, value: &EnumValueDescriptor) -> &str {
        self.at(&value.parent_enum().parent_file(), value.path())
    }
}

/// A comment without its line breaks; an empty line still parts paragraphs.
fn unwrapped(comment: &str) -> String {
    let mut text = String::with_capacity(comment.len());
    let mut broken = false;
    for line in comment.lines().map(str::trim) {
        if line.is_empty() {
            broken = !text.is_empty();
            continue;
        }
        match (text.is_empty(), std::mem::take(&mut broken)) {
            (true, _) => {}
            (false, true) => text.push_str("\n\n"),
            (false, false) => text.push(' '),
        }
        text.push_str(line);
    }
    text
}

/// The first sentence, without the full stop at its end.
pub fn summary(comment: &str) -> &str {
    let ends = comment.match_indices(". ").map(|(at, _)| at);
    // `art. 9` and `No. 14` are no ends of sentences.
    let is_end = |at: &usize| {
        let word = comment[..*at].rsplit([' ', '(']).next().unwrap_or_default();
        !matches!(word, "art" | "No" | "Art") && comment[at + 2..].starts_with(|c: char| !c.is_ascii_lowercase())
    };
    let end = ends.into_iter().find(is_end).unwrap_or(comment.len());
    let first = &comment[..end];
    first.split("\n\n").next().unwrap_or(first).trim_end_matches(['.', ':'])
}

/// The articles a comment names, in its order, each once: `9`, `14-16`.
pub fn articles(comment: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for after in comment.split("art. ").skip(1) {
        for part in after.split(", ") {
            let number: String = part.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
            if number.is_empty() {
                break;
            }
            let goes_on = number.len() == part.len();
            let number = number.trim_end_matches('-').to_owned();
            if !found.contains(&number) {
                found.push(number);
            }
            if !goes_on {
                break;
            }
        }
    }
    found
}

/// The words of a comment that may be names of reasons: capitals, digits and underscores.
pub fn capitals(comment: &str) -> impl Iterator<Item = &str> {
    let words = comment.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| {
        word.len() > 2
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_is_the_summary() {
        for (comment, expected) in [
            ("One plan.", "One plan"),
            ("Changes a draft. Refused: WRONG_STATE.", "Changes a draft"),
            ("Published plans, newest first (art. 9).", "Published plans, newest first (art. 9)"),
            ("Under No. 14 of 2022. More.", "Under No. 14 of 2022"),
            ("A paragraph\n\nAnother. Third.", "A paragraph"),
            ("", ""),
        ] {
            assert_eq!(summary(comment), expected);
        }
    }

    #[test]
    fn articles_are_found_once_each() {
        assert_eq!(articles("x (art. 9, 14). y (art. 14-16, 18) z"), ["9", "14", "14-16", "18"]);
        assert_eq!(articles("by art. 24, which says"), ["24"]);
        assert!(articles("a part. nothing").is_empty());
    }

    #[test]
    fn lines_are_joined_and_paragraphs_kept() {
        assert_eq!(unwrapped(" a\n b\n\n c\n"), "a b\n\nc");
    }

    #[test]
    fn the_contract_is_read_with_its_comments() {
        let comments = Comments::new(&proto::POOL);
        let plan = proto::POOL.get_message_by_name("qingtian.draws.v1.Plan").unwrap();
        assert_eq!(comments.message(&plan), "An inspection plan.");
        assert_eq!(comments.field(&plan.get_field_by_name("title").unwrap()), "Title.");
        let rpc = proto::POOL.services().find(|s| s.full_name() == "qingtian.draws.v1.Plans").unwrap();
        assert!(comments.service(&rpc).contains("No plan, no inspection"));
        let rpc = rpc.methods().find(|rpc| rpc.name() == "CreatePlan").unwrap();
        assert_eq!(capitals(comments.rpc(&rpc)).collect::<Vec<_>>(), ["QUOTA_INVALID", "INVALID"]);
    }
}
