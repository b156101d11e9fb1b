//! The functions that are here.

use crate::CdnFault;

use super::{Argument, Arguments, Feature, read};

/// A function of the CDN.
#[derive(Clone, Copy)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Whether a domain can have several records of it.
    pub many: bool,
    /// Its arguments.
    pub arguments: &'static [&'static str],
    /// A function that a domain can't have beside it.
    pub excludes: Option<&'static str>,
    pub(super) read: fn(&Arguments<'_>) -> Result<Feature, CdnFault>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Function {
    /// The function of this name.
    ///
    /// # Errors
    /// When there is none here.
    pub fn find(name: &str) -> Result<&'static Self, CdnFault> {
        ALL.iter()
            .find(|function| function.name == name)
            .ok_or_else(|| CdnFault::NoFunction(crate::fault::short(name)))
    }

    /// All functions.
    pub const fn all() -> &'static [Self] {
        ALL
    }

    /// What a record of it says.
    ///
    /// # Errors
    /// When an argument is unknown, missing or wrong.
    pub fn read(&'static self, arguments: &[Argument]) -> Result<Feature, CdnFault> {
        let arguments = Arguments {
            function: self.name,
            all: arguments,
        };
        let unknown = arguments
            .all
            .iter()
            .find(|argument| !self.arguments.contains(&argument.name.as_str()));
        if let Some(unknown) = unknown {
            return Err(arguments.wrong(format!(
                "it has no argument `{}`",
                crate::fault::short(&unknown.name)
            )));
        }
        (self.read)(&arguments)
    }
}

macro_rules! functions {
    ($($name:literal $kind:ident $(excludes $other:literal)? [$($argument:literal),* $(,)?] $read:path;)+) => {
        const ALL: &[Function] = &[$(Function {
            name: $name,
            many: functions!(@many $kind),
            arguments: &[$($argument),*],
            excludes: functions!(@excludes $($other)?),
            read: $read,
        }),+];
    };
    (@many one) => { false };
    (@many many) => { true };
    (@excludes) => { None };
    (@excludes $other:literal) => { Some($other) };
}

functions! {
    "set_req_host_header" one ["domain_name"] read::origin_host;
    "origin_host" many ["origin", "host"] read::host_of_origin;
    "forward_scheme" one ["enable", "scheme_origin", "scheme_origin_port"] read::forward_scheme;
    "https_origin_sni" one ["enabled", "https_origin_sni"] read::origin_sni;
    "origin_certificate_verification" one ["enabled", "enable", "common_name_whitelist"] read::origin_verify;
    "forward_timeout" one ["forward_timeout"] read::forward_timeout;
    "l2_oss_key" one ["private_oss_auth", "perm_private_oss_tbl"] read::private_bucket;
    "oss_key_list" many ["host", "key"] read::key_of_bucket;
    "oss_auth" one ["oss_bucket_id", "oss_pri_buckets"] read::bucket_named;
    "set_req_header" many ["key", "value"] read::request_header_v1;
    "origin_request_header" many [
        "header_operation_type", "header_name", "header_value", "duplicate",
        "header_source", "header_destination", "match_all",
    ] read::request_header;
    "filetype_based_ttl_set" many [
        "ttl", "file_type", "weight", "swift_origin_cache_high", "swift_no_cache_low",
        "swift_follow_cachetime", "force_revalidate",
    ] read::ttl_of_files;
    "path_based_ttl_set" many [
        "ttl", "path", "weight", "swift_origin_cache_high", "swift_no_cache_low",
        "swift_follow_cachetime", "force_revalidate",
    ] read::ttl_of_path;
    "set_resp_header" many [
        "key", "value", "header_operation_type", "duplicate", "header_source",
        "header_destination", "match_all", "access_origin_control",
    ] read::response_header;
    "serving_stale_content" one [
        "origin_error_status_code", "extend_expiration_time", "origin_first",
    ] read::stale;
    "https_force" one excludes "http_force" ["enable", "https_rewrite"] read::https_force;
    "http_force" one excludes "https_force" ["enable", "http_rewrite"] read::http_force;
    "HSTS" one ["enabled", "https_hsts_max_age", "https_hsts_include_subdomains"] read::hsts;
    "referer_white_list_set" one excludes "referer_black_list_set" [
        "refer_domain_allow_list", "allow_empty", "redirect_url", "disable_ast", "ignore_scheme",
    ] read::referers_allowed;
    "referer_black_list_set" one excludes "referer_white_list_set" [
        "refer_domain_deny_list", "allow_empty", "redirect_url", "disable_ast", "ignore_scheme",
    ] read::referers_denied;
    "ip_allow_list_set" one excludes "ip_black_list_set" [
        "ip_list", "customize_response_status_code", "ip_acl_xfwd", "ip_list_notes",
    ] read::addresses_allowed;
    "ip_black_list_set" one excludes "ip_allow_list_set" [
        "ip_list", "customize_response_status_code", "ip_acl_xfwd", "ip_list_notes",
    ] read::addresses_denied;
    "ali_ua" one ["ua", "type"] read::agents;
    "aliauth" one [
        "auth_type", "auth_key1", "auth_key2", "ali_auth_delta", "auth_m3u8",
        "req_auth_ip_white", "req_auth_ip_acl_xfwd", "sign_param", "time_param", "time_format",
        "path_encoding",
    ] read::url_auth;
    "set_hashkey_args" one excludes "ali_remove_args" ["hashkey_args", "disable", "keep_oss_args"] read::query_only;
    "ali_remove_args" one excludes "set_hashkey_args" ["ali_remove_args", "keep_oss_args"] read::query_without;
    "error_page" many ["error_code", "rewrite_page"] read::error_page;
    "https_option" one ["http2", "ocsp_stapling"] read::https_option;
    "https_tls_version" one [
        "tls10", "tls11", "tls12", "tls13", "ciphersuitegroup", "ciphersuite",
    ] read::tls_version;
    "range" one ["enable"] read::ranges;
    "gzip" one ["enable"] read::gzip;
    "host_redirect" many ["regex", "replacement", "flag", "rewrite_method", "sequence"] read::rewrite;
    "back_to_origin_url_rewrite" many ["source_url", "target_url", "flag", "sequence"] read::origin_rewrite;
    "brotli" one ["enable"] read::only_off;
    "video_seek" one [
        "enable", "flv_seek_by_time", "mp4_seek_start", "mp4_seek_end", "flv_seek_start",
        "flv_seek_end",
    ] read::only_off;
    "tesla" one ["enable", "trim_js", "trim_css"] read::only_off;
    "follow_302" one ["enable"] read::only_off;
    "back_to_origin_argument_rewrite" one ["enable"] read::only_off;
    "image_transform" one ["enable"] read::only_off;
    "ipv6" one ["switch", "region"] read::ipv6;
}
