//! Encrypted connections, with the feature `etcd-tls`.

use std::path::Path;

use ureq::{config::ConfigBuilder, typestate::AgentScope};

use crate::error::Result;

/// Has connections trust the authorities in this file, or those of the system.
#[cfg(feature = "etcd-tls")]
pub(super) fn secured(
    config: ConfigBuilder<AgentScope>,
    ca: Option<&str>,
    place: &Path,
) -> Result<ConfigBuilder<AgentScope>> {
    use std::sync::Arc;

    use rustls::crypto::ring;
    use ureq::tls::{Certificate, RootCerts, TlsConfig};

    let roots: Vec<_> = crate::store::authorities::trusted(ca, "ca", place)?
        .iter()
        .map(|root| Certificate::from_der(root).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build();
    Ok(config.tls_config(tls))
}

#[cfg(not(feature = "etcd-tls"))]
pub(super) fn secured(
    _config: ConfigBuilder<AgentScope>,
    _ca: Option<&str>,
    place: &Path,
) -> Result<ConfigBuilder<AgentScope>> {
    Err(crate::error::Error::unfit(
        place,
        "needs the feature `etcd-tls` of livinglock, which is off; turn it on in Cargo.toml",
    ))
}
