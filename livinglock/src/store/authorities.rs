//! The authorities whose certificates of servers are trusted.

use std::{fs, path::Path};

use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::error::{Error, Result};

/// Those in this file, by the name of the URL's parameter, or those of the system.
pub(super) fn trusted(
    file: Option<&str>,
    parameter: &str,
    place: &Path,
) -> Result<Vec<CertificateDer<'static>>> {
    let Some(file) = file else {
        return Ok(rustls_native_certs::load_native_certs().certs);
    };
    let refuse = |why| Error::unfit(place, format!("has a `{parameter}` that {why}; correct it"));
    let pem = fs::read(file).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let authorities = CertificateDer::pem_slice_iter(&pem)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| refuse(format!("is not valid: {error}")))?;
    if authorities.is_empty() {
        return Err(refuse("has no certificate".to_owned()));
    }
    Ok(authorities)
}
