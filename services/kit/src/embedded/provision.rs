//! A service's database and its two roles: the owner, who migrates, and the service's own, who cannot change the
//! shape of anything and cannot enter another service's database.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::Error;

/// Held while databases and roles are made, so that two processes starting at once do not collide.
const LOCK: i64 = 0x71_69_6e_67_74_69_61_6e;

/// Where a service finds its database, as its two roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrls {
    /// `MIGRATE_DATABASE_URL`: owns the database, runs migrations.
    pub owner: String,
    /// `DATABASE_URL`: the service at work.
    pub service: String,
}

/// Makes, where missing, the database `qingtian_{service}` with the roles `qingtian_{service}_owner` and
/// `qingtian_{service}`, and sets what they may do. `admin_url` is a superuser's. May be repeated.
pub async fn create_service(admin_url: &str, service: &str) -> Result<ServiceUrls, Error> {
    create_service_named(admin_url, &format!("qingtian_{service}")).await
}

/// [`create_service`] under another name: database and working role are `name`, the owner is `{name}_owner`.
///
/// The working role may use nothing yet: [`crate::ledger::Schema`] grants it, table by table, what it needs.
pub async fn create_service_named(admin_url: &str, name: &str) -> Result<ServiceUrls, Error> {
    check_name(name)?;
    let owner = format!("{name}_owner");
    let urls = ServiceUrls { owner: with(admin_url, &owner, name)?, service: with(admin_url, name, name)? };
    let mut admin = PgConnection::connect(admin_url).await?;
    // The session's end releases it.
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut admin).await?;
    for role in [&owner, name] {
        let known: bool = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)")
            .bind(role)
            .fetch_one(&mut admin)
            .await?;
        let verb = if known { "alter" } else { "create" };
        let rights = "login nosuperuser nocreatedb nocreaterole noreplication nobypassrls";
        run(&mut admin, &format!("{verb} role {role} {rights}")).await?;
    }
    let known: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(&mut admin)
        .await?;
    if !known {
        run(&mut admin, &format!("create database {name} owner {owner}")).await?;
    }
    run(&mut admin, &format!("revoke all on database {name} from public")).await?;
    run(&mut admin, &format!("grant connect on database {name} to {name}")).await?;

    let mut inside = PgConnection::connect(&with_database(admin_url, name)?).await?;
    for sql in [
        "revoke all on schema public from public".to_owned(),
        format!("grant usage on schema public to {name}"),
        format!("alter default privileges for role {owner} revoke execute on functions from public"),
        format!("alter default privileges for role {owner} grant execute on functions to {name}"),
    ] {
        run(&mut inside, &sql).await?;
    }
    inside.close().await?;
    admin.close().await?;
    Ok(urls)
}

/// Removes such a database, whoever is connected to it, and its roles. For tests.
pub async fn drop_service_named(admin_url: &str, name: &str) -> Result<(), Error> {
    check_name(name)?;
    let mut admin = PgConnection::connect(admin_url).await?;
    run(&mut admin, &format!("drop database if exists {name} with (force)")).await?;
    run(&mut admin, &format!("drop role if exists {name}")).await?;
    run(&mut admin, &format!("drop role if exists {name}_owner")).await?;
    Ok(admin.close().await?)
}

/// Runs a statement made of constants and names that [`check_name`] let through.
async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await?;
    Ok(())
}

/// A name that is an SQL identifier without quotes and leaves room for `_owner` in 63 bytes.
fn check_name(name: &str) -> Result<(), Error> {
    let mut bytes = name.bytes();
    let fits = bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && name.len() <= 50;
    if fits { Ok(()) } else { Err(Error::BadName(name.to_owned())) }
}

/// The address of a database on a server that listens on a socket: the host before the path is a formality, the
/// socket's folder wins. psql and sqlx both read it.
pub(super) fn socket_url(sockets: &Path, port: u16, role: &str, database: &str) -> String {
    format!("postgres://{role}@localhost:{port}/{database}?host={}", percent_encoded(sockets))
}

/// A path as it may stand in the query or the path of an address.
pub(super) fn percent_encoded(path: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte);
    let bytes = path.as_os_str().as_bytes().iter();
    bytes.map(|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// `admin_url` with another role, without the admin's password, and another database.
fn with(admin_url: &str, role: &str, database: &str) -> Result<String, Error> {
    let bad = || Error::BadUrl(admin_url.to_owned());
    let (scheme, rest) = admin_url.split_once("://").ok_or_else(bad)?;
    let (authority, path) = rest.split_once('/').ok_or_else(bad)?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let query = path.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    Ok(format!("{scheme}://{role}@{host}/{database}{query}"))
}

/// `admin_url` with another database.
fn with_database(admin_url: &str, database: &str) -> Result<String, Error> {
    let bad = || Error::BadUrl(admin_url.to_owned());
    let (scheme, rest) = admin_url.split_once("://").ok_or_else(bad)?;
    let (authority, path) = rest.split_once('/').ok_or_else(bad)?;
    let query = path.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    Ok(format!("{scheme}://{authority}/{database}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestCluster, unique};

    #[test]
    fn addresses_keep_the_server_and_lose_the_admins_password() {
        let admin = "postgres://boss:secret@db.example:6432/postgres?sslmode=require";
        let url = with(admin, "qingtian_draws", "qingtian_draws").unwrap();
        assert_eq!(url, "postgres://qingtian_draws@db.example:6432/qingtian_draws?sslmode=require");
        let url = with_database(admin, "other").unwrap();
        assert_eq!(url, "postgres://boss:secret@db.example:6432/other?sslmode=require");
        assert!(matches!(with("nonsense", "a", "b"), Err(Error::BadUrl(_))));
    }

    #[test]
    fn a_socket_folder_with_any_name_is_found_again_by_sqlx() {
        let folder = Path::new("/srv/青天 & co?/run");
        let url = socket_url(folder, 5432, "role", "base");
        let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
        assert_eq!(options.get_socket().map(|path| path.as_path()), Some(folder));
        assert_eq!(options.get_database(), Some("base"));
        assert_eq!(options.get_username(), "role");
    }

    #[test]
    fn names_that_sql_would_read_otherwise_are_refused() {
        for name in ["", "Draws", "1draws", "draws;drop", "a-b", "é", &"a".repeat(51)] {
            assert!(matches!(check_name(name), Err(Error::BadName(_))), "{name}");
        }
        check_name("qingtian_draws").unwrap();
    }

    /// The code PostgreSQL refuses with: 42501 is insufficient privilege.
    async fn refusal(url: &str, sql: &str) -> String {
        let mut connection = match PgConnection::connect(url).await {
            Ok(connection) => connection,
            Err(error) => return error.as_database_error().unwrap().code().unwrap().into_owned(),
        };
        match run(&mut connection, sql).await {
            Err(Error::Sql(error)) => error.as_database_error().unwrap().code().unwrap().into_owned(),
            other => panic!("{sql} was not refused: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_service_works_in_its_own_database_and_nowhere_else() {
        let admin = TestCluster::get().await.unwrap().admin_url();
        let (one, two) = (unique("one"), unique("two"));
        let first = create_service_named(admin, &one).await.unwrap();
        let second = create_service_named(admin, &two).await.unwrap();
        assert_eq!(create_service_named(admin, &one).await.unwrap(), first, "may be repeated");

        let mut owner = PgConnection::connect(&first.owner).await.unwrap();
        run(&mut owner, "create table matter (id bigint generated always as identity, word text)").await.unwrap();
        run(&mut owner, "create table frozen (word text)").await.unwrap();
        run(&mut owner, &format!("grant select, insert, update, delete on matter to {one}")).await.unwrap();
        run(&mut owner, &format!("grant select, insert on frozen to {one}")).await.unwrap();
        let mut service = PgConnection::connect(&first.service).await.unwrap();
        for sql in [
            "insert into matter (word) values ('a'), ('b')",
            "update matter set word = 'c' where word = 'a'",
            "delete from matter where word = 'b'",
            "insert into frozen values ('kept')",
        ] {
            run(&mut service, sql).await.unwrap();
        }
        for sql in [
            "update frozen set word = 'x'",
            "delete from frozen",
            "truncate matter",
            "drop table matter",
            "create table other ()",
            "create temporary table other ()",
            "create schema other",
        ] {
            assert_eq!(refusal(&first.service, sql).await, "42501", "{sql}");
        }
        let stranger = with(&second.service, &one, &two).unwrap();
        assert_eq!(refusal(&stranger, "select 1").await, "42501", "another service's database is closed");
        let stranger = with(&second.owner, &format!("{one}_owner"), &two).unwrap();
        assert_eq!(refusal(&stranger, "select 1").await, "42501", "to its owner too");

        drop((owner, service));
        drop_service_named(admin, &one).await.unwrap();
        drop_service_named(admin, &two).await.unwrap();
        assert_eq!(refusal(&first.service, "select 1").await, "28000", "the role is gone");
    }
}
