//! stub
use crate::Store;
use osier_types::*;
impl Store {
    pub(crate) async fn copy_object(&self, _op: CopyObject) -> Result<Outcome, Fault> {
        todo!()
    }
}
