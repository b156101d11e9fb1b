//! Checks every locked package against `deny.toml`: licences, sources, banned
//! crates and duplicate versions.
//!
//! The file is cargo-deny's; this reads the four lists that need no network, so
//! that the checks hold where cargo-deny is not installed. Known vulnerabilities
//! need cargo-deny's database and are not looked up here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::metadata::{Metadata, Package};

#[derive(Debug, Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    #[serde(default)]
    deny: Vec<Named>,
    #[serde(default)]
    skip: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    /// A name, or `name@version`.
    #[serde(rename = "crate")]
    spec: String,
}

#[derive(Debug, Deserialize)]
struct Sources {
    #[serde(rename = "allow-registry")]
    allow_registry: Vec<String>,
}

/// Fails on the first kind of package that the rules do not allow, naming all of them.
pub(crate) fn check(root: &Path, metadata: &Metadata) -> anyhow::Result<()> {
    let path = root.join("deny.toml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
    let rules: Rules = toml::from_str(&text).context("reading deny.toml")?;
    let wrong = violations(&rules, &metadata.packages);
    if wrong.is_empty() {
        println!("deny: {} packages are allowed", metadata.packages.len());
        return Ok(());
    }
    bail!("\n{}", wrong.join("\n"))
}

fn violations(rules: &Rules, packages: &[Package]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        let Package { name, version, .. } = package;
        versions.entry(name).or_default().insert(version);
        let license = package.license.as_deref().unwrap_or_default();
        if !allowed(license, &rules.licenses.allow) {
            wrong.push(format!(
                "{name} {version}: licence `{license}` is not allowed"
            ));
        }
        if rules.bans.deny.iter().any(|ban| ban.spec == *name) {
            wrong.push(format!("{name} {version} is banned"));
        }
        if let Some(source) = &package.source {
            let known = source.strip_prefix("registry+").is_some_and(|registry| {
                rules
                    .sources
                    .allow_registry
                    .iter()
                    .any(|known| known == registry)
            });
            if !known {
                wrong.push(format!(
                    "{name} {version}: source `{source}` is not allowed"
                ));
            }
        }
    }
    let skipped = |name: &str, version: &str| {
        rules
            .bans
            .skip
            .iter()
            .any(|skip| skip.spec == name || skip.spec.split_once('@') == Some((name, version)))
    };
    for (name, versions) in versions {
        let counted: Vec<&str> = versions
            .into_iter()
            .filter(|version| !skipped(name, version))
            .collect();
        if counted.len() > 1 {
            wrong.push(format!(
                "{name} is there in versions {}",
                counted.join(", ")
            ));
        }
    }
    wrong
}

/// Whether an SPDX expression can be met with these licences.
///
/// `OR` and the old `/` need one side, `AND` needs both; `AND` binds tighter.
fn allowed(expression: &str, licenses: &[String]) -> bool {
    let text = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest, licenses) == Some(true) && rest.is_empty()
}

fn either(words: &mut &[&str], licenses: &[String]) -> Option<bool> {
    let mut met = both(words, licenses)?;
    while let Some(("OR", rest)) = words.split_first().map(|(first, rest)| (*first, rest)) {
        *words = rest;
        met |= both(words, licenses)?;
    }
    Some(met)
}

fn both(words: &mut &[&str], licenses: &[String]) -> Option<bool> {
    let mut met = one(words, licenses)?;
    while let Some(("AND", rest)) = words.split_first().map(|(first, rest)| (*first, rest)) {
        *words = rest;
        met &= one(words, licenses)?;
    }
    Some(met)
}

fn one(words: &mut &[&str], licenses: &[String]) -> Option<bool> {
    let (first, rest) = words.split_first()?;
    *words = rest;
    if *first == "(" {
        let met = either(words, licenses)?;
        let (close, rest) = words.split_first()?;
        *words = rest;
        return (*close == ")").then_some(met);
    }
    let mut name = (*first).to_owned();
    if let [with, exception, rest @ ..] = *words
        && *with == "WITH"
    {
        name = format!("{name} WITH {exception}");
        *words = rest;
    }
    Some(licenses.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, license: &str, source: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: Some(license.to_owned()),
            source: Some(source.to_owned()),
            dependencies: Vec::new(),
        }
    }

    fn rules() -> Rules {
        toml::from_str(
            r#"
            [licenses]
            allow = ["MIT", "Apache-2.0 WITH LLVM-exception"]
            [bans]
            multiple-versions = "deny"
            deny = [{ crate = "openssl" }]
            skip = [{ crate = "old@1.0.0", reason = "known" }]
            [sources]
            allow-registry = ["here"]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn expressions() {
        let licenses = rules().licenses.allow;
        for met in [
            "MIT",
            "GPL-3.0 OR MIT",
            "Apache-2.0/MIT",
            "(MIT)",
            "MIT AND (Apache-2.0 WITH LLVM-exception OR GPL-3.0)",
            "GPL-3.0 AND Zlib OR MIT",
        ] {
            assert!(allowed(met, &licenses), "{met}");
        }
        for unmet in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "Apache-2.0",
            "(MIT",
            "MIT MIT",
            "OR MIT",
        ] {
            assert!(!allowed(unmet, &licenses), "{unmet}");
        }
    }

    #[test]
    fn good_packages_pass() {
        let packages = [
            package("a", "1.0.0", "MIT", "registry+here"),
            package("old", "1.0.0", "MIT", "registry+here"),
            package("old", "2.0.0", "MIT", "registry+here"),
        ];
        assert_eq!(violations(&rules(), &packages), Vec::<String>::new());
    }

    #[test]
    fn every_rule_bites() {
        let packages = [
            package("licence", "1.0.0", "GPL-3.0", "registry+here"),
            package("openssl", "1.0.0", "MIT", "registry+here"),
            package("elsewhere", "1.0.0", "MIT", "registry+there"),
            package("git", "1.0.0", "MIT", "git+https://here"),
            package("twice", "1.0.0", "MIT", "registry+here"),
            package("twice", "2.0.0", "MIT", "registry+here"),
        ];
        assert_eq!(
            violations(&rules(), &packages),
            [
                "licence 1.0.0: licence `GPL-3.0` is not allowed",
                "openssl 1.0.0 is banned",
                "elsewhere 1.0.0: source `registry+there` is not allowed",
                "git 1.0.0: source `git+https://here` is not allowed",
                "twice is there in versions 1.0.0, 2.0.0",
            ]
        );
    }
}
