//! Signatures: the request as it was received, read in every other way it might have been meant.

use http::Method;
use http::header::HOST;
use osier_auth::ResourceName;
use osier_auth::diagnosis::{Diagnosis, RefusedHead, diagnose};
use osier_types::{Timestamp, percent_decode};
use osier_wire::{Address, address};

use super::RefusedRequest;
use crate::arrive::text_of;
use crate::service::Service;

impl Service {
    /// What would have made the signature right.
    pub(crate) fn diagnose(&self, request: &RefusedRequest, received: Timestamp) -> Diagnosis {
        let host = text_of(&request.headers, &HOST);
        let addressed = address(
            &request.method,
            &request.target,
            host.as_deref(),
            &self.settings.hosts,
        );
        let Ok(addressed) = addressed else {
            return Diagnosis::default();
        };
        let candidates: Vec<ResourceName> = addressed.candidates.iter().map(name_of).collect();
        let readings = self.readings(&request.method, &addressed.raw_path, host.as_deref());
        let directory = self.identities.current();
        let refused = RefusedHead {
            method: &request.method,
            headers: &request.headers,
            raw_query: &addressed.raw_query,
            candidates: &candidates,
            readings: &readings,
            received,
        };
        diagnose(
            &refused,
            &self.verifier.regions,
            self.identities.as_ref(),
            directory.key_ids(),
        )
    }

    /// Bucket and key as other hosts would have them: the bucket in the path, in the host, by
    /// a domain of its own, or nowhere.
    fn readings(
        &self,
        method: &Method,
        raw_path: &str,
        host: Option<&str>,
    ) -> Vec<(ResourceName, String)> {
        let mut readings = Vec::new();
        let path = raw_path.trim_start_matches('/');
        let decoded = |text: &str| percent_decode(text.as_bytes());
        let key = (!path.is_empty()).then(|| decoded(path));
        let named = host.unwrap_or_default();
        let bare = named.rsplit_once(':').map_or(named, |(name, _)| name);
        if let Some((label, _)) = bare.split_once('.') {
            readings.push((
                ResourceName {
                    bucket: Some(label.to_owned()),
                    key: key.clone(),
                },
                format!(
                    "the client took `{label}` of the host `{named}` for the bucket; this server \
                     has no such suffix ([http] suffixes)"
                ),
            ));
        }
        if let Ok(by_path) = address(method, raw_path, Some("127.0.0.1"), &self.settings.hosts)
            && let Some(address) = by_path.candidates.first()
        {
            let bucket = address.bucket.clone().unwrap_or_default();
            readings.push((
                name_of(address),
                format!(
                    "the client signed for the path style, with the bucket `{bucket}` in the path, \
                     but the host `{named}` names one too"
                ),
            ));
        }
        for bucket in self.settings.hosts.buckets() {
            readings.push((
                ResourceName {
                    bucket: Some(bucket.to_owned()),
                    key: key.clone(),
                },
                format!(
                    "the client signed for the bucket `{bucket}`, whose own domain is not the \
                     host `{named}`"
                ),
            ));
        }
        readings.push((
            ResourceName {
                bucket: None,
                key: key.clone(),
            },
            "the client signed the path alone, without a bucket".to_owned(),
        ));
        readings
    }
}

fn name_of(address: &Address) -> ResourceName {
    ResourceName {
        bucket: address.bucket.clone(),
        key: address.key.clone(),
    }
}
