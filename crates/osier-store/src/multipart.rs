//! stub
use crate::{ByteSource, Store};
use osier_types::*;
impl Store {
    pub(crate) async fn initiate_upload(
        &self,
        _op: InitiateMultipartUpload,
    ) -> Result<Outcome, Fault> {
        todo!()
    }
    pub(crate) async fn upload_part(
        &self,
        _op: UploadPart,
        _b: &mut dyn ByteSource,
    ) -> Result<Outcome, Fault> {
        todo!()
    }
    pub(crate) async fn upload_part_copy(&self, _op: UploadPartCopy) -> Result<Outcome, Fault> {
        todo!()
    }
    pub(crate) async fn complete_upload(
        &self,
        _op: CompleteMultipartUpload,
    ) -> Result<Outcome, Fault> {
        todo!()
    }
    pub(crate) async fn abort_upload(&self, _op: &UploadRef) -> Result<Outcome, Fault> {
        todo!()
    }
    pub(crate) async fn list_parts(&self, _op: ListParts) -> Result<Outcome, Fault> {
        todo!()
    }
    pub(crate) async fn list_multipart_uploads(
        &self,
        _op: ListMultipartUploads,
    ) -> Result<Outcome, Fault> {
        todo!()
    }
}
