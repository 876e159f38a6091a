use std::io::Read as _;

use proptest::prelude::*;

use super::*;

#[test]
fn codes_of_the_standard_have_their_check_digits() {
    for code in ["91350100M000100Y43", "91330203674737244W"] {
        assert_eq!(CreditCode::parse(code).unwrap().as_str(), code);
    }
    assert_eq!(CreditCode::parse("91330203674737244W").unwrap().district().unwrap().as_str(), "330203");
}

#[test]
fn every_refusal_of_a_credit_code_says_what_is_wrong() {
    let cases = [
        ("", CodeError::Length { expected: 18, found: 0 }),
        ("91350100M000100Y4", CodeError::Length { expected: 18, found: 17 }),
        (" 91350100M000100Y43", CodeError::Length { expected: 18, found: 19 }),
        ("91350100m000100Y43", CodeError::Character { position: 9, found: 'm' }),
        ("91350100I000100Y43", CodeError::Character { position: 9, found: 'I' }),
        ("９1350100M000100Y43", CodeError::Character { position: 1, found: '９' }),
        ("91350100M000100Y44", CodeError::CheckDigit { expected: '3', found: '4' }),
    ];
    for (text, error) in cases {
        assert_eq!(CreditCode::parse(text), Err(error.clone()), "{text}");
        assert!(error.zh().contains("请核对"), "{}", error.zh());
    }
    // A right check digit over a place that does not exist.
    let mut nowhere = *b"91990100M000100Y40";
    let sum: u32 = nowhere[..17].iter().zip(CREDIT_WEIGHTS).map(|(b, w)| credit_value(*b).unwrap() * w).sum();
    nowhere[17] = credit_check(sum);
    let text = std::str::from_utf8(&nowhere).unwrap();
    assert_eq!(CreditCode::parse(text), Err(CodeError::District("990100".into())));
}

#[test]
fn old_numbers_are_checked_too() {
    assert_eq!(OldNumber::parse("330000000008000").unwrap().as_str(), "330000000008000");
    assert_eq!(OldNumber::parse("110108000000016").unwrap().as_str(), "110108000000016");
    let error = OldNumber::parse("330382100509200").unwrap_err();
    assert!(matches!(error, CodeError::CheckDigit { found: '0', .. }), "{error}");
    assert_eq!(OldNumber::parse("33000000000800X"), Err(CodeError::Character { position: 15, found: 'X' }));
    assert_eq!(OldNumber::parse("3300001003617"), Err(CodeError::Length { expected: 15, found: 13 }));
}

#[test]
fn keys_are_codes_old_numbers_or_names_with_a_kind() {
    let credit = SubjectKey::parse("91350100M000100Y43").unwrap();
    assert!(matches!(credit, SubjectKey::Credit(_)) && !credit.is_old());
    let old = SubjectKey::from_register("330000000008000").unwrap();
    assert!(old.is_old());
    assert_eq!(old.to_string(), "reg:330000000008000");
    assert_eq!(SubjectKey::parse("reg:330000000008000").unwrap(), old);
    assert!(matches!(SubjectKey::parse("reg:330382100509200"), Err(CodeError::CheckDigit { .. })));
    for text in ["site:410202/17", "product:a.b_c-d:e", &format!("x:{}", "1".repeat(62))] {
        let key = SubjectKey::parse(text).unwrap();
        assert_eq!(key.to_string(), text);
        assert!(matches!(key, SubjectKey::Other { .. }));
    }
    for text in ["site:", ":1", "site:龙亭", "site:a b", &format!("x:{}", "1".repeat(63))] {
        assert_eq!(SubjectKey::parse(text), Err(CodeError::Key), "{text}");
    }
    assert!(matches!(SubjectKey::parse("330000000008000"), Err(CodeError::Length { .. })), "a key says its kind");
}

#[test]
fn codes_travel_as_text() {
    let key = SubjectKey::parse("91350100M000100Y43").unwrap();
    let json = serde_json::to_string(&key).unwrap();
    assert_eq!(json, "\"91350100M000100Y43\"");
    assert_eq!(serde_json::from_str::<SubjectKey>(&json).unwrap(), key);
    assert!(serde_json::from_str::<CreditCode>("\"91350100M000100Y44\"").is_err());
}

/// A real register of 2017 with codes as people left them: the counts are those found by two other programs.
#[test]
fn a_real_register_is_sorted_into_good_and_bad_codes() {
    let Some(folder) = std::env::var_os("QINGTIAN_DATA") else {
        eprintln!("SKIPPED: QINGTIAN_DATA is not set");
        return;
    };
    let path = std::path::Path::new(&folder).join("enterprises_zhejiang_2017_draw.csv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let columns = [crate::sheet::Column::new("code", "code")];
    let sheet = crate::sheet::Sheet::open(text.as_bytes(), None, &columns, crate::sheet::Limits::default()).unwrap();
    let (mut valid, mut wrong, mut old, mut bad_old, mut other) = (0, 0, 0, 0, 0);
    for entry in sheet {
        let crate::sheet::Entry::Row(row) = entry.unwrap() else { panic!("a row was refused") };
        match SubjectKey::from_register(row.get(0)) {
            Ok(SubjectKey::Credit(_)) => valid += 1,
            Ok(SubjectKey::Old(_)) => old += 1,
            Err(CodeError::CheckDigit { .. }) if row.get(0).len() == 18 => wrong += 1,
            Err(CodeError::CheckDigit { .. }) => bad_old += 1,
            Ok(SubjectKey::Other { .. }) | Err(_) => other += 1,
        }
    }
    println!("valid {valid}, wrong check digit {wrong}, old {old}, bad old {bad_old}, other {other}");
    assert_eq!((valid, wrong, old, bad_old, other), (27_776, 1, 4_477, 4, 92));
}

proptest! {
    #[test]
    fn generated_codes_are_valid_and_distinct(
        place in 0..DISTRICTS.len(), self_employed: bool, one in 0..887_503_681_u32, two in 0..887_503_681_u32,
    ) {
        let code = |serial| CreditCode::generate(DISTRICTS[place].code, self_employed, serial);
        prop_assert_eq!(CreditCode::parse(code(one).as_str()), Ok(code(one)));
        prop_assert_eq!(code(one).district(), Some(DISTRICTS[place].code));
        prop_assert_eq!(code(one) == code(two), one == two);
    }

    /// What the check digit is for: any one character changed, any two neighbours swapped.
    #[test]
    fn one_wrong_character_or_a_swap_is_noticed(serial in 0..887_503_681_u32, place in 0..18_usize, other in 0..31_usize) {
        let code = CreditCode::generate(DISTRICTS[0].code, false, serial);
        let mut changed = code.0;
        changed[place] = CREDIT_ALPHABET[other];
        let text = std::str::from_utf8(&changed).unwrap();
        prop_assert_eq!(CreditCode::parse(text).is_ok(), changed == code.0);
        // The weights stop at place 17; swapping with the check digit itself is noticed by its value alone.
        if place < 16 {
            let mut swapped = code.0;
            swapped.swap(place, place + 1);
            let text = std::str::from_utf8(&swapped).unwrap();
            prop_assert_eq!(CreditCode::parse(text).is_ok(), swapped == code.0);
        }
    }

    #[test]
    fn one_wrong_digit_of_an_old_number_is_noticed(body in "[1-6][0-9]{13}", place in 0..15_usize, digit in 0..10_u8) {
        let number = (0..10).map(|check| format!("{body}{check}")).find(|text| OldNumber::parse(text).is_ok()).unwrap();
        let mut changed = number.clone().into_bytes();
        changed[place] = b'0' + digit;
        let changed = String::from_utf8(changed).unwrap();
        prop_assert_eq!(OldNumber::parse(&changed).is_ok(), changed == number);
    }

    #[test]
    fn any_text_is_a_key_or_refused_and_a_key_is_read_as_written(text in "\\PC{0,70}|[a-z]{1,4}:[0-9A-Za-z:/._-]{0,70}") {
        if let Ok(key) = SubjectKey::parse(&text) {
            prop_assert!(text.len() <= 64);
            prop_assert_eq!(key.to_string(), text);
        }
    }
}
