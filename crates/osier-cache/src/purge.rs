//! What purges reach. Every kept answer has a number from one sequence, and every purge too;
//! an answer counts only while no purge that reaches it is younger. A purge costs the same
//! whether it reaches one answer or ten million: nothing is searched for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// When an answer was kept, in the order of answers and purges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Born(u64);

/// What a purge names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Everything.
    Everything,
    /// All of a site.
    Site(&'a str),
    /// One path of a site, with any query.
    Path(&'a str, &'a str),
    /// A directory of a site and what lies below it.
    Directory(&'a str, &'a str),
    /// Answers with this tag, of any site.
    Tag(&'a str),
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
    directories: HashMap<String, u64>,
}

impl Purges {
    /// None so far. When more than `names_max` paths, directories and tags are known, they
    /// are forgotten for one purge of everything: too much is purged then, never too little.
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

    /// Purges. When this returns, no answer fetched before counts any more.
    pub fn purge(&self, scope: Scope<'_>) {
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        let now = self.sequence.fetch_add(1, Ordering::SeqCst);
        epochs.note(scope, now);
        if epochs.names > self.names_max {
            *epochs = Epochs {
                everything: now,
                ..Epochs::default()
            };
        }
        self.latest.store(now, Ordering::SeqCst);
    }

    /// Whether a purge reaches an answer.
    pub fn reaches<'a>(
        &self,
        born: Born,
        site: &str,
        path: &str,
        tags: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        if self.latest.load(Ordering::SeqCst) < born.0 {
            return false;
        }
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        epochs.youngest(site, path, tags) > born.0
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
                let forgotten = old.map_or(0, |old| old.paths.len() + old.directories.len());
                self.names = self.names.saturating_sub(forgotten);
                false
            }
            Scope::Path(site, path) => {
                let paths = &mut self.sites.entry(site.to_owned()).or_default().paths;
                paths.insert(path.to_owned(), now).is_none()
            }
            Scope::Directory(site, directory) => {
                let directories = &mut self.sites.entry(site.to_owned()).or_default().directories;
                let directory = directory.trim_end_matches('/').to_owned();
                directories.insert(directory, now).is_none()
            }
            Scope::Tag(tag) => self.tags.insert(tag.to_owned(), now).is_none(),
        };
        self.names += usize::from(is_new);
    }

    fn youngest<'a>(&self, site: &str, path: &str, tags: impl IntoIterator<Item = &'a str>) -> u64 {
        let mut youngest = self.everything;
        if let Some(site) = self.sites.get(site) {
            youngest = youngest.max(site.youngest(path));
        }
        if !self.tags.is_empty() {
            let of_tags = tags.into_iter().filter_map(|tag| self.tags.get(tag));
            youngest = of_tags.copied().fold(youngest, u64::max);
        }
        youngest
    }
}

impl SiteEpochs {
    fn youngest(&self, path: &str) -> u64 {
        let mut youngest = self.all;
        if let Some(epoch) = self.paths.get(path) {
            youngest = youngest.max(*epoch);
        }
        if !self.directories.is_empty() {
            let mut directory = path;
            loop {
                if let Some(epoch) = self.directories.get(directory) {
                    youngest = youngest.max(*epoch);
                }
                match directory.rsplit_once('/') {
                    Some((parent, _)) => directory = parent,
                    None => break,
                }
            }
        }
        youngest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reached(purges: &Purges, born: Born, site: &str, path: &str) -> bool {
        purges.reaches(born, site, path, ["t"])
    }

    #[test]
    fn a_purge_reaches_what_was_fetched_before_it_and_no_more() {
        for (scope, path) in [
            (Scope::Everything, "/x"),
            (Scope::Site("s"), "/x"),
            (Scope::Path("s", "/a/b.jpg"), "/a/b.jpg"),
            (Scope::Directory("s", "/a/"), "/a/b/c.jpg"),
            (Scope::Directory("s", "/"), "/a"),
            (Scope::Tag("t"), "/a"),
        ] {
            let purges = Purges::new(100);
            let old = purges.born();
            assert!(!reached(&purges, old, "s", path));
            purges.purge(scope);
            assert!(reached(&purges, old, "s", path), "{scope:?}");
            assert!(!reached(&purges, purges.born(), "s", path), "{scope:?}");
        }
    }

    #[test]
    fn neighbours_stay() {
        let purges = Purges::new(100);
        let old = purges.born();
        purges.purge(Scope::Directory("s", "/a/"));
        purges.purge(Scope::Path("s", "/b"));
        purges.purge(Scope::Tag("u"));
        for (site, path) in [("s", "/ab"), ("s", "/b/"), ("s", "/b2"), ("r", "/a/x")] {
            assert!(!reached(&purges, old, site, path), "{site}{path}");
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
        purges.purge(Scope::Path("s", "/4"));
        assert!(reached(&purges, old, "s", "/x"));
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
                    0 => purges.purge(Scope::Everything),
                    1 => purges.purge(Scope::Site(site)),
                    2 => purges.purge(Scope::Path(site, path)),
                    3 => purges.purge(Scope::Directory(site, directory)),
                    _ => {
                        kept.push((purges.born(), site, path));
                        gone.push(false);
                    }
                }
                for ((_, s, p), gone) in kept.iter().zip(&mut gone) {
                    *gone = *gone || hit(s, p);
                }
                for ((born, s, p), gone) in kept.iter().zip(&gone) {
                    prop_assert_eq!(purges.reaches(*born, s, p, []), *gone);
                }
            }
        }
    }
}
