//! The part of `docs/compat.md` that tells which operations of the control APIs are here.

use std::fmt::Write as _;

use osier_cdn::Function;

use super::{Api, CDN_OPERATIONS, OPERATIONS, Operation, ParameterKind};

const INTRODUCTION: &str = "
## Control APIs

STS, RAM and CDN answer on the same port as the store, whatever the host: a request is dispatched by its
`Version` and `Action` (RPC signature) or `x-acs-version` and `x-acs-action` (ACS3-HMAC-SHA256).
Answers are JSON or XML. An action without a row here is answered with 404
`InvalidAction.NotFound`, an API without a section with 400 `InvalidVersion`. Parameters in bold
must be there.
";

const DIFFERENCES: &str = "
What else differs:

- CDN: of statistics, logs, bills, staging, log delivery, edge functions, certificates of CAS and `fc_domain`
  origins nothing is there. The version 2014-11-11 is understood where it asks for the same.
- CDN functions: `swift_follow_cachetime`, `force_revalidate`, `ignore_scheme`, `ocsp_stapling` and
  `access_origin_control` can be off only; `redirect_url` of referers, another status than 403 for addresses,
  `req_auth_ip_white`, `auth_type` D to F, headers rewritten by a pattern and conditions (`parentId`) are refused.
  `forward_scheme` is `http` or `https`, not `follow`. `origin_host` is for `all` origins. HTTP/2 is on or off for
  all sites (`http2` of `[gateway]`), TLS is 1.2 and 1.3, and large objects are always fetched by parts
  (`range`). `brotli`, `video_seek`, `tesla`, `follow_302`, `image_transform`, `ipv6` and
  `back_to_origin_argument_rewrite` can be switched off only. Clients behind proxies are told by
  `trusted_proxies`, whatever `ip_acl_xfwd` says.
- There are no login profiles, MFA devices, account aliases, password policies and service-linked
  roles: nothing here has a console to log in to.
- `ResourceGroupId` is refused: a policy attached within a group would count everywhere.
- `AssumeRoleWithOIDC` and `AssumeRoleWithSAML` are not there.
- `GetAccessKeyLastUsed` knows uses since the server was started.
- A nonce is remembered for as long as its request is valid; a restart forgets them.
";

/// The section, whole.
pub fn compat_section() -> String {
    let mut page = INTRODUCTION.to_owned();
    for api in [Api::Sts, Api::Ram] {
        // Writing to a String can't fail.
        let _ = write!(
            page,
            "\n### {} {}\n\n| Operation | Parameters |\n|---|---|\n",
            api.name(),
            api.version()
        );
        for operation in OPERATIONS.iter().filter(|operation| operation.api == api) {
            let _ = writeln!(page, "| {} | {} |", operation.action, parameters(operation));
        }
    }
    let _ = write!(
        page,
        "\n### {} {}\n\n| Operation | Parameters |\n|---|---|\n",
        Api::Cdn.name(),
        Api::Cdn.version()
    );
    for operation in CDN_OPERATIONS {
        let _ = writeln!(page, "| {} | {} |", operation.action, parameters(operation));
    }
    page.push_str(FUNCTIONS);
    for function in Function::all() {
        let times = if function.many { "many" } else { "one" };
        let arguments = function.arguments.join(", ");
        let _ = writeln!(page, "| {} | {times} | {arguments} |", function.name);
    }
    page.push_str(DIFFERENCES);
    page
}

const FUNCTIONS: &str = "
### CDN functions

What `BatchSetCdnDomainConfig` takes, and how many records of it a domain may have. Other functions, other
arguments, and values that would have no effect here are refused with 400 `InvalidFunctions.ValueNotSupported`
or `InvalidFunctions.Malformed`.

| Function | Records | Arguments |
|---|---|---|
";

fn parameters<R>(operation: &Operation<R>) -> String {
    let names: Vec<String> = operation
        .parameters
        .iter()
        .map(|parameter| match parameter.kind {
            ParameterKind::text => format!("**{}**", parameter.name),
            ParameterKind::list => format!("{}.N", parameter.name),
            ParameterKind::tags => format!("{}.N.Key, {0}.N.Value or {0} as JSON", parameter.name),
            _ => parameter.name.to_owned(),
        })
        .collect();
    names.join(", ")
}
