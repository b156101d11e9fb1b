//! Byte ranges: what a client asks for and what it gets.

/// One `Range` header that could be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeSpec {
    /// `bytes=first-last`, both inclusive.
    FromTo(u64, u64),
    /// `bytes=first-`.
    From(u64),
    /// `bytes=-length`: that many bytes at the end.
    Last(u64),
}

/// A `Range` header and how to treat one that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeRequest {
    /// What was asked for.
    pub spec: RangeSpec,
    /// `x-oss-range-behavior: standard`: clip and refuse as RFC 9110 says.
    /// Without it OSS answers a range that does not lie in the object with all of it.
    pub standard: bool,
}

/// A half-open run of bytes, `start..end`, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl ByteRange {
    /// How many bytes.
    pub const fn length(self) -> u64 {
        self.end - self.start
    }
}

/// What a range request means for one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolvedRange {
    /// Answer 200 with everything.
    Whole,
    /// Answer 206 with these bytes.
    Part(ByteRange),
    /// Answer 416.
    Unsatisfiable,
}

impl RangeRequest {
    /// What this request means for an object of `length` bytes.
    pub fn resolve(self, length: u64) -> ResolvedRange {
        let fits = |range: ByteRange| range.start < range.end && range.end <= length;
        let asked = match self.spec {
            RangeSpec::FromTo(first, last) if last < first => return ResolvedRange::Whole,
            RangeSpec::FromTo(first, last) => ByteRange {
                start: first,
                end: last.saturating_add(1),
            },
            RangeSpec::From(first) => ByteRange {
                start: first,
                end: length.max(first),
            },
            RangeSpec::Last(count) if count > length && !self.standard => {
                return ResolvedRange::Whole;
            }
            RangeSpec::Last(count) => ByteRange {
                start: length.saturating_sub(count),
                end: length,
            },
        };
        if fits(asked) {
            return ResolvedRange::Part(asked);
        }
        if !self.standard {
            return ResolvedRange::Whole;
        }
        let clipped = ByteRange {
            end: asked.end.min(length),
            ..asked
        };
        if fits(clipped) {
            ResolvedRange::Part(clipped)
        } else {
            ResolvedRange::Unsatisfiable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(spec: RangeSpec, standard: bool, length: u64) -> ResolvedRange {
        RangeRequest { spec, standard }.resolve(length)
    }

    fn part(start: u64, end: u64) -> ResolvedRange {
        ResolvedRange::Part(ByteRange { start, end })
    }

    /// The table of the range documentation, for an object of 1,000 bytes.
    #[test]
    fn documented_table() {
        use RangeSpec::{From, FromTo, Last};
        for standard in [false, true] {
            assert_eq!(resolve(FromTo(0, 499), standard, 1000), part(0, 500));
            assert_eq!(resolve(From(500), standard, 1000), part(500, 1000));
            assert_eq!(resolve(Last(500), standard, 1000), part(500, 1000));
            assert_eq!(resolve(FromTo(5, 4), standard, 1000), ResolvedRange::Whole);
        }
        for spec in [
            FromTo(500, 2000),
            FromTo(1000, 2000),
            From(1000),
            Last(2000),
            Last(0),
        ] {
            assert_eq!(resolve(spec, false, 1000), ResolvedRange::Whole, "{spec:?}");
        }
        assert_eq!(resolve(FromTo(500, 2000), true, 1000), part(500, 1000));
        assert_eq!(
            resolve(FromTo(1000, 2000), true, 1000),
            ResolvedRange::Unsatisfiable
        );
        assert_eq!(
            resolve(From(1000), true, 1000),
            ResolvedRange::Unsatisfiable
        );
        assert_eq!(resolve(Last(2000), true, 1000), part(0, 1000));
        assert_eq!(resolve(Last(0), true, 1000), ResolvedRange::Unsatisfiable);
    }

    #[test]
    fn extremes_do_not_overflow() {
        for spec in [
            RangeSpec::FromTo(0, u64::MAX),
            RangeSpec::From(u64::MAX),
            RangeSpec::Last(u64::MAX),
        ] {
            for standard in [false, true] {
                for length in [0, 1, u64::MAX] {
                    if let ResolvedRange::Part(range) = resolve(spec, standard, length) {
                        assert!(range.start < range.end && range.end <= length);
                    }
                }
            }
        }
    }
}
