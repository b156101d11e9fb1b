//! What an engine's errors mean to a caller.

use osier_engine::EngineError;
use osier_types::{BucketName, Fault, FaultKind};

/// Turns an engine's error into a fault.
pub(crate) trait OrFault<T> {
    /// The fault of an operation on `bucket`'s table.
    fn or_fault(self, bucket: &BucketName) -> Result<T, Fault>;
}

impl<T> OrFault<T> for Result<T, EngineError> {
    fn or_fault(self, bucket: &BucketName) -> Result<T, Fault> {
        self.map_err(|error| fault(error, Some(bucket)))
    }
}

/// The fault of an engine's error; `bucket` is whose table was used.
pub(crate) fn fault(error: EngineError, bucket: Option<&BucketName>) -> Fault {
    let kind = match (&error, bucket) {
        (EngineError::Full, _) => FaultKind::InsufficientStorage,
        (EngineError::Unavailable { .. }, _) => FaultKind::Unavailable {
            reason: "the storage can't serve this now".to_owned(),
        },
        (EngineError::Corrupt { .. }, _) => FaultKind::Damaged,
        (EngineError::NoTable, Some(bucket)) => FaultKind::NoSuchBucket(bucket.clone()),
        _ => FaultKind::Internal,
    };
    Fault::new(kind).because(error)
}

/// The fault of an operation that lost a race too often.
pub(crate) fn too_much_contention() -> Fault {
    Fault::new(FaultKind::Unavailable {
        reason: "the object is being changed by too many others".to_owned(),
    })
}
