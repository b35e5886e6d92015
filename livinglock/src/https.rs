//! Encrypted connections of HTTP clients, by rustls with *ring*.

use std::sync::Arc;

use rustls::{crypto::ring, pki_types::CertificateDer};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Trusts the servers for which one of these authorities speaks.
pub(crate) fn trusting(authorities: &[CertificateDer<'_>]) -> TlsConfig {
    let roots: Vec<_> = authorities
        .iter()
        .map(|root| Certificate::from_der(root).to_owned())
        .collect();
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build()
}
