//! The page that says which operation of the OSS API works here.
//!
//! It is rendered from the router's own table and from what each configuration
//! document does, so that it can't promise what a request won't get.

use std::fmt::Write as _;

use osier_types::{ConfigKind, ConfigSupport};

use crate::oss::ROUTES;
use crate::{RouteSpec, Scope, Support};

const INTRODUCTION: &str = "\
# What works of the OSS API

<!-- Written by `cargo xtask gen` from the router's table. Don't edit. -->

Every operation of the OSS API has a row here. *Works* means all that the API reference says of
it; *partly* names what is missing; *NotImplemented* is what the request is answered with (status
400, code `NotImplemented`), so that nobody relies on something that silently does nothing.
";

const DIFFERENCES: &str = "
## Differences worth knowing

- A full disk is answered with 400 `InsufficientStorage`, a code that OSS does not have: SDKs repeat
  a 5xx at once, which a full disk does not deserve.
- Stored and billed bytes of `GetBucketStat` are the same numbers.
- Control characters in keys can't be written in XML. Lists without `encoding-type=url` write a
  character reference as OSS does, which strict parsers refuse.
- `x-oss-persistent-headers` can neither replace a header of the answer itself nor grant what the
  bucket's CORS rules don't.
- Pictures (`x-oss-process=image/...`): every action works but those that look for something
  (`g_face`, `g_auto`) and those of services whose algorithm is not public (`blindwatermark`, `codes`,
  faces, labels and the like); they answer NotImplemented. HEIC is neither read nor written, AVIF not
  read, and written only by builds with the feature `avif`. A TIFF with JPEG or fax data inside is
  `BadRequest`. Categories other than `image` and `style`, system operations other than `sys/saveas`
  and asynchronous processing answer NotImplemented. Limits of the server (`[image]` of the settings)
  are below those of OSS, because its own would take gigabytes.
- The finer error code `EC` follows Alibaba's pages where these tell it; elsewhere its last digits
  are osier's own.
";

/// `docs/compat.md`, whole.
pub fn compat_table() -> String {
    let mut page = INTRODUCTION.to_owned();
    compat_rows(&mut page, ROUTES);
    configuration(&mut page);
    page.push_str(DIFFERENCES);
    page
}

/// How much of an API is here, and each of its operations.
pub(crate) fn compat_rows(page: &mut String, routes: &[RouteSpec]) {
    counts(page, routes);
    for (scope, title) in [
        (Scope::Service, "Service"),
        (Scope::Bucket, "Buckets"),
        (Scope::Object, "Objects"),
    ] {
        line(page, format_args!("\n## {title}\n"));
        line(page, format_args!("| Operation | Request | Here |"));
        line(page, format_args!("|---|---|---|"));
        for spec in routes.iter().filter(|spec| spec.scope == scope) {
            let request = request(spec);
            let here = here(spec.support);
            line(
                page,
                format_args!("| {} | `{request}` | {here} |", spec.name),
            );
        }
    }
}

fn counts(page: &mut String, routes: &[RouteSpec]) {
    let count = |fits: fn(Support) -> bool| {
        let mut names: Vec<_> = routes
            .iter()
            .filter(|spec| fits(spec.support))
            .map(|spec| spec.name)
            .collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    };
    let works = count(|support| support == Support::Works);
    let partly = count(|support| matches!(support, Support::Partial(_)));
    let absent = count(|support| support == Support::NotImplemented);
    line(
        page,
        format_args!(
            "\n{works} operations work, {partly} work partly, {absent} are not implemented."
        ),
    );
}

fn configuration(page: &mut String) {
    page.push_str(
        "\n## Configuration documents of a bucket\n\n\
         What is put under a sub-resource of a bucket either takes effect, or is kept and returned \
         because nothing\nhere depends on it, or is refused.\n\n\
         | Sub-resource | Here |\n|---|---|\n",
    );
    for kind in ConfigKind::ALL.iter().filter(|kind| !kind.is_of_s3()) {
        let here = match kind.support() {
            ConfigSupport::Effective => "in effect",
            ConfigSupport::Stored => "kept and returned; changes nothing here",
            ConfigSupport::Refused => "refused with `NotImplemented`; reads answer as if never set",
        };
        line(page, format_args!("| `?{}` | {here} |", kind.as_str()));
    }
}

/// `PUT key?uploadId` and, in words, the header that makes the difference.
fn request(spec: &RouteSpec) -> String {
    let place = match spec.scope {
        Scope::Service => "/",
        Scope::Bucket => "bucket",
        Scope::Object => "key",
    };
    let query = spec.query();
    let mark = if query.is_empty() { "" } else { "?" };
    let header = spec
        .header
        .map(|name| format!(" + {name}"))
        .unwrap_or_default();
    format!("{} {place}{mark}{query}{header}", spec.method)
}

fn here(support: Support) -> String {
    match support {
        Support::Works => "works".to_owned(),
        Support::Partial(note) => format!("partly: {note}"),
        Support::NotImplemented => "NotImplemented".to_owned(),
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String can't fail.
    let _ = page.write_fmt(text);
    page.push('\n');
}
