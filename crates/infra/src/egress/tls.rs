use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::CertificateResult;

/// Installs the process's one TLS provider, where none is installed yet.
pub fn install_tls_provider() {
    if CryptoProvider::get_default().is_none() {
        // It fails where another thread was quicker, which is as good.
        let _ = ring::default_provider().install_default();
    }
}

/// TLS as a client, trusting what the machine trusts. On a machine that trusts nobody https calls fail, each with its
/// error, and everything else works.
pub(super) fn client_config(trusted: CertificateResult) -> ClientConfig {
    install_tls_provider();
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(trusted.certs);
    if added == 0 {
        let errors: Vec<_> = trusted.errors.iter().map(ToString::to_string).collect();
        tracing::warn!(ignored, ?errors, "no CA certificates on this machine: https calls will fail");
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_certificates_still_gets_a_client() {
        assert_eq!(client_config(CertificateResult::default()).alpn_protocols.len(), 2);
    }
}
