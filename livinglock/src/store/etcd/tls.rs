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
    let authorities = crate::store::authorities::trusted(ca, "ca", place)?;
    Ok(config.tls_config(crate::https::trusting(&authorities)))
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
