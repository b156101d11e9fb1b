//! Access-control lists: the last to be asked.

use osier_types::{AccessKind, BucketAcl, DenialKind, DeniedBy, ObjectAcl, Resource};

use super::trace::Trace;
use super::{Decision, Inquiry, Layer, PublicLists, Verdict};

impl Inquiry<'_> {
    /// The lists decide: the object's if it says anything, else the bucket's.
    pub(super) fn by_lists(&self, mut trace: Trace) -> Decision {
        let object_acl = match self.access.resource {
            Resource::Object(..) => self.resource.object_acl.unwrap_or(ObjectAcl::Default),
            Resource::Service | Resource::Bucket(_) => ObjectAcl::Default,
        };
        let (layer, granted) = match (object_acl, self.resource.bucket) {
            (ObjectAcl::Default, None) => (Layer::BucketAcl, Granted::Nothing),
            (ObjectAcl::Default, Some(bucket)) => {
                if let Resource::Object(..) = self.access.resource {
                    trace.say(
                        Layer::ObjectAcl,
                        Verdict::Pass,
                        "the object has no list of its own",
                    );
                }
                (
                    Layer::BucketAcl,
                    match bucket.acl {
                        BucketAcl::Private => Granted::Nothing,
                        BucketAcl::PublicRead => Granted::Read,
                        BucketAcl::PublicReadWrite => Granted::ReadWrite,
                    },
                )
            }
            (ObjectAcl::Private, _) => (Layer::ObjectAcl, Granted::Nothing),
            (ObjectAcl::PublicRead, _) => (Layer::ObjectAcl, Granted::Read),
            (ObjectAcl::PublicReadWrite, _) => (Layer::ObjectAcl, Granted::ReadWrite),
        };
        let refused = match (granted, self.access.kind, self.layers.public_lists) {
            (Granted::Nothing, _, _) => "the list is private",
            (_, _, PublicLists::Blocked) => "the list is public, but public access is blocked",
            (_, _, PublicLists::Disabled) => {
                "the list is public, but the bucket's objects are its owner's alone"
            }
            (_, AccessKind::Read, _) => return trace.allow(layer, "the list lets everybody read"),
            (Granted::ReadWrite, AccessKind::Write, _) => {
                return trace.allow(layer, "the list lets everybody write");
            }
            (Granted::Read | Granted::ReadWrite, _, _) => "the list lets everybody read only",
        };
        trace.say(layer, Verdict::Deny, refused);
        self.refuse(trace, DeniedBy::Nobody, DenialKind::Implicit)
    }
}

/// What a list grants to everybody.
#[derive(Clone, Copy)]
enum Granted {
    Nothing,
    Read,
    ReadWrite,
}
