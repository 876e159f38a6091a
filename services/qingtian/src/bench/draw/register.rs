//! The registers that are measured (art. 13): made once, vacuumed, and kept between runs.

use std::fmt::Write as _;

use anyhow::Context;
use kit::{
    codes::{CreditCode, DISTRICTS},
    embedded::{Postgres, create_service_named, drop_service_named},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The bureau whose register it is.
pub const REGISTER: &str = "organisations/bench";
/// Codes there are for one district: 31^6.
const CODES: u64 = 887_503_681;
/// Shares no factor with [`CODES`]: serials come in no order and never twice.
const STRIDE: u64 = 514_229_123;
/// Bytes handed to COPY at once.
const CHUNK_BYTES: usize = 1 << 20;
/// Columns of the register that an import writes, in the order of [`Subject::copy_line`].
pub const COLUMNS: &str = "organisation, key, title, district, industry, address, in_business, old_number, \
    created_at, changed_at, changed_by, changed_what";

/// A made-up enterprise.
pub struct Subject {
    key: CreditCode,
    title: String,
    district: &'static str,
    address: String,
}

impl Subject {
    /// The `index`th. Every district has the same number of them, and their codes come in no order, as in a register that grew.
    pub fn nth(index: u32) -> Self {
        let district = &DISTRICTS[index as usize % DISTRICTS.len()];
        // Below CODES, which fits 32 bits.
        let serial = (u64::from(index) * STRIDE % CODES) as u32;
        let place = district.zh;
        Self {
            key: CreditCode::generate(district.code, false, serial),
            title: format!("开封市{place}第{index}商贸有限公司"),
            district: district.code.as_str(),
            address: format!("{place}中山路{}号", index % 300),
        }
    }

    /// A line of CSV, as a department would upload it, under [`CSV_HEADER`].
    pub fn csv_line(&self, out: &mut String) {
        let (key, title, district, address) = (self.key.as_str(), &self.title, self.district, &self.address);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{key},{title},{district},5190,{address},在业");
    }

    /// A line of COPY with what an import would have written.
    pub fn copy_line(&self, out: &mut String) {
        let (key, title, district, address) = (self.key.as_str(), &self.title, self.district, &self.address);
        let at = "2026-01-01 00:00:00+00";
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{REGISTER}\t{key}\t{title}\t{district}\t5190\t{address}\tt\tf\t{at}\t{at}\tusers/bench\t导入 imported"
        );
    }
}

/// Header of [`Subject::csv_line`].
pub const CSV_HEADER: &str = "key,title,district,industry,address,status\n";

/// The certificate of an officer of a district.
pub fn certificate(district: &str, nth: u32) -> String {
    format!("16{district}{nth:05}")
}

/// The bureau that sends so many officers into each district.
pub fn bureau(officers_each: u32) -> String {
    format!("organisations/bench-{officers_each}")
}

/// Runs a statement made of constants and numbers.
///
/// # Errors
/// The server fails.
pub async fn run(connection: &mut PgConnection, sql: String) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// A service's database that holds one register.
#[derive(Debug, Clone)]
pub struct Database {
    /// As the service.
    pub url: String,
    /// As the owner of the tables.
    pub owner_url: String,
    /// As the superuser.
    pub admin_url: String,
}

impl Database {
    /// An empty one; what stood there under this name is removed.
    ///
    /// # Errors
    /// The server fails.
    pub async fn empty(server: &Postgres, name: &str) -> anyhow::Result<Self> {
        drop_service_named(server.admin_url(), name).await?;
        let urls = create_service_named(server.admin_url(), name).await?;
        draws::SCHEMA.migrate(&urls.owner, name).await?;
        Ok(Self { url: urls.service, owner_url: urls.owner, admin_url: server.url("postgres", name) })
    }

    /// The register of so many subjects, with the bureaus that send officers. Found where an earlier run left it whole, made
    /// otherwise.
    ///
    /// # Errors
    /// The server fails.
    pub async fn register(server: &Postgres, subjects: u32, officers_each: &[u32]) -> anyhow::Result<Self> {
        let what = format!("{subjects} subjects, {officers_each:?} officers");
        let fill = async |database: &Self| database.fill(subjects, officers_each).await;
        Self::kept(
            server,
            &format!("qingtian_bench_{subjects}"),
            &format!("register of {subjects} subjects"),
            &what,
            fill,
        )
        .await
    }

    /// A database that is kept between runs: found where an earlier run left it whole, and made of these tables; else filled.
    ///
    /// # Errors
    /// The server fails.
    pub async fn kept(
        server: &Postgres,
        name: &str,
        title: &str,
        holds: &str,
        fill: impl AsyncFn(&Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let mark = mark(holds);
        let mut admin = PgConnection::connect(server.admin_url()).await?;
        let sql = "select shobj_description(oid, 'pg_database') from pg_database where datname = $1";
        let found: Option<Option<String>> = sqlx::query_scalar(sql).bind(name).fetch_optional(&mut admin).await?;
        if found.flatten().as_deref() == Some(mark.as_str()) {
            eprintln!("found the {title}");
            let owner = format!("{name}_owner");
            let (url, owner_url) = (server.url(name, name), server.url(&owner, name));
            return Ok(Self { url, owner_url, admin_url: server.url("postgres", name) });
        }
        eprintln!("making the {title} ...");
        let database = Self::empty(server, name).await?;
        fill(&database).await.with_context(|| format!("cannot make {name}"))?;
        run(&mut admin, format!("comment on database {name} is '{mark}'")).await?;
        Ok(database)
    }

    async fn fill(&self, subjects: u32, officers_each: &[u32]) -> anyhow::Result<()> {
        let mut owner = PgConnection::connect(&self.owner_url).await?;
        // Indexes that serve lists are read by nothing that is measured on these registers; of names, they would be larger than all
        // the rest. An import is measured with all of them.
        let lists = "select format('drop index %I', indexname) from pg_indexes where tablename = 'subject' and indexname <> 'subject_pkey'";
        for drop in sqlx::query_scalar(lists).fetch_all(&mut owner).await? {
            run(&mut owner, drop).await?;
        }
        // An index built afterwards is the same and much sooner there.
        run(&mut owner, "alter table subject drop constraint subject_pkey".to_owned()).await?;
        copy_subjects(&mut owner, 0..subjects).await?;
        run(&mut owner, "alter table subject add constraint subject_pkey primary key (organisation, key)".to_owned())
            .await?;
        for each in officers_each {
            for district in &DISTRICTS {
                let district = district.code.as_str();
                let keys: Vec<String> =
                    (0..*each).map(|nth| format!("{each}-{}", certificate(district, nth))).collect();
                let sql = "insert into officer (key, user_name, organisation, expire_on, districts, specialties, active)
                           select key, 'users/' || key, $2, '9999-12-31', array[$3], '{}', true from unnest($1) as given (key)";
                let insert = sqlx::query(sql).bind(&keys).bind(bureau(*each)).bind(district);
                insert.execute(&mut owner).await?;
            }
        }
        run(&mut owner, "vacuum (freeze, analyze)".to_owned()).await?;
        owner.close().await?;
        Ok(())
    }
}

/// Tells a database that is whole, and made from these tables, from any other.
fn mark(holds: &str) -> String {
    let migrations: Vec<u8> = draws::SCHEMA.migrator.iter().flat_map(|one| one.checksum.iter().copied()).collect();
    let tables = kit::blob::Digest::of(&migrations).to_string();
    format!("{holds}, tables {}", &tables[..16])
}

/// Enters subjects by COPY.
async fn copy_subjects(owner: &mut PgConnection, range: std::ops::Range<u32>) -> anyhow::Result<()> {
    let mut copy = owner.copy_in_raw(&format!("copy subject ({COLUMNS}) from stdin")).await?;
    let mut chunk = String::with_capacity(CHUNK_BYTES + 1024);
    for index in range {
        Subject::nth(index).copy_line(&mut chunk);
        if chunk.len() >= CHUNK_BYTES {
            copy.send(chunk.as_bytes()).await?;
            chunk.clear();
        }
    }
    copy.send(chunk.as_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_in_no_order_and_evenly_spread() {
        let subjects: Vec<Subject> = (0..9_000).map(Subject::nth).collect();
        let keys: Vec<&str> = subjects.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 9_000);
        for district in &DISTRICTS {
            let code = district.code.as_str();
            let own: Vec<&&str> = keys.iter().filter(|key| &key[2..8] == code).collect();
            assert_eq!(own.len(), 1_000);
            let rising = own.windows(2).filter(|pair| pair[0] < pair[1]).count();
            assert!((200..800).contains(&rising), "{rising} of 999 steps rise");
        }
        for key in keys {
            CreditCode::parse(key).unwrap();
        }
    }
}
