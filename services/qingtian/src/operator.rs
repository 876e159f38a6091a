//! `qingtian operator`: the first operator of a new platform (art. 5), who then makes all others. Works once.

use clap::Args;
use identity::{Bootstrap, bootstrap, random_password};
use kit::{codes::CITY, env::Clock, ledger::Ledger};
use proto::qingtian::identity::v1::{Organisation, OrganisationKind};

use crate::settings::Settings;

/// Who shall run the platform.
#[derive(Debug, Args)]
pub struct OperatorArgs {
    /// Sign-in name.
    #[arg(long)]
    pub name: String,
    /// Real name, as on the identity card.
    #[arg(long)]
    pub real_name: String,
    /// Chinese name of the organisation that runs the platform (art. 5).
    #[arg(long)]
    pub organisation: String,
    /// Last part of that organisation's name in the platform, `[a-z0-9-]{2,40}`.
    #[arg(long, default_value = "bureau")]
    pub organisation_id: String,
    /// That organisation's district, six digits.
    #[arg(long, default_value_t = String::from(CITY.code.as_str()))]
    pub district: String,
}

/// Makes the operator in identity's migrated database; answers the first password, which nobody can look up again.
///
/// # Errors
/// There is an operator already; a value is not valid; keys or database are out of reach. Nothing is done then.
pub async fn make(args: &OperatorArgs, settings: &Settings) -> anyhow::Result<String> {
    let env = settings.env(Clock::System)?;
    let password = random_password()?;
    let organisation = Organisation {
        title: args.organisation.clone(),
        kind: OrganisationKind::Department as i32,
        district: args.district.clone(),
        ..Organisation::default()
    };
    let first = Bootstrap {
        organisation_id: &args.organisation_id,
        organisation,
        username: &args.name,
        real_name: &args.real_name,
        password: &password,
    };
    let made = bootstrap(&Ledger::open(&env, "identity")?, first).await;
    env.shutdown.cancel();
    env.close_pools().await;
    made.map(|_| password)
}
