use proptest::prelude::*;

use super::*;

fn reason<T: std::fmt::Debug>(result: Result<T>) -> Reason {
    result.unwrap_err().reason()
}

fn full() -> Content {
    Content {
        code: "3".into(),
        title: "食品经营单位证后监管".into(),
        sub_title: "食品销售单位".into(),
        legal_basis: "《食品安全法》".into(),
        method: "现场检查".into(),
        checklist: vec![Check { content: "许可证".into(), ..Check::default() }],
        leader: "赵立新".into(),
        undertaking_unit: "食品科".into(),
        handler: "孙晓".into(),
        ..Content::default()
    }
}

#[test]
fn every_state_answers_every_event() {
    use ItemEvent::{Edit, Publish, Retire, Revise, Withdraw};
    use ItemState::{Draft, Published, Retired, Revising};
    let listed = [
        (Draft, Edit, Draft),
        (Draft, Publish, Published),
        (Published, Revise, Revising),
        (Revising, Edit, Revising),
        (Revising, Publish, Published),
        (Revising, Withdraw, Published),
        (Revising, Retire, Retired),
    ];
    for state in [Draft, Published, Revising, Retired] {
        for event in [Edit, Publish, Revise, Withdraw, Retire] {
            let found = listed.iter().find(|(from, what, _)| (*from, *what) == (state, event));
            let expected = found.map(|(_, _, to)| *to);
            match expected {
                Some(next) => assert_eq!(state.next(event, "x").unwrap(), next),
                None => assert_eq!(reason(state.next(event, "x")), Reason::WrongState),
            }
        }
        assert_eq!(ItemState::stored(state.as_str()), state);
        assert_eq!(ItemState::asked(state.proto()), Some(state));
    }
}

#[test]
fn an_item_is_published_by_another_with_basis_and_checklist() {
    let drafters = ["users/a".to_owned(), "users/b".to_owned()];
    let check = |content: &Content, state, actor| check_publish(content, None, state, &drafters, actor);
    assert_eq!(check(&full(), ItemState::Draft, "users/c").unwrap(), ItemState::Published);
    for drafter in ["users/a", "users/b"] {
        assert_eq!(reason(check(&full(), ItemState::Draft, drafter)), Reason::OwnAct);
    }
    let baseless = Content { legal_basis: String::new(), ..full() };
    let refusal = check(&baseless, ItemState::Draft, "users/c").unwrap_err();
    assert_eq!(refusal.reason(), Reason::BasisMissing);
    assert!(refusal.message().contains("食品经营单位证后监管 · 食品销售单位"), "{}", refusal.message());
    let listless = Content { checklist: vec![], ..full() };
    assert_eq!(reason(check(&listless, ItemState::Draft, "users/c")), Reason::ChecklistMissing);
    assert_eq!(reason(check(&full(), ItemState::Published, "users/c")), Reason::WrongState);
    for (without, named) in [
        (Content { leader: String::new(), ..full() }, "责任领导"),
        (Content { undertaking_unit: String::new(), ..full() }, "承办机构"),
        (Content { handler: String::new(), ..full() }, "具体负责人"),
        (Content { leader: String::new(), handler: String::new(), ..full() }, "责任领导、具体负责人"),
    ] {
        let refusal = check(&without, ItemState::Draft, "users/c").unwrap_err();
        assert_eq!(refusal.reason(), Reason::ResponsibleMissing);
        assert!(refusal.message().contains(&format!("没有明确{named}，")), "{}", refusal.message());
    }
    let revised = |in_force| check_publish(&full(), Some(&in_force), ItemState::Revising, &drafters, "users/c");
    assert_eq!(reason(revised(full())), Reason::RevisionEmpty);
    assert_eq!(revised(Content { ratio: "5%".into(), ..full() }).unwrap(), ItemState::Published);
}

#[test]
fn everybody_sees_the_unit_and_not_the_people() {
    let item = public(full().to_item("x", ItemState::Published, 1));
    assert_eq!((item.leader.as_str(), item.undertaking_unit.as_str(), item.handler.as_str()), ("", "食品科", ""));
}

#[test]
fn terms_of_the_list_need_the_list_and_a_basis() {
    let terms = |listing: Listing, random_listed| {
        let content = Content { listing, random_listed, ..full() };
        content.faults().into_iter().map(|fault| fault.field).collect::<Vec<_>>()
    };
    let none = Listing::default;
    let basis = || "《办法》第十八条".to_owned();
    assert!(terms(Listing { ratio_percent_max: 5, visits_per_year_max: 1, ..none() }, true).is_empty());
    assert!(terms(Listing { withheld: true, publication_basis: basis(), ..none() }, true).is_empty());
    assert!(terms(Listing { publish_within_workdays: 5, publication_basis: basis(), ..none() }, true).is_empty());
    assert_eq!(terms(Listing { ratio_percent_max: 5, ..none() }, false), ["listing"]);
    assert_eq!(terms(Listing { ratio_percent_max: 101, ..none() }, true), ["listing.ratio_percent_max"]);
    assert_eq!(terms(Listing { visits_per_year_max: -1, ..none() }, true), ["listing.visits_per_year_max"]);
    assert_eq!(terms(Listing { withheld: true, ..none() }, true), ["listing.publication_basis"]);
    assert_eq!(terms(Listing { publish_within_workdays: 20, ..none() }, true), ["listing.publication_basis"]);
    assert_eq!(terms(Listing { publication_basis: basis(), ..none() }, true), ["listing.publication_basis"]);
    let both = Listing { withheld: true, publish_within_workdays: 5, publication_basis: basis(), ..none() };
    assert_eq!(terms(both, true), ["listing.publish_within_workdays"]);
}

#[test]
fn whoever_is_responsible_comes_from_the_row_the_item_or_the_upload() {
    let wishes = Wishes { leader: "钱".into(), handler: "周".into(), ..Wishes::default() };
    let row = Content { leader: String::new(), undertaking_unit: String::new(), handler: "李".into(), ..full() };
    let Deed::Create(made) = merge(None, row.clone(), &wishes) else { panic!("not created") };
    assert_eq!((made.leader.as_str(), made.undertaking_unit.as_str(), made.handler.as_str()), ("钱", "", "李"));
    let Deed::Update(updated) = merge(Some((&full(), ItemState::Revising)), row, &wishes) else { panic!("kept") };
    assert_eq!(
        (updated.leader.as_str(), updated.undertaking_unit.as_str(), updated.handler.as_str()),
        ("赵立新", "食品科", "李")
    );
    let long = Wishes { leader: "长".repeat(101), ..Wishes::default() };
    assert_eq!(reason(long.check()), Reason::Invalid);
    assert!(wishes.check().is_ok());
}

#[test]
fn a_row_creates_updates_or_leaves_alone_but_never_touches_what_is_published() {
    let wishes = Wishes { random_listed: true, derive_checklist: true, ..Wishes::default() };
    let row = Content { checklist: vec![], ..full() };
    let Deed::Create(made) = merge(None, row.clone(), &wishes) else { panic!("not created") };
    assert!(made.random_listed);
    let derived =
        Check { content: made.called(), method: "现场检查".into(), penalty_basis: "《食品安全法》".into() };
    assert_eq!(made.checklist, [derived]);
    for state in [ItemState::Draft, ItemState::Published] {
        assert_eq!(merge(Some((&made, state)), row.clone(), &wishes), Deed::Unchanged, "repeated");
        assert_eq!(
            merge(Some((&made, state)), row.clone(), &Wishes::default()),
            Deed::Unchanged,
            "stays as wished once"
        );
    }
    let changed = Content { ratio: "5%".into(), ..row };
    let Deed::Update(updated) = merge(Some((&made, ItemState::Draft)), changed.clone(), &wishes) else {
        panic!("kept")
    };
    assert_eq!((updated.ratio.as_str(), &updated.checklist), ("5%", &made.checklist));
    for state in [ItemState::Published, ItemState::Retired] {
        assert_eq!(merge(Some((&made, state)), changed.clone(), &wishes), Deed::Frozen);
    }
}

#[test]
fn what_a_file_does_not_speak_of_stays() {
    let by_hand = Content { grade: ItemGrade::Key, ..full() };
    let row = Content { checklist: vec![], remark: "新".into(), ..full() };
    let wishes = Wishes { derive_checklist: true, ..Wishes::default() };
    let Deed::Update(updated) = merge(Some((&by_hand, ItemState::Draft)), row, &wishes) else { panic!("kept") };
    assert_eq!((updated.grade, &updated.checklist), (ItemGrade::Key, &by_hand.checklist));
}

#[test]
fn content_that_cannot_be_kept_is_named() {
    assert!(full().faults().is_empty());
    let fault = |change: fn(&mut Content)| {
        let mut content = full();
        change(&mut content);
        let faults = content.faults();
        assert_eq!(reason(content.check()), Reason::Invalid);
        (faults[0].field, faults[0].reason)
    };
    assert_eq!(fault(|c| c.title.clear()), ("title", "MISSING_VALUE"));
    assert_eq!(fault(|c| c.title = "题".repeat(201)), ("title", "TOO_LONG"));
    assert_eq!(fault(|c| c.code = "1".repeat(41)), ("code", "TOO_LONG"));
    assert_eq!(fault(|c| c.remark = "a\u{7}".into()), ("remark", "CONTROL_CHARACTER"));
    assert_eq!(fault(|c| c.checklist[0].content.clear()), ("checklist", "MISSING_VALUE"));
    assert_eq!(fault(|c| c.checklist = vec![c.checklist[0].clone(); 101]), ("checklist", "TOO_LONG"));
    let long = Check { content: "内".repeat(2_000), ..Check::default() };
    let mut content = full();
    content.checklist = vec![long; 6];
    assert_eq!(content.faults()[0].reason, "TOO_LONG", "an item must fit into an event");
    content.checklist.truncate(4);
    assert!(content.faults().is_empty());
}

#[test]
fn rows_are_read_by_field() {
    let row: Vec<String> = [
        "3",
        " 题 ",
        "子",
        "依据",
        "主体",
        "对象",
        "5%",
        "每年",
        "现场",
        "两人",
        "注",
        "重点检查事项",
        "赵立新",
        "食品科 ",
        "孙晓",
    ]
    .map(str::to_owned)
    .into();
    let content = Content::from_row(&row).unwrap();
    assert_eq!((content.title.as_str(), content.grade), ("题", ItemGrade::Key));
    let texts = content.texts().map(|(_, text)| text);
    let expected =
        ["3", "题", "子", "依据", "主体", "对象", "5%", "每年", "现场", "两人", "注", "赵立新", "食品科", "孙晓"];
    assert_eq!(texts, expected);
    let bad = Content::from_row(&[vec![String::new(); 11], vec!["特别".to_owned()]].concat()).unwrap_err();
    assert_eq!((bad.field, bad.reason), ("grade", "BAD_GRADE"));
    assert_eq!(Content::from_row(&[]).unwrap(), Content::default());
}

#[test]
fn no_header_means_two_fields() {
    let mut headers: Vec<&str> = FIELDS.iter().flat_map(|field| field.headers).copied().collect();
    let all = headers.len();
    headers.sort_unstable();
    headers.dedup();
    assert_eq!(headers.len(), all);
    assert_eq!((FIELDS[TITLE].name, FIELDS[GRADE].name), ("title", "grade"));
}

#[test]
fn codes_are_ordered_as_people_count() {
    let mut codes = ["10", "2", "", "1.10", "1.2", "A12", "A3", "1"];
    codes.sort_by_key(|code| sort_key(code, "x"));
    assert_eq!(codes, ["", "1", "1.2", "1.10", "2", "10", "A3", "A12"]);
    assert!(sort_key("3", "a") < sort_key("3", "b"));
}

proptest! {
    #[test]
    fn numbers_are_ordered_as_numbers(a in 0u32.., b in 0u32..) {
        prop_assert_eq!(a.cmp(&b), sort_key(&a.to_string(), "").cmp(&sort_key(&b.to_string(), "")));
    }

    #[test]
    fn every_item_is_in_one_event_that_is_small_enough(sizes in prop::collection::vec(0usize..9_000, 0..80)) {
        let items: Vec<_> = sizes.iter().enumerate().map(|(number, size)| pb::Item {
            name: number.to_string(), legal_basis: "法".repeat(*size), ..Default::default()
        }).collect();
        let chunks = chunks(items.clone());
        for chunk in &chunks {
            let bytes: usize = chunk.iter().map(Message::encoded_len).sum();
            prop_assert!(!chunk.is_empty() && chunk.len() <= EVENT_ITEMS_MAX && bytes <= EVENT_ITEMS_BYTES_MAX);
        }
        prop_assert_eq!(chunks.concat(), items);
    }
}
