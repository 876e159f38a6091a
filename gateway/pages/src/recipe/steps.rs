//! The steps of one draw's recipe: commands to be pasted as they stand, each with what it must print. Every value in them is this
//! draw's own, so whoever compares needs to look nowhere else; a test runs all of them on whole and on withheld bundles.

use crate::{
    draw::{Facts, Quota},
    reader::Lang,
};

/// Members of a bundle, sorted by bytes, the tables among them with their key columns.
const MEMBERS: [(&str, Option<&str>); 11] = [
    ("draw.json", None),
    ("exclusions.tsv", Some("1,2")),
    ("experts.tsv", Some("1")),
    ("left_out.tsv", Some("1")),
    ("officers.tsv", Some("1")),
    ("result.tsv", None),
    ("rules.json", None),
    ("signatures.json", None),
    ("statement.json", None),
    ("strata.tsv", None),
    ("subjects.tsv", Some("1")),
];

/// The secret, as the reveal published it.
const SECRET: &str = r#""$(sed 's/.*"secret":"\([0-9a-f]*\)".*/\1/' draw.json)""#;

/// A command and its outcome.
pub struct Step {
    /// What it shows, in a sentence.
    pub why: String,
    /// Pasted into a shell as it stands, in the folder that the first one makes.
    pub command: String,
    /// What it prints, without the last line end; empty when nothing.
    pub prints: String,
}

/// Steps under a heading.
pub struct Part {
    pub title: &'static str,
    pub steps: Vec<Step>,
}

/// What the steps need besides the facts.
pub struct Given<'a> {
    pub facts: &'a Facts,
    pub lang: Lang,
    /// Address of the site.
    pub base: &'a str,
    /// The first of the drawn with its ticket, where the list is public.
    pub firm: Option<(&'a str, &'a str)>,
    /// The forty lines that compute the teams.
    pub teams: &'a str,
}

impl Given<'_> {
    /// All parts, in order; what needs a withheld file is left out.
    pub fn parts(&self) -> Vec<Part> {
        let t = |zh, en| if self.lang.is_zh() { zh } else { en };
        let mut parts = vec![
            Part { title: t("1. 取得材料", "1. Get the material"), steps: self.get() },
            Part {
                title: t("2. 声明和它锁定的内容", "2. The statement and what it binds"), steps: self.bound()
            },
            Part {
                title: t("3. 秘密数没有换过", "3. The secret is the one committed to"),
                steps: vec![self.commitment()],
            },
            Part { title: t("4. 随机数和种子", "4. The entries and the seed"), steps: self.seed() },
        ];
        if self.has("subjects.tsv") {
            parts.push(Part {
                title: t("5. 号，和抽中了谁", "5. The tickets, and who is drawn"),
                steps: self.tickets(),
            });
            if self.computes_teams() {
                parts.push(Part { title: t("6. 检查组", "6. The teams"), steps: vec![self.place()] });
            }
        }
        parts.push(Part { title: t("7. 签名", "7. The signatures"), steps: vec![self.signatures()] });
        parts
    }

    /// What cannot be recomputed since its files are withheld.
    pub fn left_out(&self) -> Vec<&'static str> {
        let t = |zh, en| if self.lang.is_zh() { zh } else { en };
        let mut out = Vec::new();
        if !self.has("subjects.tsv") {
            out.push(t("5. 号，和抽中了谁", "5. The tickets, and who is drawn"));
        }
        if !self.has("subjects.tsv") || !self.computes_teams() {
            out.push(t("6. 检查组", "6. The teams"));
        }
        out
    }

    /// Whether the bundle holds a file.
    fn has(&self, file: &str) -> bool {
        let follows = file == "strata.tsv" && self.facts.is_withheld("subjects.tsv");
        !follows && !self.facts.is_withheld(file)
    }

    fn computes_teams(&self) -> bool {
        ["officers.tsv", "experts.tsv", "exclusions.tsv"].into_iter().all(|file| self.has(file))
    }

    fn members(&self) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
        MEMBERS.into_iter().filter(|(file, _)| self.has(file))
    }

    fn step(&self, zh: &str, en: &str, command: String, prints: String) -> Step {
        Step { why: self.lang.t(zh, en).to_owned(), command, prints }
    }

    fn get(&self) -> Vec<Step> {
        let (number, base) = (&self.facts.number, self.base);
        let names: Vec<&str> = self.members().map(|(file, _)| file).collect();
        vec![
            self.step(
                "下载证据包和公钥，放进一个新文件夹：",
                "Download the evidence and the keys into a new folder:",
                format!(
                    "mkdir draw-{number}\ncd draw-{number}\ncurl -fsS -o evidence.tar.gz {base}/v1/public/draws/{number}/evidence\ncurl -fsS -o jwks.json {base}/.well-known/jwks.json"
                ),
                String::new(),
            ),
            self.step(
                "证据包就是公布的那一个：",
                "The bundle is the one that was announced:",
                "sha256sum evidence.tar.gz".to_owned(),
                format!("{}  evidence.tar.gz", self.facts.draw.evidence_digest),
            ),
            self.step(
                "里面恰好是这些文件，都是普通文件：",
                "It holds exactly these files, all of them plain:",
                "tar -tvzf evidence.tar.gz | sed 's/^\\(.\\).* /\\1 /' | LC_ALL=C sort".to_owned(),
                names.iter().map(|name| format!("- {name}")).collect::<Vec<_>>().join("\n"),
            ),
            self.step("解包：", "Unpack:", "tar -xzf evidence.tar.gz".to_owned(), String::new()),
        ]
    }

    fn bound(&self) -> Vec<Step> {
        let facts = self.facts;
        let known = |name: &str| match name {
            "statement.json" => Some(facts.draw.statement.clone()),
            name => facts.digests.iter().find(|(own, _)| own == name).map(|(_, digest)| digest.clone()),
        };
        let bound: Vec<(&str, String)> =
            self.members().filter_map(|(name, _)| known(name).map(|digest| (name, digest))).collect();
        let names = bound.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ");
        let digests = bound.iter().map(|(name, digest)| format!("{digest}  {name}")).collect::<Vec<_>>().join("\n");
        let signed: Vec<&str> = ["result.tsv", "strata.tsv"].into_iter().filter(|name| self.has(name)).collect();
        let tables: Vec<(&str, &str)> =
            self.members().filter_map(|(name, columns)| columns.map(|columns| (name, columns))).collect();
        let sorted = tables
            .iter()
            .map(|(name, columns)| format!("LC_ALL=C sort -c -u {name} && cut -f{columns} {name} | uniq -d"));
        let mut steps = vec![
            self.step(
                "声明的指纹，应当与抽查之前公布、由别人保存的相同；名单和规则的指纹都写在声明里：",
                "The statement's fingerprint must be the one published before the draw and kept by others; those of the lists and the rules stand in the statement:",
                format!("sha256sum {names}"),
                digests,
            ),
            self.step(
                "结果文件的指纹写在签过名的 draw.json 里，各一处：",
                "The digests of the result stand in the signed draw.json, once each:",
                format!(
                    "for file in {}; do grep -c \"\\\"$file\\\":\\\"$(sha256sum < $file | cut -c1-64)\\\"\" draw.json; done",
                    signed.join(" ")
                ),
                vec!["1"; signed.len()].join("\n"),
            ),
        ];
        if !tables.is_empty() {
            steps.push(self.step(
                "名单都按次序排好，没有人出现两次：",
                "The lists are sorted, and nobody stands in one twice:",
                sorted.collect::<Vec<_>>().join("\n"),
                String::new(),
            ));
        }
        if self.has("subjects.tsv") {
            steps.push(self.step(
                "入池的户数：",
                "How many are in the pool:",
                "awk 'END { print NR }' subjects.tsv".to_owned(),
                facts.draw.subjects.to_string(),
            ));
        }
        if self.has("subjects.tsv") && self.has("left_out.tsv") {
            steps.push(self.step(
                "没有一户既入池又被排除：",
                "Nobody is both in the pool and left out:",
                "cut -f1 subjects.tsv > in\ncut -f1 left_out.tsv > out\nLC_ALL=C comm -12 in out".to_owned(),
                String::new(),
            ));
        }
        steps
    }

    fn commitment(&self) -> Step {
        self.step(
            "秘密数揭示之后算出的承诺，应当是声明里的那一个：",
            "The commitment, computed from the secret now revealed, must be the one in the statement:",
            format!("printf '%s\\n' qingtian-commit-v1 draws/{} {SECRET} | sha256sum", self.facts.number),
            format!("{}  -", self.facts.commitment),
        )
    }

    /// The entries as arguments of `printf '%s\t%s\t%s\n'`; names and values hold no quotes.
    fn entries(&self, but_last: bool) -> String {
        let entries = &self.facts.draw.entries;
        let shown = entries.len().saturating_sub(usize::from(but_last));
        let one = |entry: &proto::qingtian::draws::v1::Entry| {
            format!("{} {} '{}'", entry.index, entry.contributor, entry.value)
        };
        entries.iter().take(shown).map(one).collect::<Vec<_>>().join(" ")
    }

    fn seed(&self) -> Vec<Step> {
        let draw = &self.facts.draw;
        let entries: Vec<_> = draw
            .entries
            .iter()
            .map(|entry| format!("{}\\t{}\\t{}", entry.index, entry.contributor, entry.value))
            .collect();
        let contributors: Vec<_> = draw.contributors.iter().map(|one| one.contributor.as_str()).collect();
        vec![
            self.step(
                "应当提交随机数的各方，按规则里的次序：",
                "Who was to contribute, in the order of the rules:",
                "grep -o '\"contributor\":\"[^\"]*\"' rules.json | cut -d'\"' -f4".to_owned(),
                contributors.join("\n"),
            ),
            self.step(
                "各方给出的数；公共随机数请到它的来源处核对：",
                "What each gave; look the beacon's value up at its source:",
                "sed 's/.*\"entries\":\\[\"\\(.*\\)\"\\],\"revealed_at\".*/\\1/' draw.json | awk '{ gsub(/\",\"/, \"\\n\"); print }'"
                    .to_owned(),
                entries.join("\n"),
            ),
            self.step(
                "声明、秘密数和全部随机数一起算出种子：",
                "The seed, from the statement, the secret and every entry:",
                format!(
                    "{{ printf '%s\\n' qingtian-draw-v1 {} {SECRET}; printf '%s\\t%s\\t%s\\n' {}; }} | sha256sum",
                    draw.statement,
                    self.entries(false)
                ),
                format!("{}  -", draw.seed),
            ),
        ]
    }

    fn tickets(&self) -> Vec<Step> {
        let (facts, draw) = (self.facts, &self.facts.draw);
        let mut steps = Vec::new();
        if let Some((firm, ticket)) = self.firm {
            steps.push(self.step(
                "只查一户，这里是号最小的那一户；换成别的代码，就是别的企业的号：",
                "One firm alone, here the one with the smallest ticket; put another code for another firm's:",
                format!("printf '%s\\nsubject\\n%s\\n' {} {firm} | sha256sum", draw.seed),
                format!("{ticket}  -"),
            ));
        }
        steps.push(self.step(
            "全部：每户的三行写成一个文件，算出摘要，放到名单旁边（户数多时要等一会儿）：",
            "All of them: the three lines of each into a file of its own, hashed, put beside the list (takes a while for a large pool):",
            format!(
                "mkdir tickets\n\
                 awk -F'\\t' -v seed={} '{{ file = \"tickets/\" NR; printf \"%s\\nsubject\\n%s\\n\", seed, $1 > file; close(file) }}' subjects.tsv\n\
                 find tickets -type f | xargs -r sha256sum | awk '{{ sub(/.*\\//, \"\", $2); print $2 \"\\t\" $1 }}' > hashes\n\
                 awk -F'\\t' 'FILENAME == \"hashes\" {{ ticket[$1] = $2; next }} {{ print $2 \"\\t\" ticket[FNR] \"\\t\" $1 }}' hashes subjects.tsv | LC_ALL=C sort > all",
                draw.seed
            ),
            String::new(),
        ));
        let quotas: Vec<(String, i64)> = draw
            .strata
            .iter()
            .map(|stratum| {
                let n = stratum.subjects;
                let command = match facts.quota(&stratum.stratum) {
                    Some(Quota::Ppm(ppm)) => format!("echo $(( ({n} * {ppm} + 999999) / 1000000 ))"),
                    Some(Quota::Count(count)) => format!("echo $(( {count} < {n} ? {count} : {n} ))"),
                    None => "echo 0".to_owned(),
                };
                (command, stratum.drawn)
            })
            .collect();
        if !quotas.is_empty() {
            steps.push(self.step(
                "各层抽几户，按规则算（百万分之几，进位取整；或固定户数）：",
                "How many are drawn in each stratum, by its quota (so many of a million, rounded up, or a count):",
                quotas.iter().map(|(command, _)| command.as_str()).collect::<Vec<_>>().join("\n"),
                quotas.iter().map(|(_, drawn)| drawn.to_string()).collect::<Vec<_>>().join("\n"),
            ));
        }
        let rows = draw.strata.iter().map(|one| {
            let threshold = if one.threshold.is_empty() { "-" } else { &one.threshold };
            format!("{}\t{}\t{}\t{threshold}", one.stratum, one.subjects, one.drawn)
        });
        let wanted = draw.strata.iter().map(|one| format!("{}={}", one.stratum, one.drawn));
        steps.push(self.step(
            "各层的户数、抽取数和门槛，由全部的号重算：",
            "Subjects, drawn and threshold of each stratum, from all the tickets:",
            format!(
                "awk -F'\\t' -v drawn='{}' 'BEGIN {{ m = split(drawn, d, \" \"); for (i = 1; i <= m; i++) {{ split(d[i], q, \"=\"); k[q[1]] = q[2]; n[q[1]] = 0 }} }} ++n[$1] == k[$1] {{ threshold[$1] = $2 }} END {{ for (s in n) print s \"\\t\" n[s] \"\\t\" k[s] + 0 \"\\t\" (k[s] + 0 ? threshold[s] : \"-\") }}' all | LC_ALL=C sort | tee strata",
                wanted.collect::<Vec<_>>().join(" ")
            ),
            rows.collect::<Vec<_>>().join("\n"),
        ));
        steps.push(self.step(
            "与公布的相同：",
            "The same as was published:",
            "diff strata strata.tsv && echo same".to_owned(),
            "same".to_owned(),
        ));
        steps.push(self.step(
            "抽中的恰好是各层号最小的那些：",
            "Drawn are exactly those with the smallest tickets of each stratum:",
            "awk -F'\\t' 'FILENAME == \"strata\" { k[$1] = $3; next } ++n[$1] <= k[$1] { print $2 \"\\t\" $3 }' strata all | LC_ALL=C sort > drawn\n\
             awk -F'\\t' '{ print $2 \"\\t\" $1 }' result.tsv | diff drawn - && wc -l < result.tsv | tr -d ' '"
                .to_owned(),
            draw.drawn.to_string(),
        ));
        steps
    }

    fn place(&self) -> Step {
        self.step(
            "把这四十行程序存下来运行：依号的次序，每户、每个单位都取任务最少、号最小的人。结果与公布的相同：",
            "Save these forty lines and run them: subject by subject in the order of tickets, unit by unit, whoever has the fewest subjects, then the smallest ticket. The outcome is the one published:",
            format!("cat > teams.py <<'END'\n{}END\npython3 teams.py | diff - result.tsv && echo same", self.teams),
            "same".to_owned(),
        )
    }

    fn signatures(&self) -> Step {
        let draw = &self.facts.draw;
        let has_beacon = self.facts.beacon().is_some();
        let entries = self.entries(has_beacon);
        let entries = if entries.is_empty() { String::new() } else { format!(" printf '%s\\t%s\\t%s\\n' {entries};") };
        let names = ["statement", "entries", "draw"];
        let key = format!(
            "key=$(tr -d ' \\n' < jwks.json | awk '{{ gsub(/}},\\{{/, \"}}\\n{{\"); print }}' | grep -F '\"kid\":\"{}\"' | sed 's/.*\"x\":\"\\([^\"]*\\)\".*/\\1/' | tr '_-' '/+')",
            draw.kid
        );
        let command = format!(
            "{key}\n\
             printf -- '-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEA%s=\\n-----END PUBLIC KEY-----\\n' \"$key\" > key.pem\n\
             printf '%s\\n' qingtian-statement-v1 {statement} > statement.text\n\
             {{ printf '%s\\n' qingtian-entries-v1 {statement};{entries} }} > entries.text\n\
             printf '%s\\n' qingtian-evidence-v1 \"$(sha256sum < draw.json | cut -c1-64)\" > draw.text\n\
             for name in {names}; do\n  \
             sed 's/.*\"'$name'\":{{[^}}]*\"value\":\"\\([^\"]*\\)\".*/\\1==/' signatures.json | tr '_-' '/+' | base64 -d > $name.signature\n  \
             openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in $name.text -sigfile $name.signature > verdict && echo \"$name: {kid}\"\n\
             done",
            statement = draw.statement,
            names = names.join(" "),
            kid = draw.kid,
        );
        self.step(
            "声明、随机数和结果都由这把公钥签名（需要 openssl 3）；编号以 demo- 开头的是演示用的：",
            "Statement, entries and result are signed with this key (needs openssl 3); one whose name begins demo- belongs to a demonstration:",
            command,
            names.map(|name| format!("{name}: {}", draw.kid)).join("\n"),
        )
    }
}
