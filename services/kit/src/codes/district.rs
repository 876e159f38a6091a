//! Codes of administrative divisions (GB/T 2260) and the districts of Kaifeng with the time each is valid.

use chrono::NaiveDate;

use super::{CodeError, ascii};

/// The first two digits in use: provinces, autonomous regions, municipalities, special regions; 10 stands for the
/// country in codes given by national registers.
const PROVINCES: [&str; 35] = [
    "10", "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43",
    "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82",
];

/// Six digits that begin like a division of the country. Whether it exists on a date is a matter of registers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DistrictCode([u8; 6]);

impl DistrictCode {
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let bytes: [u8; 6] = ascii(text)?;
        if let Some(place) = bytes.iter().position(|byte| !byte.is_ascii_digit()) {
            return Err(CodeError::Character { position: place + 1, found: char::from(bytes[place]) });
        }
        if !PROVINCES.iter().any(|province| text.starts_with(province)) {
            return Err(CodeError::District(text.to_owned()));
        }
        Ok(Self(bytes))
    }

    /// The district of Kaifeng that is called so today, in full (`龙亭区`) or after its city (`开封市龙亭区`). Names of former
    /// districts are not taken: their territory went to others.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.strip_prefix(CITY.zh).unwrap_or(name);
        DISTRICTS.iter().find(|district| district.zh == name).map(|district| district.code)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Kaifeng itself or anything within it.
    pub fn in_city(&self) -> bool {
        self.0[..4] == CITY.code.0[..4]
    }

    /// The district of Kaifeng with this code on a date.
    pub fn district(&self, on: NaiveDate) -> Option<&'static District> {
        DISTRICTS.iter().chain(&FORMER_DISTRICTS).find(|district| district.code == *self && district.valid(on))
    }
}

/// One division of Kaifeng.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct District {
    pub code: DistrictCode,
    pub zh: &'static str,
    pub en: &'static str,
    /// The first day; None: before the approvals recorded here.
    pub from: Option<NaiveDate>,
    /// The first day on which it is no more.
    pub to: Option<NaiveDate>,
    /// What its territory belongs to since.
    pub successor: Option<DistrictCode>,
}

impl District {
    pub fn valid(&self, on: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= on) && self.to.is_none_or(|to| on < to)
    }
}

const fn since_ever(code: &[u8; 6], zh: &'static str, en: &'static str) -> District {
    District { code: DistrictCode(*code), zh, en, from: None, to: None, successor: None }
}

const fn since(from: Option<NaiveDate>, code: &[u8; 6], zh: &'static str, en: &'static str) -> District {
    District { code: DistrictCode(*code), zh, en, from, to: None, successor: None }
}

const fn until(to: Option<NaiveDate>, successor: &[u8; 6], before: District) -> District {
    District { to, successor: Some(DistrictCode(*successor)), ..before }
}

/// 国函〔2005〕44号 of 30 May 2005, counted from the month after: Nanguan became Yuwangtai, the suburban district Jinming.
const RENAMED_2005: Option<NaiveDate> = NaiveDate::from_ymd_opt(2005, 6, 1);

/// 国函〔2014〕121号 of September 2014, counted from the month after: Longting took Jinming in, Kaifeng County became
/// Xiangfu District.
const MERGED_2014: Option<NaiveDate> = NaiveDate::from_ymd_opt(2014, 10, 1);

/// The city.
pub const CITY: District = since_ever(b"410200", "开封市", "Kaifeng City");

/// Its five districts and four counties.
pub const DISTRICTS: [District; 9] = [
    since_ever(b"410202", "龙亭区", "Longting District"),
    since_ever(b"410203", "顺河回族区", "Shunhe Hui District"),
    since_ever(b"410204", "鼓楼区", "Gulou District"),
    since(RENAMED_2005, b"410205", "禹王台区", "Yuwangtai District"),
    since(MERGED_2014, b"410212", "祥符区", "Xiangfu District"),
    since_ever(b"410221", "杞县", "Qi County"),
    since_ever(b"410222", "通许县", "Tongxu County"),
    since_ever(b"410223", "尉氏县", "Weishi County"),
    since_ever(b"410225", "兰考县", "Lankao County"),
];

/// What old records still name.
pub const FORMER_DISTRICTS: [District; 4] = [
    until(RENAMED_2005, b"410205", since_ever(b"410205", "南关区", "Nanguan District")),
    until(RENAMED_2005, b"410211", since_ever(b"410211", "郊区", "Suburban District")),
    until(MERGED_2014, b"410202", since(RENAMED_2005, b"410211", "金明区", "Jinming District")),
    until(MERGED_2014, b"410212", since_ever(b"410224", "开封县", "Kaifeng County")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nine_districts_are_those_of_today() {
        let today = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
        let codes: Vec<&str> = DISTRICTS.iter().map(|district| district.code.as_str()).collect();
        let expected = ["410202", "410203", "410204", "410205", "410212", "410221", "410222", "410223", "410225"];
        assert_eq!(codes, expected);
        for district in &DISTRICTS {
            assert_eq!(DistrictCode::parse(district.code.as_str()), Ok(district.code));
            assert!(district.code.in_city());
            assert_eq!(district.code.district(today), Some(district));
        }
        assert!(FORMER_DISTRICTS.iter().all(|district| !district.valid(today)));
    }

    #[test]
    fn a_code_means_what_it_meant_on_the_day() {
        let on = |code: &str, year, month| {
            let day = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
            DistrictCode::parse(code).unwrap().district(day).map(|district| district.zh)
        };
        assert_eq!(on("410205", 2005, 5), Some("南关区"));
        assert_eq!(on("410205", 2005, 6), Some("禹王台区"));
        assert_eq!(on("410211", 2014, 9), Some("金明区"));
        assert_eq!(on("410211", 2014, 10), None);
        assert_eq!(on("410212", 2014, 9), None);
        assert_eq!(on("410212", 2014, 10), Some("祥符区"));
    }

    #[test]
    fn a_district_is_known_by_its_name_of_today() {
        for district in &DISTRICTS {
            assert_eq!(DistrictCode::named(district.zh), Some(district.code));
            assert_eq!(DistrictCode::named(&format!("开封市{}", district.zh)), Some(district.code));
        }
        for other in ["金明区", "开封县", "开封市", "龙亭", ""] {
            assert_eq!(DistrictCode::named(other), None, "{other}");
        }
    }

    #[test]
    fn what_no_division_begins_with_is_refused() {
        assert_eq!(DistrictCode::parse("991234"), Err(CodeError::District("991234".into())));
        assert_eq!(DistrictCode::parse("41020"), Err(CodeError::Length { expected: 6, found: 5 }));
        assert_eq!(DistrictCode::parse("41020A"), Err(CodeError::Character { position: 6, found: 'A' }));
    }

    #[test]
    fn the_districts_agree_with_the_national_table() {
        let Some(folder) = std::env::var_os("QINGTIAN_DATA") else {
            eprintln!("SKIPPED: QINGTIAN_DATA is not set");
            return;
        };
        let path = std::path::Path::new(&folder).join("divisions_gbt2260_national.csv");
        let mut reader = csv::Reader::from_path(path).unwrap();
        let mut found = 0;
        for row in reader.records() {
            let row = row.unwrap();
            let code = DistrictCode::parse(&row[0]).unwrap();
            if code.in_city() && code != CITY.code {
                let district = DISTRICTS.iter().find(|district| district.code == code).unwrap();
                assert_eq!(district.zh, &row[1]);
                found += 1;
            }
        }
        assert_eq!(found, DISTRICTS.len());
    }
}
