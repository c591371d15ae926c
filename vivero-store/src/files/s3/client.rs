//! The client: one TLS stack (rustls with ring), bounded waiting, bounded retries.

use super::S3Options;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::Builder as Http;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use std::time::Duration;

/// For what the server does with a large file by itself, in silence.
pub(super) fn long(options: &S3Options) -> TimeoutConfig {
    timeouts(options, options.copy_within, options.copy_within)
}

fn timeouts(options: &S3Options, silence: Duration, attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(options.connect_within)
        .read_timeout(silence)
        .operation_attempt_timeout(attempt)
        .operation_timeout(attempt.saturating_mul(options.attempts.max(1)))
        .build()
}

pub(super) fn new(options: &S3Options, endpoint: Option<&str>) -> Client {
    // Without TLS there is no need to read this machine's certificates.
    let http = match endpoint {
        Some(endpoint) if endpoint.starts_with("http://") => Http::new().build_http(),
        _ => Http::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
    };
    let attempts = options.attempts.max(1);
    let timeouts = timeouts(options, options.patience, options.attempt_within);
    let retries = RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(5));
    let credentials = Credentials::new(
        options.access_key.as_str(),
        options.secret_key.as_str(),
        None,
        None,
        "vivero",
    );
    let mut config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::new(options.region.clone()))
        .credentials_provider(credentials)
        .force_path_style(options.path_style)
        .timeout_config(timeouts)
        .retry_config(retries)
        // Whoever reads a file may take time over it; that the server does is noticed by reading.
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled().download_enabled(false).build(),
        )
        // Requests are signed over the SHA-256 of their content, and downloads are checked against
        // vivero's own: further checksums only shut out servers that do not know them.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}
