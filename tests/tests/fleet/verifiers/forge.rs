//! Draws forged by an operator who holds every key: a file is changed, and whatever follows from it is made to fit and signed again.

use std::collections::BTreeMap;

use lottery::{
    Digest, Secret,
    entries::seed,
    frozen::{EXCLUSIONS, EXPERTS, FROZEN, LEFT_OUT, OFFICERS, RULES, SUBJECTS},
    hash::Tickets,
    json::canonical,
    merkle,
    reveal::{DRAW, RESULT, STRATA},
    sign::{SIGNATURES, Signature, Signatures, draw_text, entries_text, sign, statement_text},
    statement::STATEMENT,
    testing::{Dice, Draw, QUICKNET, QUICKNET_TWISTED, signing_key},
};
use serde_json::{Value, json};

type Files = BTreeMap<String, Vec<u8>>;

/// What is made to fit again after the change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fits {
    /// Digests, tree and number of subjects in the statement, and all that follows.
    Statement,
    /// What draw.json says of the statement, and the seed.
    Seed,
    /// The digests of strata.tsv and result.tsv.
    Digests,
    /// The signatures alone.
    Signatures,
    Nothing,
}

impl Fits {
    /// Whether every verifier must notice a forgery made to fit so far, whoever made it with whatever key.
    pub fn must_be_noticed(self, draw: &Draw, with: &BTreeMap<String, Vec<u8>>, keyless: bool) -> bool {
        match self {
            // Another statement leads to another seed, and each row of the result shows its ticket: no row, no ticket.
            Self::Statement | Self::Seed => !draw.reveal.rows.is_empty(),
            // Who is drawn and who goes follows from all files together.
            Self::Digests => draw.withheld().keys().all(|file| with.contains_key(file)),
            // What draw.json says is held against the statement and the entries, which are always public.
            Self::Signatures => true,
            // A signature tells only whoever has the keys.
            Self::Nothing => !keyless,
        }
    }
}

pub struct Forgery {
    pub name: &'static str,
    pub fits: Fits,
    /// False if this draw has nothing to change.
    pub change: fn(&mut Files, &mut Dice) -> bool,
}

fn lines(files: &Files, file: &str) -> Vec<String> {
    String::from_utf8_lossy(&files[file]).lines().map(ToOwned::to_owned).collect()
}

/// Changes the lines of a table that has at least `least`.
fn edit(files: &mut Files, file: &str, least: usize, change: impl FnOnce(&mut Vec<String>)) -> bool {
    let mut lines = lines(files, file);
    if lines.len() < least {
        return false;
    }
    let before = lines.clone();
    change(&mut lines);
    files.insert(file.to_owned(), lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes());
    before != lines
}

fn columns(line: &mut String, change: impl FnOnce(&mut Vec<String>)) {
    let mut columns: Vec<String> = line.split('\t').map(ToOwned::to_owned).collect();
    change(&mut columns);
    *line = columns.join("\t");
}

fn value(files: &Files, file: &str) -> Value {
    serde_json::from_slice(&files[file]).unwrap()
}

fn set(files: &mut Files, file: &str, change: impl FnOnce(&mut Value)) -> bool {
    let before = value(files, file);
    let mut after = before.clone();
    change(&mut after);
    files.insert(file.to_owned(), canonical(&after).unwrap());
    before != after
}

/// A row of `result.tsv` with its ticket, for a subject that was not drawn.
fn row(files: &Files, key: &str) -> String {
    let seed = Digest::parse(value(files, DRAW)["seed"].as_str().unwrap()).unwrap();
    format!("{key}\t{}\t\t", Tickets::new(&seed).subject(key.as_bytes()))
}

fn insert_row(files: &mut Files, key: &str) -> bool {
    let row = row(files, key);
    let ticket = |line: &String| line.split('\t').nth(1).unwrap_or_default().to_owned();
    edit(files, RESULT, 0, |lines| {
        let at = lines.partition_point(|line| ticket(line) < ticket(&row));
        lines.insert(at, row);
    })
}

/// Puts other people into the column of the first row that has any.
fn people(files: &mut Files, column: usize, change: impl FnOnce(&mut Vec<String>)) -> bool {
    edit(files, RESULT, 1, |lines| {
        let has = |line: &&mut String| line.split('\t').nth(column).is_some_and(|people| !people.is_empty());
        let Some(line) = lines.iter_mut().find(has) else { return };
        columns(line, |columns| {
            let mut people: Vec<String> = columns[column].split(',').map(ToOwned::to_owned).collect();
            change(&mut people);
            columns[column] = people.join(",");
        });
    })
}

/// Puts another value in place of a drand round's signature, and what is drawn from it: the operator draws with a value it chose.
fn drand(files: &mut Files, change: impl FnOnce(&str) -> String) -> bool {
    set(files, DRAW, |draw| {
        let Some(last) = draw["entries"].as_array_mut().and_then(|entries| entries.last_mut()) else { return };
        let entry = last.as_str().unwrap_or_default().to_owned();
        if let Some((before, value)) = entry.rsplit_once('\t').filter(|(before, _)| before.contains("\tdrand:")) {
            *last = json!(format!("{before}\t{}", change(value)));
        }
    })
}

fn somebody(files: &Files, file: &str, dice: &mut Dice) -> String {
    let lines = lines(files, file);
    if lines.is_empty() {
        return "nobody".to_owned();
    }
    lines[dice.below(lines.len())].split('\t').next().unwrap_or_default().to_owned()
}

const LARGEST: u64 = (1 << 53) - 1;

macro_rules! forgeries {
    ($fits:expr; $($name:literal: |$files:ident, $dice:pat_param| $change:expr;)*) => {
        &[$(Forgery { name: $name, fits: $fits, change: |$files: &mut Files, $dice: &mut Dice| $change }),*]
    };
}

const OF_THE_RESULT: &[Forgery] = forgeries! { Fits::Digests;
    "a row left out": |f, d| edit(f, RESULT, 1, |l| { l.remove(d.below(l.len())); });
    "a row twice": |f, d| edit(f, RESULT, 1, |l| { let at = d.below(l.len()); l.insert(at, l[at].clone()); });
    "two rows the other way round": |f, d| edit(f, RESULT, 2, |l| { let at = 1 + d.below(l.len() - 1); l.swap(at, at - 1); });
    "all rows the other way round": |f, _| edit(f, RESULT, 2, |l| l.reverse());
    "a subject drawn too many": |f, d| { let key = somebody(f, SUBJECTS, d); insert_row(f, &key) };
    "a left out subject drawn": |f, d| { let key = somebody(f, LEFT_OUT, d); insert_row(f, &key) };
    "an unknown subject drawn": |f, _| insert_row(f, "unknown");
    "a ticket changed": |f, _| edit(f, RESULT, 1, |l| columns(&mut l[0], |c| c[1] = "0".repeat(64)));
    "another officer": |f, d| { let other = somebody(f, OFFICERS, d); people(f, 2, |p| p[0] = other) };
    "an unknown officer": |f, _| people(f, 2, |p| p[0] = "unknown".to_owned());
    "an officer less": |f, _| people(f, 2, |p| { p.pop(); });
    "an officer more": |f, d| { let other = somebody(f, OFFICERS, d); people(f, 2, |p| p.push(other)) };
    "officers in another order": |f, _| people(f, 2, |p| p.reverse());
    "an officer twice": |f, _| people(f, 2, |p| { let last = p.len() - 1; p[last] = p[0].clone(); });
    "a team taken away": |f, _| people(f, 2, |p| p.clear());
    "another expert": |f, d| { let other = somebody(f, EXPERTS, d); people(f, 3, |p| p[0] = other) };
    "an unknown expert": |f, _| people(f, 3, |p| p[0] = "unknown".to_owned());
    "experts in another order": |f, _| people(f, 3, |p| p.reverse());
    "experts taken away": |f, _| people(f, 3, |p| p.clear());
    "experts given": |f, d| { let other = somebody(f, EXPERTS, d); edit(f, RESULT, 1, |l| columns(&mut l[0], |c| c[3] = other)) };
    "a column too many": |f, _| edit(f, RESULT, 1, |l| l[0].push('\t'));
    "a threshold changed": |f, _| edit(f, STRATA, 1, |l| columns(&mut l[0], |c| c[3] = "f".repeat(64)));
    "one place more": |f, _| edit(f, STRATA, 1, |l| columns(&mut l[0], |c| c[2] = format!("{}", c[2].parse::<u64>().unwrap() + 1)));
    "more digits than a number has": |f, _| edit(f, STRATA, 1, |l| columns(&mut l[0], |c| c[1] = "9007199254740992".to_owned()));
    "a stratum left out": |f, _| edit(f, STRATA, 1, |l| { l.remove(0); });
    "a stratum nobody is in": |f, _| edit(f, STRATA, 0, |l| l.push("zzz\t0\t0\t-".to_owned()));
};

const OF_THE_FILES: &[Forgery] = forgeries! { Fits::Statement;
    "a subject left out": |f, d| edit(f, SUBJECTS, 1, |l| { l.remove(d.below(l.len())); });
    "a subject in another stratum": |f, d| edit(f, SUBJECTS, 2, |l| { let other = l[0].split('\t').nth(1).unwrap().to_owned(); let at = d.below(l.len()); columns(&mut l[at], |c| c[1] = other); });
    "a subject in a stratum without quota": |f, _| edit(f, SUBJECTS, 1, |l| columns(&mut l[0], |c| c[1] = "zzz".to_owned()));
    "subjects not sorted": |f, _| edit(f, SUBJECTS, 2, |l| l.swap(0, 1));
    "a subject twice": |f, _| edit(f, SUBJECTS, 1, |l| l.insert(0, l[0].clone()));
    "a subject both in and left out": |f, _| { let key = lines(f, SUBJECTS).first().and_then(|l| l.split('\t').next().map(ToOwned::to_owned)).unwrap_or_default();
        edit(f, LEFT_OUT, 1, |l| { columns(&mut l[0], |c| c[0] = key); l.sort(); }) };
    "a salt too many or too few": |f, _| edit(f, OFFICERS, 1, |l| columns(&mut l[0], |c| if c.len() > 4 { c.pop(); } else { c.push("0".repeat(32)); }));
    "an empty line": |f, _| edit(f, EXCLUSIONS, 0, |l| l.push(String::new()));
    "no line end": |f, _| { let bytes = f.get_mut(LEFT_OUT).unwrap(); bytes.pop().is_some() };
    "an officer taken away": |f, d| edit(f, OFFICERS, 1, |l| { l.remove(d.below(l.len())); });
    "an officer with no name": |f, _| edit(f, OFFICERS, 1, |l| columns(&mut l[0], |c| c[0] = " ".to_owned()));
    "districts not sorted": |f, _| edit(f, OFFICERS, 1, |l| columns(&mut l[0], |c| c[2] = "b,a".to_owned()));
    "everybody excluded": |f, d| { let (person, subject) = (somebody(f, OFFICERS, d), somebody(f, SUBJECTS, d));
        edit(f, EXCLUSIONS, 1, |l| { columns(&mut l[0], |c| { c[0] = person; c[1] = subject; }); l.sort(); l.dedup(); }) };
    "a quota of more than all": |f, _| set(f, RULES, |v| for (_, quota) in v["quotas"].as_object_mut().unwrap() { *quota = json!({"ppm": 1_000_001}); });
    "a quota of nothing": |f, _| set(f, RULES, |v| for (_, quota) in v["quotas"].as_object_mut().unwrap() { *quota = json!({"count": 0}); });
    "a quota of both kinds": |f, _| set(f, RULES, |v| for (_, quota) in v["quotas"].as_object_mut().unwrap() { *quota = json!({"count": 0, "ppm": 0}); });
    "a quota of a negative number": |f, _| { let text = String::from_utf8(f[RULES].clone()).unwrap(); f.insert(RULES.into(), text.replacen("{\"count\":", "{\"count\":-", 1).into_bytes()); text.contains("{\"count\":") };
    "a quota for nobody": |f, _| set(f, RULES, |v| v["quotas"]["zzz"] = json!({"count": 1}));
    "teams of more than anybody can count": |f, _| set(f, RULES, |v| v["teams"][0]["size"] = LARGEST.into());
    "teams of nobody": |f, _| set(f, RULES, |v| v["teams"][0]["size"] = 0.into());
    "no teams": |f, _| set(f, RULES, |v| v["teams"] = json!([]));
    "a unit twice": |f, _| set(f, RULES, |v| { let first = v["teams"][0].clone(); v["teams"].as_array_mut().unwrap().push(first); });
    "more experts than anybody can count": |f, _| set(f, RULES, |v| v["experts"]["count"] = LARGEST.into());
    "districts after all": |f, _| set(f, RULES, |v| v["cover_district"] = json!(!v["cover_district"].as_bool().unwrap()));
    "another specialty": |f, _| set(f, RULES, |v| v["teams"][0]["specialty"] = json!("lifts"));
    "an unknown kind": |f, _| set(f, RULES, |v| v["entropy"][0]["kind"] = json!("ORACLE"));
    "an unknown kind and no unit": |f, _| set(f, RULES, |v| { v["entropy"][0]["kind"] = json!("ORACLE"); v["entropy"][0]["unit"] = json!(""); });
    "a contributor twice": |f, _| set(f, RULES, |v| { let first = v["entropy"][0].clone(); v["entropy"].as_array_mut().unwrap().insert(0, first); });
    "a contributor without unit": |f, _| set(f, RULES, |v| v["entropy"][0]["unit"] = Value::Null);
    "nobody from outside": |f, _| set(f, RULES, |v| for one in v["entropy"].as_array_mut().unwrap() { if !one["unit"].is_null() { one["unit"] = json!("market-bureau"); } });
    "no contributors": |f, _| set(f, RULES, |v| v["entropy"] = json!([]));
    "the beacon first": |f, _| set(f, RULES, |v| v["entropy"].as_array_mut().unwrap().reverse());
    "a beacon beyond all rounds": |f, _| set(f, RULES, |v| if let Some(last) = v["entropy"].as_array_mut().unwrap().last_mut() { last["contributor"] = json!("drand:quicknet:18446744073709551616"); });
    "a beacon of no source": |f, _| set(f, RULES, |v| if let Some(last) = v["entropy"].as_array_mut().unwrap().last_mut() { last["contributor"] = json!("drand:default:1"); });
    "the beacon waived after all": |f, _| set(f, RULES, |v| v["beacon_waived"] = json!("never mind"));
    "withheld without files": |f, _| set(f, RULES, |v| v["withheld"] = json!({"basis": "law", "files": []}));
    "withheld files not sorted": |f, _| set(f, RULES, |v| v["withheld"] = json!({"basis": "law", "files": ["subjects.tsv", "experts.tsv"]}));
    "rules withheld": |f, _| set(f, RULES, |v| v["withheld"] = json!({"basis": "law", "files": ["rules.json"]}));
    "withheld files of no name": |f, _| set(f, RULES, |v| v["withheld"] = json!({"basis": "law", "files": ["\u{0} "]}));
    "withheld for no reason": |f, _| set(f, RULES, |v| v["withheld"] = json!({"basis": "", "files": ["experts.tsv"]}));
    "published on no day": |f, _| set(f, RULES, |v| v["publish_after"] = json!({"basis": "law", "date": "2026-02-29"}));
    "rules with a member too many": |f, _| set(f, RULES, |v| v["zzz"] = Value::Null);
    "rules without teams": |f, _| set(f, RULES, |v| { v.as_object_mut().unwrap().remove("teams"); });
    "rules that are no object": |f, _| set(f, RULES, |v| *v = json!([v.clone()]));
    "rules that are no JSON": |f, _| { f.insert(RULES.into(), b"{".to_vec()); true };
    "rules of deep brackets": |f, _| { f.insert(RULES.into(), [vec![b'['; 60_000], vec![b']'; 60_000]].concat()); true };
    "rules of another protocol": |f, _| set(f, RULES, |v| v["protocol"] = json!("qingtian-draw-v2"));
    "rules of another plan": |f, _| set(f, RULES, |v| v["plan"] = json!("plans/2026-08"));
};

const OF_THE_STATEMENT: &[Forgery] = forgeries! { Fits::Seed;
    "one subject more stated": |f, _| set(f, STATEMENT, |v| v["subjects_n"] = (v["subjects_n"].as_u64().unwrap() + 1).into());
    "another tree": |f, _| set(f, STATEMENT, |v| v["merkle_root"] = "0".repeat(64).into());
    "another digest": |f, _| set(f, STATEMENT, |v| v["digests"][EXPERTS] = "0".repeat(64).into());
    "another commitment": |f, _| set(f, STATEMENT, |v| v["commitment"] = "0".repeat(64).into());
    "another number": |f, _| set(f, STATEMENT, |v| v["draw_id"] = "draws/2026-0008".into());
    "a number that is none": |f, _| set(f, STATEMENT, |v| v["draw_id"] = "draws/2026-00012".into());
    "the unit of the witness": |f, _| set(f, STATEMENT, |v| v["unit"] = "notary-office".into());
    "stated after the entries closed": |f, _| set(f, STATEMENT, |v| v["stated_at"] = v["reveal_by"].clone());
    "the beacon before the entries closed": |f, _| set(f, STATEMENT, |v| v["beacon_at"] = v["stated_at"].clone());
    "the beacon after the reveal": |f, _| set(f, STATEMENT, |v| v["beacon_at"] = "2029-01-01T00:00:00Z".into());
    "a time that is not in the calendar": |f, _| set(f, STATEMENT, |v| v["stated_at"] = "2026-02-30T00:00:00Z".into());
    "follows what is no draw": |f, _| set(f, STATEMENT, |v| v["follows"] = "draws/1".into());
    "a statement that is no object": |f, _| set(f, STATEMENT, |v| *v = Value::Null);
};

const OF_THE_DRAW: &[Forgery] = forgeries! { Fits::Signatures;
    "another seed": |f, _| set(f, DRAW, |v| v["seed"] = "0".repeat(64).into());
    "another secret": |f, _| set(f, DRAW, |v| v["secret"] = "0".repeat(64).into());
    "an entry dropped": |f, _| set(f, DRAW, |v| { v["entries"].as_array_mut().unwrap().pop(); });
    "an entry added": |f, _| set(f, DRAW, |v| { v["entries"].as_array_mut().unwrap().push("9\tme\t1".into()); });
    "entries in another order": |f, _| set(f, DRAW, |v| v["entries"].as_array_mut().unwrap().reverse());
    "an entry changed": |f, _| set(f, DRAW, |v| v["entries"][0] = json!(v["entries"][0].as_str().unwrap().to_owned() + "0"));
    "an entry of another form": |f, _| set(f, DRAW, |v| v["entries"][0] = json!("1\tx"));
    "an entry that is no text": |f, _| set(f, DRAW, |v| v["entries"][0] = json!(1));
    "entries that hold a line end": |f, _| set(f, DRAW, |v| v["entries"][0] = json!(v["entries"][0].as_str().unwrap().to_owned() + "\n2\tx\ty"));
    "another drand round's signature": |f, d| { let other = QUICKNET[d.below(QUICKNET.len())].1; drand(f, |_| other.to_owned()) };
    "a drand signature with a bit flipped": |f, d| { let bit = d.below(384); drand(f, |value| { let mut bytes = hex::decode(value).unwrap(); bytes[bit / 8] ^= 1 << (bit % 8); hex::encode(bytes) }) };
    "a drand signature of a point outside the group": |f, _| drand(f, |_| QUICKNET_TWISTED[0].to_owned());
    "revealed too early": |f, _| { let at = value(f, STATEMENT)["entries_close"].clone(); set(f, DRAW, |v| v["revealed_at"] = at) };
    "revealed too late": |f, _| set(f, DRAW, |v| v["revealed_at"] = "2029-01-01T00:00:00Z".into());
    "of another statement": |f, _| set(f, DRAW, |v| v["statement"] = "0".repeat(64).into());
    "digests that fit nothing": |f, _| set(f, DRAW, |v| v["digests"] = json!({RESULT: "0".repeat(64), STRATA: "1".repeat(64)}));
    "a line behind draw.json": |f, _| { f.get_mut(DRAW).unwrap().push(b'\n'); true };
    "draw.json with blanks": |f, _| { let text = String::from_utf8(f[DRAW].clone()).unwrap(); f.insert(DRAW.into(), text.replacen(':', ": ", 1).into_bytes()); true };
};

const OF_THE_SIGNATURES: &[Forgery] = forgeries! { Fits::Nothing;
    "an unknown key": |f, _| set(f, SIGNATURES, |v| v["draw"]["kid"] = "demo-nobodys".into());
    "a key without name": |f, _| set(f, SIGNATURES, |v| v["draw"]["kid"] = "".into());
    "another algorithm": |f, _| set(f, SIGNATURES, |v| v["draw"]["alg"] = "RS256".into());
    "one signature for another": |f, _| set(f, SIGNATURES, |v| v["entries"] = v["statement"].clone());
    "a signature changed": |f, _| set(f, SIGNATURES, |v| v["draw"]["value"] = "A".repeat(86).into());
    "a signature in another spelling": |f, _| set(f, SIGNATURES, |v| v["draw"]["value"] = "_".repeat(86).into());
    "a signature cut short": |f, _| set(f, SIGNATURES, |v| v["draw"]["value"] = "A".repeat(85).into());
    "a signature less": |f, _| set(f, SIGNATURES, |v| { v.as_object_mut().unwrap().remove("entries"); });
};

pub fn all() -> Vec<&'static Forgery> {
    [OF_THE_RESULT, OF_THE_FILES, OF_THE_STATEMENT, OF_THE_DRAW, OF_THE_SIGNATURES].into_iter().flatten().collect()
}

/// The public files after the forgery; none if this draw has nothing to change.
pub fn forged(draw: &Draw, forgery: &Forgery, dice: &mut Dice) -> Option<Files> {
    let mut files = draw.files.clone();
    if !(forgery.change)(&mut files, dice) {
        return None;
    }
    make_fit(draw, &mut files, forgery.fits);
    let public = draw.public();
    files.retain(|file, _| public.contains_key(file));
    Some(files)
}

fn make_fit(draw: &Draw, files: &mut Files, fits: Fits) {
    if fits <= Fits::Statement {
        let digests: serde_json::Map<String, Value> =
            FROZEN.iter().map(|file| ((*file).to_owned(), Digest::of(&files[*file]).to_string().into())).collect();
        let root = merkle::root(&files[SUBJECTS]).to_string();
        let subjects = lines(files, SUBJECTS).len();
        set(files, STATEMENT, |v| {
            (v["digests"], v["merkle_root"], v["subjects_n"]) = (digests.into(), root.into(), subjects.into());
        });
    }
    let statement = Digest::of(&files[STATEMENT]);
    if fits <= Fits::Seed {
        let seed = seed(&statement, &Secret::parse(&draw.secret.reveal()).unwrap(), &draw.reveal.entries);
        set(files, DRAW, |v| (v["statement"], v["seed"]) = (statement.to_string().into(), seed.to_string().into()));
    }
    if fits == Fits::Digests {
        let digests =
            json!({RESULT: Digest::of(&files[RESULT]).to_string(), STRATA: Digest::of(&files[STRATA]).to_string()});
        set(files, DRAW, |v| v["digests"] = digests);
    }
    if fits <= Fits::Signatures {
        let key = signing_key();
        let entries: Vec<String> = value(files, DRAW)["entries"]
            .as_array()
            .map(|all| all.iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect())
            .unwrap_or_default();
        let own = if draw.rules.beacon_waived.is_none() { entries.len().saturating_sub(1) } else { entries.len() };
        let by = |text: &str| -> Signature { sign(&draw.kid, &key, text) };
        let signatures = Signatures {
            statement: by(&statement_text(&statement)),
            entries: by(&entries_text(&statement, &entries[..own])),
            draw: by(&draw_text(&Digest::of(&files[DRAW]))),
        };
        files.insert(SIGNATURES.to_owned(), signatures.to_bytes().unwrap());
    }
}
