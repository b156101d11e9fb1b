//! stub
use crate::{ByteSource, Store};
use osier_types::*;
impl Store {
    pub(crate) async fn append_object(
        &self,
        _op: AppendObject,
        _b: &mut dyn ByteSource,
    ) -> Result<Outcome, Fault> {
        todo!()
    }
    pub(crate) async fn seal_append_object(
        &self,
        _b: &BucketName,
        _k: &ObjectKey,
        _p: u64,
    ) -> Result<Outcome, Fault> {
        todo!()
    }
}
