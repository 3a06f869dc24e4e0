use std::time::Duration;

/// A client that plays the outside world; no call takes longer than a minute.
#[expect(clippy::disallowed_methods, reason = "the test plays the outside world")]
pub fn http_client() -> reqwest::Client {
    // An error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap()
}
