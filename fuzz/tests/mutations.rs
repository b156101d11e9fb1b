//! Drives every target with mutations of its corpus: the same ones every time.
//!
//! This is a smoke test of the targets and of the parsers, where no libFuzzer is
//! at hand. It knows nothing of coverage.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use osier_fuzz::{TARGETS, Target};

/// Inputs per target.
const INPUTS: usize = 20_000;

#[test]
fn control() {
    mutate("control", &requests());
}

#[test]
fn cdn() {
    mutate("cdn", &[]);
}

#[test]
fn oss_target() {
    mutate("oss_target", &requests());
}

#[test]
fn translation() {
    mutate("translation", &[]);
}

#[test]
fn oss_signature() {
    mutate("oss_signature", &requests());
}

#[test]
fn oss_xml() {
    let documents = requests()
        .iter()
        .filter_map(|request| split_at(request, b"\n\n").map(<[u8]>::to_vec))
        .collect::<Vec<_>>();
    mutate("oss_xml", &documents);
}

#[test]
fn range() {
    mutate("range", &[]);
}

#[test]
fn form() {
    mutate("form", &[]);
}

#[test]
fn chunked() {
    mutate("chunked", &[]);
}

#[test]
fn dns_answer() {
    mutate("dns_answer", &[]);
}

#[test]
fn folder_list() {
    mutate("folder_list", &[]);
}

#[test]
fn proxy_protocol() {
    mutate("proxy_protocol", &[]);
}

#[test]
fn url_auth() {
    mutate("url_auth", &[]);
}

#[test]
fn policy() {
    mutate("policy", &[]);
}

#[test]
fn policy_json() {
    mutate("policy_json", &[]);
}

#[test]
fn referer_xml() {
    mutate("referer_xml", &[]);
}

#[test]
fn picture_grammar() {
    mutate("picture_grammar", &[]);
}

#[test]
fn picture_plan() {
    let headed = |text: Vec<u8>| [&b"\0\0\x04\0\x03\x01\x06\x5a\0\0\0\0"[..], &text].concat();
    let plans: Vec<_> = corpus("picture_grammar").into_iter().map(headed).collect();
    mutate("picture_plan", &plans);
}

#[test]
fn picture_source() {
    mutate("picture_source", &[]);
}

#[test]
fn picture_codec() {
    mutate("picture_codec", &[]);
}

#[test]
fn every_target_has_a_corpus() {
    for (name, _) in TARGETS {
        assert!(!corpus(name).is_empty(), "{name}");
    }
}

fn mutate(name: &str, more: &[Vec<u8>]) {
    let (_, target) = TARGETS.iter().find(|(it, _)| *it == name).unwrap();
    let mut seeds = corpus(name);
    seeds.extend_from_slice(more);
    for seed in &seeds {
        run(*target, seed);
    }
    let mut random = Random(name.bytes().map(u64::from).sum());
    for _ in 0..INPUTS {
        let mut input = random.pick(&seeds).clone();
        for _ in 0..=random.below(4) {
            random.mutate(&mut input, &seeds);
        }
        run(*target, &input);
    }
}

fn run(target: Target, input: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
    assert!(
        outcome.is_ok(),
        "the input was b\"{}\"",
        input.escape_ascii()
    );
}

/// The kept inputs of a target.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name),
    )
}

/// The requests of the golden exchanges.
fn requests() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/osier-wire/tests/golden");
    let requests: Vec<_> = files(&folder)
        .into_iter()
        .filter_map(|text| {
            let rest = split_at(&text, b"\n=== op\n")?;
            Some(text[..text.len() - rest.len() - b"\n=== op\n".len()].to_vec())
        })
        .collect();
    assert!(!requests.is_empty());
    requests
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// What follows the first `mark`.
fn split_at<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(mark.len()).position(|part| part == mark)?;
    text.get(at + mark.len()..)
}

/// Words that parsers listen to.
const WORDS: [&[u8]; 64] = [
    b"%",
    b"%00",
    b"%2F",
    b"%2f..",
    b"%zz",
    b"%FF",
    b"+",
    b"&",
    b"=",
    b"?",
    b"/",
    b"//",
    b"..",
    b"/../",
    b"\0",
    b"\r\n",
    b"\n\n",
    b"\n",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    "\u{fffe}".as_bytes(),
    b"<",
    b">",
    b"</",
    b"/>",
    b"<!--",
    b"]]>",
    b"<![CDATA[",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"&b;",
    b"&amp;",
    b"&#0;",
    b"&#x10FFFF;",
    b"&lt;",
    b"xmlns=\"u\"",
    b"uploads",
    b"uploadId=",
    b"partNumber=1",
    b"acl",
    b"versionId=null",
    b"x-oss-process=",
    b"Signature",
    b"Expires=9",
    b"x-oss-date: ",
    b"x-oss-",
    b"x-oss-meta-: ",
    b"host: ",
    b"content-md5: ",
    b"range: bytes=",
    b"0-0",
    b"-",
    b",",
    b"18446744073709551615",
    b"9223372036854775808",
    b"-1",
    b"1e9",
    b"--",
    b"\r\n--xx",
    b"--xx--",
    b"; name=\"file\"",
    b"\"",
    b"\\",
    b"${filename}",
];

/// A generator that is good enough for this, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn span(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 12 };
        from..from + self.below((length - from).min(most) + 1)
    }

    fn mutate(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        match self.below(8) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = u8::try_from(self.below(256)).unwrap(),
            2 => {
                let span = self.span(input.len());
                input.drain(span);
            }
            3 => {
                let span = self.span(input.len());
                let copy = input[span].to_vec();
                input.splice(at..at, copy);
            }
            4 => {
                let other = self.pick(seeds);
                let span = self.span(other.len());
                input.splice(at..at, other[span].to_vec());
            }
            5 => {
                let span = self.span(input.len());
                let word = self.pick(&WORDS).to_vec();
                input.splice(span, word);
            }
            6 if self.below(8) == 0 => {
                let piece = self.pick(&WORDS).repeat(1 + self.below(3000));
                input.splice(at..at, piece);
            }
            _ => {
                let word = self.pick(&WORDS).to_vec();
                input.splice(at..at, word);
            }
        }
        input.truncate(1 << 16);
    }
}
