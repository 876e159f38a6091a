//! `qingtian migrate`: brings the databases of services to this version, as their owners. Safe to repeat.

use anyhow::Context;
use kit::env::Databases;

use crate::fleet::schema;

/// Migrates the databases of these services.
///
/// # Errors
/// An address is missing or a migration fails.
pub async fn run(databases: &Databases, services: &[&str]) -> anyhow::Result<()> {
    for service in services {
        let role = role_of(&databases.url(service))?;
        schema(service)?
            .migrate(&databases.migrate_url(service), &role)
            .await
            .with_context(|| format!("cannot migrate {service}"))?;
        tracing::info!(service, "migrated");
    }
    Ok(())
}

/// The role a service works as: the user of its address.
fn role_of(url: &str) -> anyhow::Result<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (user, _) = rest.split_once('@').context("DATABASE_URL names no user")?;
    Ok(user.split(':').next().unwrap_or(user).to_owned())
}

#[cfg(test)]
mod tests {
    use super::role_of;

    #[test]
    fn the_role_is_the_user_of_the_address() {
        assert_eq!(role_of("postgres://qingtian_draws@/qingtian_draws?host=/run").unwrap(), "qingtian_draws");
        assert_eq!(role_of("postgres://a:secret@db:5432/b").unwrap(), "a");
        assert!(role_of("postgres://db/b").is_err());
    }
}
