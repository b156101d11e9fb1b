//! What purges reach. Every kept answer has a number from one sequence, and every purge too;
//! an answer counts only while no purge that reaches it is younger. A purge costs the same
//! whether it reaches one answer or ten million: nothing is searched for. Paths and queries
//! that differ by percent-encoding only are the same to purges.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use osier_types::percent_decode;
use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::spelling;

/// When an answer was kept, in the order of answers and purges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Born(u64);

impl Born {
    /// From a number that an earlier process wrote down.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// For writing down.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// How an answer stands with purges: when it was born, and which purges were seen not to
/// reach it, so that a hit compares one number.
#[derive(Debug)]
pub struct Standing {
    born: Born,
    passed: AtomicU64,
}

impl Standing {
    /// Of an answer about which nothing was asked yet.
    pub fn new(born: Born) -> Self {
        Self {
            born,
            passed: AtomicU64::new(born.0),
        }
    }

    /// When it was kept.
    pub fn born(&self) -> Born {
        self.born
    }
}

/// What a purge names.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Everything.
    Everything,
    /// All of a site.
    Site(&'a str),
    /// A path of a site, with any query.
    Path(&'a str, &'a str),
    /// A path of a site with this query, as names of answers have it.
    Address(&'a str, &'a str, &'a str),
    /// A directory of a site and what lies below it.
    Directory(&'a str, &'a str),
    /// Answers with this tag, of any site.
    Tag(&'a str),
    /// Answers of a site whose path, with `?` and the query where there is one, is matched.
    Pattern(&'a str, &'a Pattern),
}

/// A regular expression that a purge names. Matching takes time in proportion to the text.
#[derive(Clone, Debug)]
pub struct Pattern {
    given: Regex,
    /// The same in the spelling that texts are given; nothing where that is no other.
    spelt: Option<Regex>,
}

/// The text is no regular expression, or too large a one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a regular expression: {0}")]
pub struct InvalidPattern(String);

impl Pattern {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(InvalidPattern(format!(
                "longer than {PATTERN_BYTES_MAX} bytes"
            )));
        }
        let build = |text: &str| {
            RegexBuilder::new(text)
                .size_limit(PATTERN_PROGRAM_BYTES_MAX)
                .build()
                .map_err(|error| InvalidPattern(error.to_string()))
        };
        Ok(Self {
            given: build(text)?,
            spelt: spelling::of_pattern(text)
                .map(|text| build(&text))
                .transpose()?,
        })
    }

    /// Whether it matches an address in any spelling: which it is for can't be told.
    fn is_match(&self, sent: &str, spelt: &str, decoded: &str) -> bool {
        self.given.is_match(sent)
            || (sent != spelt && self.given.is_match(spelt))
            || (sent != decoded && self.given.is_match(decoded))
            || (self.spelt.as_ref()).is_some_and(|pattern| pattern.is_match(spelt))
    }

    /// What stands in the place of a text that it matches: `to`, with `$1` for what the first
    /// parenthesis matched.
    pub fn replaced(&self, text: &str, to: &str) -> Option<String> {
        let found = self.given.captures(text)?;
        let mut replaced = String::with_capacity(to.len());
        let mut rest = to.chars().peekable();
        while let Some(c) = rest.next() {
            let nth = match rest.peek() {
                Some(digit) if c == '$' => digit.to_digit(10),
                _ => None,
            };
            match nth.and_then(|nth| usize::try_from(nth).ok()) {
                Some(nth) => {
                    rest.next();
                    replaced.push_str(found.get(nth).map_or("", |part| part.as_str()));
                }
                None => replaced.push(c),
            }
        }
        Some(replaced)
    }
}

/// A purge, for writing down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeRecord {
    /// Its place in the order of answers and purges.
    pub at: u64,
    /// What it named.
    pub scope: PurgedScope,
}

/// A [`Scope`] that owns its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PurgedScope {
    /// See [`Scope::Everything`].
    Everything,
    /// See [`Scope::Site`].
    Site(String),
    /// See [`Scope::Path`].
    Path(String, String),
    /// See [`Scope::Address`]; path and query are one text.
    Address(String, String),
    /// See [`Scope::Directory`].
    Directory(String, String),
    /// See [`Scope::Tag`].
    Tag(String),
    /// See [`Scope::Pattern`].
    Pattern(String, String),
}

/// What a purge may reach: an answer's names.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Of its site.
    pub site: &'a str,
    /// As sent.
    pub path: &'a str,
    /// As names of answers have it; empty without one.
    pub query: &'a str,
    /// Its tags.
    pub tags: &'a [Box<str>],
}

/// All purges so far. Shared by all threads.
#[derive(Debug)]
pub struct Purges {
    sequence: AtomicU64,
    /// The youngest purge of any kind: answers younger than it need no further look.
    latest: AtomicU64,
    epochs: RwLock<Epochs>,
    names_max: usize,
}

#[derive(Debug, Default)]
struct Epochs {
    everything: u64,
    sites: HashMap<String, SiteEpochs>,
    tags: HashMap<String, u64>,
    names: usize,
}

#[derive(Debug, Default)]
struct SiteEpochs {
    all: u64,
    paths: HashMap<String, u64>,
    /// Path and query.
    addresses: HashMap<String, u64>,
    directories: HashMap<String, u64>,
    patterns: Vec<(Pattern, u64)>,
}

impl Purges {
    /// None so far. When more than `names_max` paths, directories, tags and patterns are known,
    /// they are forgotten for one purge of everything: too much is purged then, never too little.
    pub fn new(names_max: usize) -> Self {
        Self {
            sequence: AtomicU64::new(1),
            latest: AtomicU64::new(0),
            epochs: RwLock::default(),
            names_max,
        }
    }

    /// The number for an answer whose fetch begins now. An answer is as old as the request
    /// that fetched it: what the origin said before a purge does not outlive it.
    pub fn born(&self) -> Born {
        Born(self.sequence.fetch_add(1, Ordering::SeqCst))
    }

    /// Purges, and tells what to write down. When this returns, no answer fetched before
    /// counts any more.
    pub fn purge(&self, scope: Scope<'_>) -> PurgeRecord {
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        let at = self.sequence.fetch_add(1, Ordering::SeqCst);
        epochs.note(scope, at);
        let mut scope = PurgedScope::from(scope);
        if epochs.names > self.names_max {
            epochs.note(Scope::Everything, at);
            scope = PurgedScope::Everything;
        }
        self.latest.store(at, Ordering::SeqCst);
        PurgeRecord { at, scope }
    }

    /// Takes up what an earlier process wrote down: its purges, and the largest number of its
    /// answers. What can't be understood any more becomes a purge of everything.
    pub fn restore(&self, records: &[PurgeRecord], youngest: u64) {
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        let mut last = youngest;
        for record in records {
            last = last.max(record.at);
            record.scope.with(|scope| epochs.note(scope, record.at));
        }
        self.sequence
            .fetch_max(last.saturating_add(1), Ordering::SeqCst);
        let latest = records.iter().map(|record| record.at).max();
        self.latest.fetch_max(latest.unwrap_or(0), Ordering::SeqCst);
    }

    /// All that still counts, in order, for writing down.
    pub fn records(&self) -> Vec<PurgeRecord> {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        let mut records = epochs.records();
        records.sort_by_key(|record| record.at);
        records
    }

    /// Whether a purge reaches an answer that was born then.
    pub fn reaches(&self, born: Born, subject: &Subject<'_>) -> bool {
        if self.latest.load(Ordering::SeqCst) < born.0 {
            return false;
        }
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        epochs.reach(born.0, subject)
    }

    /// Whether a kept answer was looked at since the youngest purge.
    pub fn has_passed(&self, standing: &Standing) -> bool {
        self.latest.load(Ordering::SeqCst) <= standing.passed.load(Ordering::Relaxed)
    }

    /// The same for a kept answer, which remembers that it was looked at.
    pub fn reaches_kept(&self, standing: &Standing, subject: &Subject<'_>) -> bool {
        let latest = self.latest.load(Ordering::SeqCst);
        if latest <= standing.passed.load(Ordering::Relaxed) {
            return false;
        }
        let reached = self.reaches(standing.born, subject);
        if !reached {
            standing.passed.fetch_max(latest, Ordering::Relaxed);
        }
        reached
    }
}

impl Epochs {
    fn note(&mut self, scope: Scope<'_>, now: u64) {
        let is_new = match scope {
            Scope::Everything => {
                *self = Self {
                    everything: now,
                    ..Self::default()
                };
                false
            }
            Scope::Site(site) => {
                let old = self.sites.insert(
                    site.to_owned(),
                    SiteEpochs {
                        all: now,
                        ..SiteEpochs::default()
                    },
                );
                let forgotten = old.map_or(0, |old| old.names());
                self.names = self.names.saturating_sub(forgotten);
                false
            }
            Scope::Path(site, path) => {
                let paths = &mut self.site(site).paths;
                paths
                    .insert(spelling::of_path(path).into_owned(), now)
                    .is_none()
            }
            Scope::Address(site, path, query) => {
                let addresses = &mut self.site(site).addresses;
                addresses
                    .insert(address(path, query).into_owned(), now)
                    .is_none()
            }
            Scope::Directory(site, directory) => {
                let directories = &mut self.site(site).directories;
                let directory = spelling::of_path(directory.trim_end_matches('/'));
                directories.insert(directory.into_owned(), now).is_none()
            }
            Scope::Tag(tag) => self.tags.insert(tag.to_owned(), now).is_none(),
            Scope::Pattern(name, pattern) => {
                let site = self.site(name);
                let same =
                    |(known, _): &(Pattern, u64)| known.given.as_str() == pattern.given.as_str();
                site.patterns.retain(|known| !same(known));
                site.patterns.push((pattern.clone(), now));
                if site.patterns.len() > PATTERNS_MAX {
                    // Each is tried at hits of older answers: one purge of the site costs less.
                    self.note(Scope::Site(name), now);
                    return;
                }
                true
            }
        };
        self.names += usize::from(is_new);
    }

    fn site(&mut self, name: &str) -> &mut SiteEpochs {
        self.sites.entry(name.to_owned()).or_default()
    }

    fn reach(&self, born: u64, subject: &Subject<'_>) -> bool {
        if self.everything > born {
            return true;
        }
        let by_tag = || subject.tags.iter().filter_map(|tag| self.tags.get(&**tag));
        if !self.tags.is_empty() && by_tag().any(|epoch| *epoch > born) {
            return true;
        }
        let site = self.sites.get(subject.site);
        site.is_some_and(|site| site.reach(born, subject))
    }

    fn records(&self) -> Vec<PurgeRecord> {
        let mut records = Vec::new();
        let mut add = |at: u64, scope: PurgedScope| {
            if at > 0 {
                records.push(PurgeRecord { at, scope });
            }
        };
        add(self.everything, PurgedScope::Everything);
        for (tag, at) in &self.tags {
            add(*at, PurgedScope::Tag(tag.clone()));
        }
        for (name, site) in &self.sites {
            let of = |text: &String| (name.clone(), text.clone());
            add(site.all, PurgedScope::Site(name.clone()));
            for (path, at) in &site.paths {
                let (site, path) = of(path);
                add(*at, PurgedScope::Path(site, path));
            }
            for (address, at) in &site.addresses {
                let (site, address) = of(address);
                add(*at, PurgedScope::Address(site, address));
            }
            for (directory, at) in &site.directories {
                let (site, directory) = of(directory);
                add(*at, PurgedScope::Directory(site, directory));
            }
            for (pattern, at) in &site.patterns {
                let pattern = pattern.given.as_str().to_owned();
                add(*at, PurgedScope::Pattern(name.clone(), pattern));
            }
        }
        records
    }
}

impl SiteEpochs {
    fn names(&self) -> usize {
        self.paths.len() + self.addresses.len() + self.directories.len() + self.patterns.len()
    }

    fn reach(&self, born: u64, subject: &Subject<'_>) -> bool {
        let young = |epoch: Option<&u64>| epoch.is_some_and(|epoch| *epoch > born);
        let path = spelling::of_path(subject.path);
        if self.all > born || young(self.paths.get(&*path)) {
            return true;
        }
        if !self.addresses.is_empty()
            && young(self.addresses.get(&*address(subject.path, subject.query)))
        {
            return true;
        }
        if !self.directories.is_empty() {
            let mut directory = &*path;
            loop {
                if young(self.directories.get(directory)) {
                    return true;
                }
                match directory.rsplit_once('/') {
                    Some((parent, _)) => directory = parent,
                    None => break,
                }
            }
        }
        let younger = || self.patterns.iter().filter(|(_, epoch)| *epoch > born);
        if younger().next().is_none() {
            return false;
        }
        let sent = joined(subject.path, subject.query);
        let spelt = address(subject.path, subject.query);
        let decoded = percent_decode(sent.as_bytes());
        let decoded = String::from_utf8_lossy(&decoded);
        younger().any(|(pattern, _)| pattern.is_match(&sent, &spelt, &decoded))
    }
}

impl From<Scope<'_>> for PurgedScope {
    fn from(scope: Scope<'_>) -> Self {
        match scope {
            Scope::Everything => Self::Everything,
            Scope::Site(site) => Self::Site(site.to_owned()),
            Scope::Path(site, path) => Self::Path(site.to_owned(), path.to_owned()),
            Scope::Address(site, path, query) => {
                Self::Address(site.to_owned(), address(path, query).into_owned())
            }
            Scope::Directory(site, path) => {
                Self::Directory(site.to_owned(), path.trim_end_matches('/').to_owned())
            }
            Scope::Tag(tag) => Self::Tag(tag.to_owned()),
            Scope::Pattern(site, pattern) => {
                Self::Pattern(site.to_owned(), pattern.given.as_str().to_owned())
            }
        }
    }
}

impl PurgedScope {
    /// Hands on the scope; one whose pattern can't be read any more is all of its site.
    pub fn with<T>(&self, use_scope: impl FnOnce(Scope<'_>) -> T) -> T {
        match self {
            Self::Everything => use_scope(Scope::Everything),
            Self::Site(site) => use_scope(Scope::Site(site)),
            Self::Path(site, path) => use_scope(Scope::Path(site, path)),
            Self::Address(site, address) => {
                let (path, query) = address.split_once('?').unwrap_or((address, ""));
                use_scope(Scope::Address(site, path, query))
            }
            Self::Directory(site, path) => use_scope(Scope::Directory(site, path)),
            Self::Tag(tag) => use_scope(Scope::Tag(tag)),
            Self::Pattern(site, pattern) => match Pattern::parse(pattern) {
                Ok(pattern) => use_scope(Scope::Pattern(site, &pattern)),
                Err(_) => use_scope(Scope::Site(site)),
            },
        }
    }
}

/// Path and query in one text and one spelling.
fn address<'t>(path: &'t str, query: &'t str) -> Cow<'t, str> {
    joined_cows(spelling::of_path(path), &spelling::of_query(query))
}

/// Path and query in one text.
fn joined<'t>(path: &'t str, query: &str) -> Cow<'t, str> {
    joined_cows(Cow::Borrowed(path), query)
}

fn joined_cows<'t>(path: Cow<'t, str>, query: &str) -> Cow<'t, str> {
    if query.is_empty() {
        path
    } else {
        Cow::Owned(format!("{path}?{query}"))
    }
}

const PATTERN_BYTES_MAX: usize = 1024;
const PATTERN_PROGRAM_BYTES_MAX: usize = 1 << 18;
/// Patterns of a site that are remembered one by one.
const PATTERNS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reached(purges: &Purges, born: Born, site: &str, path: &str) -> bool {
        let subject = Subject {
            site,
            path,
            query: "q=1",
            tags: &["t".into()],
        };
        purges.reaches(born, &subject)
    }

    #[test]
    fn a_purge_reaches_what_was_fetched_before_it_and_no_more() {
        let pattern = Pattern::parse(r"^/a/.*\.jpg\?q=").unwrap();
        for (scope, path) in [
            (Scope::Everything, "/x"),
            (Scope::Site("s"), "/x"),
            (Scope::Path("s", "/a/b.jpg"), "/a/b.jpg"),
            (Scope::Address("s", "/a/b.jpg", "q=1"), "/a/b.jpg"),
            (Scope::Directory("s", "/a/"), "/a/b/c.jpg"),
            (Scope::Directory("s", "/"), "/a"),
            (Scope::Tag("t"), "/a"),
            (Scope::Pattern("s", &pattern), "/a/b/c.jpg"),
        ] {
            let purges = Purges::new(100);
            let old = purges.born();
            assert!(!reached(&purges, old, "s", path));
            let record = purges.purge(scope);
            assert!(reached(&purges, old, "s", path), "{scope:?}");
            let young = purges.born();
            assert!(!reached(&purges, young, "s", path), "{scope:?}");
            assert_eq!(purges.records(), std::slice::from_ref(&record));

            let text = serde_json::to_string(&record).unwrap();
            let next = Purges::new(100);
            next.restore(&[serde_json::from_str(&text).unwrap()], young.number());
            assert!(reached(&next, old, "s", path), "{scope:?} after a restart");
            assert!(!reached(&next, young, "s", path));
            assert!(next.born() > young);
        }
    }

    /// Whoever purges may spell a path otherwise than those who asked for it.
    #[test]
    fn a_purge_reaches_every_spelling() {
        const SPELT: [&str; 3] = [
            "/a-b/你.jpg",
            "/a%2Db/%E4%BD%A0.jpg",
            "/%61-b/%e4%bd%a0%2ejpg",
        ];
        let patterns = ["^/a-b/你", "^/a%2db/%e4%bd%a0%2e[a-z]+", r"0\.jpg|你\.jpg"];
        let patterns = patterns.map(|pattern| Pattern::parse(pattern).unwrap());
        let mut scopes: Vec<Scope<'_>> = SPELT
            .iter()
            .flat_map(|path| [Scope::Path("s", path), Scope::Address("s", path, "%71=1")])
            .collect();
        scopes.extend(["/a-b/", "/a%2db", "/%61-b/"].map(|path| Scope::Directory("s", path)));
        scopes.extend(patterns.iter().map(|pattern| Scope::Pattern("s", pattern)));
        for scope in scopes {
            let purges = Purges::new(100);
            let old = purges.born();
            let record = purges.purge(scope);
            let next = Purges::new(100);
            next.restore(&[record], old.number());
            for path in SPELT {
                assert!(reached(&purges, old, "s", path), "{scope:?} {path}");
                assert!(reached(&next, old, "s", path), "{scope:?} {path} later");
            }
            for other in ["/a%2Db%2F%E4%BD%A0.jpg", "/a%252Db/%E4%BD%A0.JPG"] {
                let by_regex = matches!(scope, Scope::Pattern(..));
                assert!(by_regex || !reached(&purges, old, "s", other), "{scope:?}");
            }
        }
    }

    #[test]
    fn neighbours_stay() {
        let purges = Purges::new(100);
        let old = purges.born();
        purges.purge(Scope::Directory("s", "/a/"));
        purges.purge(Scope::Path("s", "/b"));
        purges.purge(Scope::Address("s", "/c", "q=2"));
        purges.purge(Scope::Tag("u"));
        purges.purge(Scope::Pattern("s", &Pattern::parse("^/z").unwrap()));
        for (site, path) in [
            ("s", "/ab"),
            ("s", "/b/"),
            ("s", "/b2"),
            ("s", "/c"),
            ("r", "/a/x"),
        ] {
            assert!(!reached(&purges, old, site, path), "{site}{path}");
        }
    }

    #[test]
    fn a_kept_answer_is_looked_at_once_for_each_purge() {
        let purges = Purges::new(100);
        let standing = Standing::new(purges.born());
        let subject = Subject {
            site: "s",
            path: "/a",
            query: "",
            tags: &[],
        };
        let other = purges.purge(Scope::Path("s", "/b"));
        assert!(!purges.reaches_kept(&standing, &subject));
        assert_eq!(standing.passed.load(Ordering::Relaxed), other.at);
        purges.purge(Scope::Path("s", "/a"));
        for _ in 0..2 {
            assert!(purges.reaches_kept(&standing, &subject));
        }
    }

    #[test]
    fn too_many_names_become_one_purge_of_everything() {
        let purges = Purges::new(3);
        let old = purges.born();
        for path in ["/1", "/2", "/3"] {
            purges.purge(Scope::Path("s", path));
        }
        assert!(!reached(&purges, old, "s", "/x"));
        let record = purges.purge(Scope::Path("s", "/4"));
        assert!(reached(&purges, old, "s", "/x"));
        assert_eq!(record.scope, PurgedScope::Everything);
        assert_eq!(purges.records(), [record]);
    }

    #[test]
    fn too_many_patterns_become_one_purge_of_their_site() {
        let purges = Purges::new(1000);
        let old = purges.born();
        for number in 0..=PATTERNS_MAX {
            let pattern = Pattern::parse(&format!("never{number}")).unwrap();
            purges.purge(Scope::Pattern("s", &pattern));
        }
        assert!(reached(&purges, old, "s", "/x"));
        assert!(!reached(&purges, old, "r", "/x"));
    }

    #[test]
    fn patterns_are_bounded() {
        assert!(Pattern::parse("(").is_err());
        assert!(Pattern::parse(&"a".repeat(PATTERN_BYTES_MAX + 1)).is_err());
        assert!(Pattern::parse("(a{1000}){1000}").is_err());
    }

    proptest! {
        /// Against the slow way: every purge is asked about every answer.
        #[test]
        fn agrees_with_asking_every_purge(
            steps in prop::collection::vec((0..3_usize, 0..3_usize, 0..6_usize), 1..40)
        ) {
            const PATHS: [&str; 3] = ["/a", "/a/b", "/c/a/b"];
            const DIRECTORIES: [&str; 3] = ["/a/", "/c/", "/c/a"];
            const SITES: [&str; 3] = ["s", "t", "u"];
            let purges = Purges::new(1000);
            let mut kept: Vec<(Born, &str, &str)> = Vec::new();
            let mut gone: Vec<bool> = Vec::new();
            for (site, path, step) in steps {
                let (site, path, directory) = (SITES[site], PATHS[path], DIRECTORIES[path]);
                let hit = |s: &str, p: &str| match step {
                    0 => true,
                    1 => s == site,
                    2 => s == site && p == path,
                    3 => {
                        let inside = format!("{}/", directory.trim_end_matches('/'));
                        s == site && (p.starts_with(&inside) || p == directory.trim_end_matches('/'))
                    }
                    _ => false,
                };
                match step {
                    0 => drop(purges.purge(Scope::Everything)),
                    1 => drop(purges.purge(Scope::Site(site))),
                    2 => drop(purges.purge(Scope::Path(site, path))),
                    3 => drop(purges.purge(Scope::Directory(site, directory))),
                    _ => {
                        kept.push((purges.born(), site, path));
                        gone.push(false);
                    }
                }
                for ((_, s, p), gone) in kept.iter().zip(&mut gone) {
                    *gone = *gone || hit(s, p);
                }
                for ((born, s, p), gone) in kept.iter().zip(&gone) {
                    prop_assert_eq!(reached(&purges, *born, s, p), *gone);
                }
            }
        }
    }
}
