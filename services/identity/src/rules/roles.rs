//! Who may give and take which roles, and which never meet in one person (art. 27, 36-40).

use kit::error::{Reason, Refusal, Result};
use proto::qingtian::access::v1::Role;

/// Roles that the administrator of a department grants within the department. A machine's role is given with its client.
const DEPARTMENT_GRANTS: [Role; 7] = [
    Role::Handler,
    Role::Reviewer,
    Role::Officer,
    Role::DepartmentAdmin,
    Role::LegalReviewer,
    Role::Head,
    Role::Editor,
];

/// Administration of the system, of security and of the audit: never two of them in one person.
const SEPARATE: [Role; 3] = [Role::PlatformOperator, Role::SecurityAdmin, Role::Auditor];

/// Name of a role without the enum's prefix.
pub fn role_name(role: Role) -> &'static str {
    role.as_str_name().trim_start_matches("ROLE_")
}

/// Roles as asked for, each once, in order.
///
/// # Errors
/// `INVALID` when there is none or one is unknown.
pub fn parse_roles(numbers: &[i32]) -> Result<Vec<Role>> {
    let mut roles = Vec::new();
    for number in numbers {
        match Role::try_from(*number) {
            Ok(Role::Unspecified) | Err(_) => {
                return Err(Refusal::invalid("user.roles", format!("没有岗位 / no role {number}")));
            }
            Ok(role) => roles.push(role),
        }
    }
    roles.sort_unstable_by_key(|role| *role as i32);
    roles.dedup();
    if roles.is_empty() {
        Err(Refusal::invalid("user.roles", "至少一个岗位 / at least one role"))
    } else {
        Ok(roles)
    }
}

/// Checks that these roles may be granted, or taken away, by the holder of those. A district's administrator appoints the
/// administrators of its departments, who manage their own people.
///
/// # Errors
/// `WIDER_RIGHTS`, naming the role.
pub fn check_grant(own: &[Role], wanted: &[Role]) -> Result<()> {
    if own.contains(&Role::PlatformOperator) {
        return Ok(());
    }
    let within = |role: &Role| {
        own.contains(&Role::DepartmentAdmin) && DEPARTMENT_GRANTS.contains(role)
            || own.contains(&Role::DistrictAdmin) && *role == Role::DepartmentAdmin
    };
    match wanted.iter().find(|role| !within(role)) {
        None => Ok(()),
        Some(role) => Err(Refusal::new(Reason::WiderRights).with("role", role_name(*role))),
    }
}

/// Checks that an account may be frozen, or let in again: by whoever may grant its roles, and by the security administrator, who
/// grants none.
///
/// # Errors
/// `WIDER_RIGHTS`.
pub fn check_freeze(own: &[Role], held: &[Role]) -> Result<()> {
    if own.contains(&Role::SecurityAdmin) { Ok(()) } else { check_grant(own, held) }
}

/// The roles that a change gives or takes.
pub fn changed(before: &[Role], after: &[Role]) -> Vec<Role> {
    let gone = before.iter().filter(|role| !after.contains(role));
    after.iter().filter(|role| !before.contains(role)).chain(gone).copied().collect()
}

/// Checks that one person does not administer what another of his roles watches.
///
/// # Errors
/// `ADMINS_SEPARATE` (art. 27).
pub fn check_separate(roles: &[Role]) -> Result<()> {
    let together: Vec<&str> = SEPARATE.into_iter().filter(|role| roles.contains(role)).map(role_name).collect();
    if together.len() < 2 {
        return Ok(());
    }
    Err(Refusal::new(Reason::AdminsSeparate).with("roles", together.join(", ")))
}
