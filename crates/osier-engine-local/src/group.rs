//! A group of batches on its way to disk: each is judged against the database and
//! what the batches before it in the group change.
//!
//! Judging changes nothing but the overlay here; one write makes all of it true.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use bytes::Bytes;
use osier_engine::{Batch, COUNTERS, EngineError, Expect, Family, TableId};
use rocksdb::WriteBatch;

use crate::core::Core;
use crate::failure::unavailable;
use crate::liveness::Unlinked;
use crate::meta::{
    Meta, OwnChange, Space, counters_key, decode_counters, encode_counters, garbage_key,
    reference_key, row_key,
};

/// What an entry of a write takes beside its key and value, at most.
const ENTRY_BYTES: usize = 16;
/// Bytes of one value at most.
pub(crate) const VALUE_BYTES_MAX: usize = 16 << 20;

/// The overlay of a group.
pub(crate) struct Group<'a> {
    core: &'a Core,
    meta: &'a Meta,
    rows: HashMap<Bytes, Option<Bytes>>,
    references: BTreeMap<(u64, u64), bool>,
    garbage: BTreeMap<u64, i64>,
    counters: HashMap<TableId, [i64; COUNTERS]>,
    own: Vec<OwnChange>,
    linking: Vec<(u64, Unlinked)>,
    batches: u64,
}

impl<'a> Group<'a> {
    pub(crate) fn new(core: &'a Core, meta: &'a Meta) -> Self {
        Self {
            core,
            meta,
            rows: HashMap::new(),
            references: BTreeMap::new(),
            garbage: BTreeMap::new(),
            counters: HashMap::new(),
            own: Vec::new(),
            linking: Vec::new(),
            batches: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batches == 0
    }

    /// How many batches were accepted.
    pub(crate) fn batches(&self) -> u64 {
        self.batches
    }

    /// Judges a batch and, if it holds, adds it.
    pub(crate) fn add(
        &mut self,
        table: TableId,
        batch: Batch,
        free_bytes: u64,
    ) -> Result<(), EngineError> {
        if !self.core.has_table(table) {
            return Err(EngineError::NoTable);
        }
        if batch.counters.iter().any(|(index, _)| *index >= COUNTERS) {
            return Err(unavailable("no such counter"));
        }
        if batch
            .puts
            .iter()
            .any(|(_, _, value)| value.len() > VALUE_BYTES_MAX)
        {
            return Err(unavailable("a value is longer than the engine can take"));
        }
        for (index, check) in batch.checks.iter().enumerate() {
            let row = self.row(table, check.family, &check.key)?;
            let holds = match &check.expect {
                Expect::Absent => row.is_none(),
                Expect::Exists => row.is_some(),
                Expect::Equals(value) => row.as_ref() == Some(value),
            };
            if !holds {
                return Err(EngineError::Conflict { index });
            }
        }
        self.check_space(&batch, free_bytes)?;
        let held = self.linking.len();
        self.hold_links(&batch)?;
        if let Err(error) = self.apply(table, batch) {
            for (blob, before) in self.linking.drain(held..) {
                self.core.liveness.undo_link(blob, before);
            }
            return Err(error);
        }
        self.batches += 1;
        Ok(())
    }

    pub(crate) fn add_own(&mut self, changes: Vec<OwnChange>) {
        self.own.extend(changes);
        self.batches += 1;
    }

    /// Writes everything and waits for the disk.
    pub(crate) fn write(self) -> Result<(), WriteFailure> {
        let mut batch = WriteBatch::with_capacity_bytes(self.bytes());
        if let Err(error) = self.fill(&mut batch) {
            self.undo();
            return Err(WriteFailure::Before(error));
        }
        let kept: Vec<bool> = self
            .rows
            .keys()
            .map(|key| self.core.rows.begin_change(key))
            .collect();
        let written = self.meta.write(batch);
        for ((key, value), was_kept) in self.rows.iter().zip(kept) {
            // A copy: the caller's bytes may be a small part of something large.
            let value = value
                .as_ref()
                .filter(|_| was_kept && written.is_ok())
                .map(|value| Bytes::copy_from_slice(value));
            self.core.rows.end_change(key.clone(), value.as_ref());
        }
        match written {
            Ok(()) => {
                for (blob, _) in &self.linking {
                    self.core.liveness.remove(*blob);
                }
                Ok(())
            }
            Err(error) => {
                // Perhaps it is on disk after all: until that is known the blobs stay.
                let blobs = self.linking.iter().map(|(blob, _)| *blob);
                let uncertain = self.core.uncertain.lock();
                uncertain
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(blobs);
                Err(WriteFailure::During(error))
            }
        }
    }

    /// Lets go of the blobs that were to be linked.
    fn undo(&self) {
        for (blob, before) in &self.linking {
            self.core.liveness.undo_link(*blob, *before);
        }
    }

    /// About how many bytes the write takes.
    fn bytes(&self) -> usize {
        let row = |(key, value): (&Bytes, &Option<Bytes>)| {
            ENTRY_BYTES + key.len() + value.as_ref().map_or(0, Bytes::len)
        };
        let others = self.references.len() + self.garbage.len() + self.counters.len();
        self.rows.iter().map(row).sum::<usize>() + (others + self.own.len()) * 4 * ENTRY_BYTES
    }

    fn fill(&self, batch: &mut WriteBatch) -> Result<(), EngineError> {
        for (key, value) in &self.rows {
            let (family, key) = split_full_key(key)?;
            match value {
                Some(value) => self.meta.put(batch, Space::Rows(family), key, value)?,
                None => self.meta.delete(batch, Space::Rows(family), key)?,
            }
        }
        for ((blob, tag), linked) in &self.references {
            let key = reference_key(*blob, *tag);
            if *linked {
                self.meta.put(batch, Space::References, &key, &[])?;
            } else {
                self.meta.delete(batch, Space::References, &key)?;
            }
        }
        for (blob, since) in &self.garbage {
            let key = garbage_key(*since, *blob);
            self.meta.put(batch, Space::Garbage, &key, &[])?;
        }
        for (table, counters) in &self.counters {
            let (key, value) = (counters_key(*table), encode_counters(counters));
            self.meta.put(batch, Space::System, &key, &value)?;
        }
        for OwnChange { space, key, value } in &self.own {
            match value {
                Some(value) => self.meta.put(batch, *space, key, value)?,
                None => self.meta.delete(batch, *space, key)?,
            }
        }
        Ok(())
    }

    fn row(
        &self,
        table: TableId,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Bytes>, EngineError> {
        let full = full_key(table, family, key);
        if let Some(row) = self.rows.get(full.as_slice()) {
            return Ok(row.clone());
        }
        if let Ok(row) = self.core.rows.find(&full) {
            return Ok(Some(row));
        }
        self.meta
            .get(Space::Rows(family), full.get(1..).unwrap_or_default())
    }

    /// Below the reserve only what gives space back goes on: deleting must work on
    /// a full disk. Replacing a version's row while deleting another is part of that,
    /// down to the last quarter of the reserve.
    fn check_space(&self, batch: &Batch, free_bytes: u64) -> Result<(), EngineError> {
        let reserve = self.core.settings.reserve_bytes;
        let grows = !batch.puts.is_empty() || !batch.links.is_empty();
        let frees = batch.links.is_empty()
            && !(batch.deletes.is_empty() && batch.unlinks.is_empty())
            && free_bytes >= reserve / 4;
        if free_bytes < reserve && grows && !frees {
            return Err(EngineError::Full);
        }
        Ok(())
    }

    /// Takes hold of every blob that the batch links, or of none.
    fn hold_links(&mut self, batch: &Batch) -> Result<(), EngineError> {
        let held = self.linking.len();
        for (blob, _) in &batch.links {
            let linkable = match self.core.liveness.begin_link(blob.0) {
                Some(before) => {
                    self.linking.push((blob.0, before));
                    Ok(true)
                }
                None => self.has_reference(blob.0, None),
            };
            // Just held by this very batch: its reference is not in the overlay yet.
            let linkable = linkable.map(|it| {
                it || self
                    .linking
                    .get(held..)
                    .is_some_and(|mine| mine.iter().any(|(other, _)| *other == blob.0))
            });
            if !matches!(linkable, Ok(true)) {
                for (blob, before) in self.linking.drain(held..) {
                    self.core.liveness.undo_link(blob, before);
                }
                return Err(linkable.err().unwrap_or(EngineError::NoBlob));
            }
        }
        Ok(())
    }

    fn apply(&mut self, table: TableId, batch: Batch) -> Result<(), EngineError> {
        // What reads the database goes first: after it nothing can fail.
        let mut counters = match self.counters.get(&table) {
            Some(counters) => *counters,
            None if batch.counters.is_empty() => [0; COUNTERS],
            None => self.stored_counters(table)?,
        };
        let mut references: BTreeMap<(u64, u64), bool> = BTreeMap::new();
        for (blob, tag) in &batch.links {
            references.insert((blob.0, tag.0), true);
        }
        let mut unlinked = Vec::new();
        for (blob, tag) in &batch.unlinks {
            let linked = match references.get(&(blob.0, tag.0)) {
                Some(linked) => *linked,
                None => self.is_linked(blob.0, tag.0)?,
            };
            if linked {
                references.insert((blob.0, tag.0), false);
                unlinked.push(blob.0);
            }
        }
        let mut garbage = Vec::new();
        for blob in unlinked {
            let left_here = references
                .range((blob, 0)..=(blob, u64::MAX))
                .any(|(_, linked)| *linked);
            if !left_here && !self.has_reference(blob, Some(&references))? {
                garbage.push(blob);
            }
        }

        for (family, key) in batch.deletes {
            self.rows.insert(full_key(table, family, &key).into(), None);
        }
        for (family, key, value) in batch.puts {
            self.rows
                .insert(full_key(table, family, &key).into(), Some(value));
        }
        if !batch.counters.is_empty() {
            for (index, step) in batch.counters {
                if let Some(counter) = counters.get_mut(index) {
                    *counter = counter.wrapping_add(step);
                }
            }
            self.counters.insert(table, counters);
        }
        self.references.extend(references);
        let now = self.core.now().as_millis();
        self.garbage.extend(garbage.into_iter().map(|it| (it, now)));
        Ok(())
    }

    fn stored_counters(&self, table: TableId) -> Result<[i64; COUNTERS], EngineError> {
        match self.meta.get(Space::System, &counters_key(table))? {
            Some(bytes) => decode_counters(&bytes),
            None => Ok([0; COUNTERS]),
        }
    }

    fn is_linked(&self, blob: u64, tag: u64) -> Result<bool, EngineError> {
        if let Some(linked) = self.references.get(&(blob, tag)) {
            return Ok(*linked);
        }
        let key = reference_key(blob, tag);
        Ok(self.meta.get(Space::References, &key)?.is_some())
    }

    /// Whether a blob has a reference, with the group's changes and `newer` ones.
    fn has_reference(
        &self,
        blob: u64,
        newer: Option<&BTreeMap<(u64, u64), bool>>,
    ) -> Result<bool, EngineError> {
        let all = (blob, 0)..=(blob, u64::MAX);
        let changed = |tag: u64| {
            newer
                .and_then(|newer| newer.get(&(blob, tag)))
                .or_else(|| self.references.get(&(blob, tag)))
        };
        if self
            .references
            .range(all)
            .any(|((_, tag), _)| changed(*tag) == Some(&true))
        {
            return Ok(true);
        }
        let mut found = false;
        self.meta.references(blob, |tag| {
            found = changed(tag).is_none();
            !found
        })?;
        Ok(found)
    }
}

/// Why a group is not on disk.
pub(crate) enum WriteFailure {
    /// Nothing was written.
    Before(EngineError),
    /// Nobody knows how much was written.
    During(rocksdb::Error),
}

/// The key of a row in the cache: family, table, key.
pub(crate) fn full_key(table: TableId, family: Family, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(9 + key.len());
    bytes.push(family_number(family));
    bytes.extend_from_slice(&row_key(table, &[]));
    bytes.extend_from_slice(key);
    bytes
}

fn split_full_key(key: &[u8]) -> Result<(Family, &[u8]), EngineError> {
    key.split_first()
        .and_then(|(number, rest)| Some((*Family::ALL.get(usize::from(*number))?, rest)))
        .ok_or_else(|| unavailable("a row key without a family"))
}

fn family_number(family: Family) -> u8 {
    Family::ALL
        .iter()
        .position(|it| *it == family)
        .and_then(|at| u8::try_from(at).ok())
        .unwrap_or_default()
}
