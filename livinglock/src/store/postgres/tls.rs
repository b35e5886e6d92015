//! TLS to the server. Its certificate is always checked, unlike in libpq with `sslmode=require`.

use std::{fmt, path::Path, sync::Arc};

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    error::{Error, Result},
    store::authorities,
};

#[derive(Clone)]
pub(super) struct Connector(MakeRustlsConnect);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

impl Connector {
    /// A connector that trusts the authorities in this file, or those of the system.
    pub(super) fn trusting(file: Option<&str>, place: &Path) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities::trusted(file, "sslrootcert", place)?);
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::unfit(place, format!("cannot be reached by TLS: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(MakeRustlsConnect::new(config)))
    }

    /// One that insists on the certificate of this server.
    pub(super) fn to<S>(
        &self,
        host: &str,
    ) -> std::result::Result<
        <MakeRustlsConnect as MakeTlsConnect<S>>::TlsConnect,
        <MakeRustlsConnect as MakeTlsConnect<S>>::Error,
    >
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        MakeTlsConnect::<S>::make_tls_connect(&mut self.0.clone(), host)
    }
}
