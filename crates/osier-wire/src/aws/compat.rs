//! The part of `docs/compat.md` that tells which operations of AWS's STS and IAM are here.

use std::fmt::Write as _;

use osier_auth::control::AwsService;

use super::OPERATIONS;

const INTRODUCTION: &str = "
## STS and IAM of AWS

The same identities answer AWS's query protocol, as boto3 and awscli speak it, on the store's port
(`endpoint_url`): GET or POST of `/`, signed by AWS4-HMAC-SHA256 for the service `sts` or `iam`, for
any region. An action without a row is answered with 501 `NotImplemented`. Parameters in bold must be
there; one that is not listed is refused with `ValidationError`.
";

const DIFFERENCES: &str = "
What else differs:

- Every path is `/`. Users and groups have no tags, nobody has a permissions boundary, and there are no
  instance profiles, login profiles, MFA devices, identity providers and service-linked roles.
- Who takes on a role needs `sts:AssumeRole` on it by a policy of their own and the role's trust, also
  within one account, as Alibaba's STS has it.
- A temporary key by `GetSessionToken` may do what its user or account may, but with IAM nothing: it can
  neither change nor look up identities.
- `AssumeRole` with a `RoleArn` that begins neither with `arn:aws` nor with `acs:` (`arn:minio:iam:::role/x`,
  say) is what MinIO makes of every `RoleArn`: a temporary key of the caller's own, narrowed by `Policy`.
- `arn:aws:iam::aws:policy/` has `AdministratorAccess`, `AmazonS3FullAccess`,
  `AmazonS3ReadOnlyAccess` and `IAMFullAccess`; they are the shipped policies of RAM that do the same.
- A policy that speaks of one user, group, role or policy by name does not let it be created: for that
  the resource is all of them.
- Quotas are those of RAM. Inline policies of one holder have at most 10,240 bytes.
- Requests may be 15 minutes old, as with S3.
";

/// The section, whole.
pub fn compat_section() -> String {
    let mut page = INTRODUCTION.to_owned();
    for service in AwsService::ALL {
        // Writing to a String can't fail.
        let _ = write!(
            page,
            "\n### {} {}\n\n| Operation | Parameters |\n|---|---|\n",
            service.name().to_uppercase(),
            service.version()
        );
        for operation in OPERATIONS.iter().filter(|it| it.service == service) {
            let required = operation.required.iter().map(|name| format!("**{name}**"));
            let optional = operation.optional.iter().map(|name| (*name).to_owned());
            let names: Vec<String> = required.chain(optional).collect();
            let _ = writeln!(page, "| {} | {} |", operation.action, names.join(", "));
        }
    }
    page.push_str(DIFFERENCES);
    page
}
