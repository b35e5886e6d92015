//! Encrypted connections, with the feature `tls`.

use std::path::Path;

use ureq::{config::ConfigBuilder, typestate::AgentScope};

use crate::error::{Error, Result};

/// Has connections trust the authorities in this file, or those of the system.
#[cfg(feature = "tls")]
pub(super) fn secured(
    config: ConfigBuilder<AgentScope>,
    ca: Option<&str>,
    place: &Path,
) -> Result<ConfigBuilder<AgentScope>> {
    use std::{fs, sync::Arc};

    use rustls::{
        crypto::ring,
        pki_types::{CertificateDer, pem::PemObject},
    };
    use ureq::tls::{Certificate, RootCerts, TlsConfig};

    let roots = match ca {
        Some(file) => {
            let refuse = |why| Error::unfit(place, format!("has a `ca` that {why}; correct it"));
            let pem = fs::read(file).map_err(|error| refuse(format!("cannot be read: {error}")))?;
            let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem)
                .collect::<std::result::Result<_, _>>()
                .map_err(|error| refuse(format!("is not valid: {error}")))?;
            if roots.is_empty() {
                return Err(refuse("has no certificate".to_owned()));
            }
            roots
        }
        None => rustls_native_certs::load_native_certs().certs,
    };
    let roots: Vec<_> = roots
        .iter()
        .map(|root| Certificate::from_der(root).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build();
    Ok(config.tls_config(tls))
}

#[cfg(not(feature = "tls"))]
pub(super) fn secured(
    _config: ConfigBuilder<AgentScope>,
    _ca: Option<&str>,
    place: &Path,
) -> Result<ConfigBuilder<AgentScope>> {
    Err(Error::unfit(
        place,
        "needs the feature `tls` of livinglock, which is off; turn it on in Cargo.toml",
    ))
}
