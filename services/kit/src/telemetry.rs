//! Traces, logs and metrics: one trace from the browser's request through every part, logs with its id, a few metrics per rpc.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use opentelemetry::{
    global,
    propagation::{Extractor, Injector},
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// Keeps the exporter alive; [`Telemetry::stop`] flushes it.
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Starts logging to standard error (JSON unless that is a terminal; filtered by `RUST_LOG`, else as told), exporting traces by OTLP
    /// when `OTEL_EXPORTER_OTLP_ENDPOINT` is set, and serving metrics where told.
    ///
    /// # Errors
    /// Telemetry was started before, or an exporter cannot be made.
    pub fn start(service: &str, filter: &str, metrics: Option<SocketAddr>) -> anyhow::Result<Self> {
        global::set_text_map_propagator(TraceContextPropagator::new());
        let resource = opentelemetry_sdk::Resource::builder().with_service_name(service.to_owned()).build();
        let mut builder = SdkTracerProvider::builder().with_resource(resource);
        if std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
            builder = builder.with_batch_exporter(opentelemetry_otlp::SpanExporter::builder().with_tonic().build()?);
        } else {
            // Traces have their ids all the same, for logs and audits; nobody asks what their spans recorded.
            builder = builder.with_sampler(Sampler::AlwaysOff);
        }
        let provider = builder.build();
        let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("qingtian"));
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter));
        let format = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let format =
            if std::io::IsTerminal::is_terminal(&std::io::stderr()) { format.boxed() } else { format.json().boxed() };
        tracing_subscriber::registry().with(filter).with(traces).with(format).try_init().context("logging")?;
        if let Some(address) = metrics {
            metrics_exporter_prometheus::PrometheusBuilder::new()
                .with_http_listener(address)
                .install()
                .with_context(|| format!("metrics on {address}"))?;
        }
        Ok(Self { provider })
    }

    /// Flushes what was not yet exported.
    pub fn stop(self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::debug!(%error, "telemetry ended");
        }
    }
}

struct Headers<'a>(&'a http::HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct Metadata<'a>(&'a mut tonic::metadata::MetadataMap);

impl Injector for Metadata<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (tonic::metadata::MetadataKey::from_bytes(key.as_bytes()), value.parse()) {
            self.0.insert(key, value);
        }
    }
}

/// A span for a call that came in, continuing the caller's trace.
pub fn server_span(name: &str, headers: &http::HeaderMap) -> Span {
    let span = tracing::info_span!("rpc", otel.name = name, otel.kind = "server");
    let parent = global::get_text_map_propagator(|propagator| propagator.extract(&Headers(headers)));
    // Fails only where no exporter layer is installed, as in small tests; then there is no trace to continue.
    let _ = span.set_parent(parent);
    span
}

/// Adds the current trace to an outgoing call.
pub fn inject(metadata: &mut tonic::metadata::MetadataMap) {
    let context = Span::current().context();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut Metadata(metadata)));
}

/// Id of the current trace, 32 hex digits, or empty.
pub fn trace_id() -> String {
    let context = Span::current().context();
    let span = context.span();
    let id = span.span_context();
    if id.is_valid() { id.trace_id().to_string() } else { String::new() }
}

/// Counts a call and its duration.
pub fn observe(method: &str, headers: &http::HeaderMap, took: Duration) {
    let code = headers.get("grpc-status").and_then(|value| value.to_str().ok()).unwrap_or("0").to_owned();
    metrics::counter!("rpc_total", "method" => method.to_owned(), "code" => code).increment(1);
    metrics::histogram!("rpc_seconds", "method" => method.to_owned()).record(took.as_secs_f64());
}
