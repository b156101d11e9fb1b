//! The semantics of every operation, over the engine in memory.

mod access;
mod appends;
mod audits;
mod buckets;
mod conditions;
mod copies;
mod encryption;
mod faults;
mod kit;
mod lists;
mod locks;
mod model;
mod multipart;
mod objects;
mod races;
mod versions;
