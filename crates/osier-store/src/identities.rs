//! The table of identities. What its rows hold is sealed by whoever keeps them here:
//! to the store they are names and bytes.

use bytes::Bytes;
use osier_engine::{Batch, EngineError, Family, KeyRange, TableId};
use osier_types::Fault;

use crate::Store;
use crate::failure::fault;

/// The tables of buckets have numbers without the highest bit.
const TABLE: TableId = TableId(1 << 63);
/// All rows change together: whoever changes one may have looked at any other.
const GROUP: &[u8] = b"identities";
/// Rows read at once.
const LOAD_PAGE: usize = 1000;

/// A row to keep, or, without a value, to remove.
pub type IdentityRow = (Bytes, Option<Bytes>);

impl Store {
    /// Every row of the table of identities, as it was kept.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn identity_rows(&self) -> Result<Vec<(Bytes, Bytes)>, Fault> {
        let mut all = Vec::new();
        let mut range = KeyRange::ALL;
        loop {
            let scanned = self
                .engine
                .scan(TABLE, Family::Config, range.clone(), LOAD_PAGE)
                .await;
            let page = match scanned {
                Ok(page) => page,
                Err(EngineError::NoTable) => return Ok(all),
                Err(error) => return Err(fault(error, None)),
            };
            all.extend(page.rows);
            match all.last() {
                Some((last, _)) if page.more => range = range.after(last),
                _ => return Ok(all),
            }
        }
    }

    /// Keeps and removes rows of the table of identities: all of them, durably, or none.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn keep_identity_rows(&self, rows: Vec<IdentityRow>) -> Result<(), Fault> {
        let mut batch = Batch::default();
        for (name, value) in rows {
            match value {
                Some(value) => batch.puts.push((Family::Config, name, value)),
                None => batch.deletes.push((Family::Config, name)),
            }
        }
        let first = self.engine.commit(TABLE, GROUP, batch.clone()).await;
        let kept = match first {
            Err(EngineError::NoTable) => match self.engine.create_table(TABLE).await {
                Ok(()) => self.engine.commit(TABLE, GROUP, batch).await,
                failed => failed,
            },
            kept => kept,
        };
        kept.map_err(|error| fault(error, None))
    }
}
