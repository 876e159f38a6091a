//! The access rule of every rpc, read from the contract once.

use std::{collections::HashMap, sync::LazyLock};

use prost_reflect::{ReflectMessage, prost::Message};
use proto::qingtian::access::v1::{Role, Rule, Scope};

/// The rule of one method.
#[derive(Debug, Clone)]
pub struct MethodRule {
    /// As written in the contract.
    pub rule: Rule,
    /// Whether the method only reads: a `GET` route, or a `ReadEvents`.
    pub reads: bool,
}

impl MethodRule {
    /// Roles that may call.
    pub fn roles(&self) -> Vec<Role> {
        self.rule.roles().collect()
    }

    /// Rows reached.
    pub fn scope(&self) -> Scope {
        self.rule.scope()
    }
}

static RULES: LazyLock<HashMap<String, MethodRule>> = LazyLock::new(read);

/// Rules by full method, such as `/qingtian.draws.v1.Plans/PublishPlan`. A method without rule is absent.
pub fn rules() -> &'static HashMap<String, MethodRule> {
    &RULES
}

fn read() -> HashMap<String, MethodRule> {
    let mut found = HashMap::new();
    let Some(extension) = proto::POOL.get_extension_by_name("qingtian.access.v1.rule") else { return found };
    let http = proto::POOL.get_extension_by_name("google.api.http");
    for service in proto::POOL.services() {
        for method in service.methods() {
            let options = method.options();
            if !options.has_extension(&extension) {
                continue;
            }
            let value = options.get_extension(&extension);
            let Some(rule) = value.as_message().and_then(|m| Rule::decode(m.encode_to_vec().as_slice()).ok()) else {
                continue;
            };
            let get = http.as_ref().is_some_and(|http| {
                options.get_extension(http).as_message().is_some_and(|route| {
                    route.descriptor().get_field_by_name("get").is_some_and(|field| route.has_field(&field))
                })
            });
            let reads = get || method.name() == "ReadEvents";
            found.insert(format!("/{}/{}", service.full_name(), method.name()), MethodRule { rule, reads });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_has_a_rule_that_lets_somebody_in() {
        for service in proto::POOL.services().filter(|s| s.full_name().starts_with("qingtian.")) {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                let rule = &RULES.get(&path).unwrap_or_else(|| panic!("{path} has no access rule")).rule;
                let restricted = rule.signed_in || !rule.roles.is_empty() || !rule.services.is_empty();
                assert!(rule.public != restricted, "{path}: public or restricted, exactly one");
            }
        }
        assert!(RULES["/qingtian.draws.v1.Draws/GetDraw"].reads);
        assert!(!RULES["/qingtian.draws.v1.Draws/StateDraw"].reads);
    }
}
