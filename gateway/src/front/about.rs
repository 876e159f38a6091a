//! What the front tells about itself to anybody: which parts serve (`grpc.health.v1`), and the rpcs that are open here with their
//! comments, routes and access rules (`grpc.reflection.v1`, and `v1alpha` for older tools).

use std::collections::BTreeMap;

use anyhow::Context as _;
use kit::auth::rules;
use kit::health::LIVENESS;
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, Value};
use tokio::sync::{Mutex, watch};
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::reach::Reach;

/// The services that tell about the front.
#[derive(Clone)]
pub struct About {
    routes: Routes,
}

impl About {
    /// Tells what the parts' health is. Errors: the contract contradicts itself.
    pub async fn new(reach: &Reach) -> anyhow::Result<(Self, Health)> {
        let (reporter, health) = tonic_health::server::health_reporter();
        let contract = contract()?;
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(&contract)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let mut routes = RoutesBuilder::default();
        routes.add_service(health);
        routes.add_service(reflection().build_v1().context("reflection")?);
        routes.add_service(reflection().build_v1alpha().context("reflection")?);
        reporter.set_service_status(LIVENESS, ServingStatus::Serving).await;
        let health = Health { reporter, serves: reach.subscribe(), told: Mutex::default() };
        // Until it was looked at, nothing serves.
        health.stop().await;
        Ok((Self { routes: routes.routes().prepare() }, health))
    }

    /// Whether it is one of these services that a path names.
    pub fn names(path: &str) -> bool {
        path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection.")
    }

    /// The services.
    pub fn routes(&self) -> Routes {
        self.routes.clone()
    }
}

/// Whether somebody outside may call an rpc, by its full path such as `/qingtian.draws.v1.Plans/PublishPlan`. The work portal's session
/// is the gateway's own, for browsers.
pub fn is_open(path: &str) -> bool {
    let open = |rule: &proto::qingtian::access::v1::Rule| rule.public || rule.signed_in || !rule.roles.is_empty();
    !path.starts_with("/qingtian.session.") && rules().get(path).is_some_and(|rule| open(&rule.rule))
}

/// The contract's files without the rpcs that are closed here, and without services of which nothing is left. Custom options stay.
fn contract() -> anyhow::Result<Vec<u8>> {
    let set = proto::POOL
        .get_message_by_name("google.protobuf.FileDescriptorSet")
        .context("no descriptors of descriptors")?;
    let mut set = DynamicMessage::decode(set, proto::DESCRIPTORS)?;
    for file in messages(&mut set, "file") {
        let package = text(file, "package");
        for service in messages(file, "service") {
            let name = text(service, "name");
            retain(service, "method", |method| is_open(&format!("/{package}.{name}/{}", text(method, "name"))));
        }
        retain(file, "service", |service| {
            service
                .get_field_by_name("method")
                .is_some_and(|methods| methods.as_list().is_some_and(|methods| !methods.is_empty()))
        });
    }
    Ok(set.encode_to_vec())
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn messages<'a>(message: &'a mut DynamicMessage, field: &str) -> impl Iterator<Item = &'a mut DynamicMessage> {
    let list = message.get_field_by_name_mut(field).and_then(Value::as_list_mut);
    list.into_iter().flatten().filter_map(Value::as_message_mut)
}

fn retain(message: &mut DynamicMessage, field: &str, keep: impl Fn(&DynamicMessage) -> bool) {
    if let Some(list) = message.get_field_by_name_mut(field).and_then(Value::as_list_mut) {
        list.retain(|value| value.as_message().is_some_and(&keep));
    }
}

/// Tells the front's health: of each service that of its part, of the whole whether any part serves.
pub struct Health {
    reporter: HealthReporter,
    serves: watch::Receiver<BTreeMap<String, bool>>,
    /// What was told last: only changes are news to whoever watches.
    told: Mutex<BTreeMap<String, bool>>,
}

impl Health {
    /// Tells what changes, without end.
    pub async fn follow(&self) {
        let mut serves = self.serves.clone();
        loop {
            let now = serves.borrow_and_update().clone();
            self.tell(|part| now.get(part).copied().unwrap_or_default(), now.values().any(|serves| *serves)).await;
            if serves.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Nothing is served any more: whoever asks during the drain goes elsewhere.
    pub async fn stop(&self) {
        self.tell(|_| false, false).await;
    }

    async fn tell(&self, serves: impl Fn(&str) -> bool, any: bool) {
        let each = services().into_iter().map(|service| {
            let serves = serves(part_of(&service));
            (service, serves)
        });
        let mut told = self.told.lock().await;
        for (service, serves) in [(String::new(), any)].into_iter().chain(each) {
            if told.insert(service.clone(), serves) != Some(serves) {
                let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
                self.reporter.set_service_status(service, status).await;
            }
        }
    }
}

/// Services of which something is open here.
fn services() -> Vec<String> {
    let open = proto::POOL
        .services()
        .filter(|service| service.methods().any(|rpc| is_open(&format!("/{}/{}", service.full_name(), rpc.name()))));
    open.map(|service| service.full_name().to_owned()).collect()
}

/// The part that serves a service: the name after the product's.
pub fn part_of(service: &str) -> &str {
    service.split('.').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_types::FileDescriptorSet;

    #[test]
    fn what_parts_tell_each_other_alone_is_not_open() {
        assert!(is_open("/qingtian.identity.v1.Identity/IssueToken"), "public");
        assert!(is_open("/qingtian.draws.v1.Plans/GetPlan"), "signed in");
        assert!(is_open("/qingtian.draws.v1.Registers/ImportSubjects"), "by role");
        assert!(is_open("/qingtian.draws.v1.Draws/ReadEvents"), "for parts and for machine clients");
        assert!(!is_open("/qingtian.identity.v1.Identity/OpenSignIn"));
        assert!(!is_open("/qingtian.session.v1.Sessions/SignIn") && !is_open("/qingtian.draws.v1.Plans/Absent"));
    }

    #[test]
    fn the_contract_told_here_has_the_open_rpcs_alone_and_keeps_routes_and_rules() {
        let encoded = contract().unwrap();
        let told = prost_reflect::DescriptorPool::decode(encoded.as_slice()).unwrap();
        let paths = |pool: &prost_reflect::DescriptorPool| -> Vec<String> {
            let all = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
            all.map(|rpc| format!("/{}/{}", rpc.parent_service().full_name(), rpc.name())).collect()
        };
        let open: Vec<_> = paths(&proto::POOL).into_iter().filter(|path| is_open(path)).collect();
        assert_eq!(paths(&told), open);
        assert!(open.len() > 50, "{}", open.len());
        let rule = told.get_extension_by_name("qingtian.access.v1.rule").unwrap();
        let route = told.get_extension_by_name("google.api.http").unwrap();
        let rpc = told.get_service_by_name("qingtian.draws.v1.Plans").unwrap().methods().next().unwrap();
        assert!(rpc.options().has_extension(&rule) && rpc.options().has_extension(&route));
        let files = FileDescriptorSet::decode(encoded.as_slice()).unwrap();
        assert!(files.file.iter().all(|file| file.service.iter().all(|service| !service.method.is_empty())));
    }
}
