//! Every operation of the S3 API.
//!
//! The order is the precedence: of a request's sub-resources the one whose
//! first row stands higher counts, and of the rows that fit the first.

use osier_types::ConfigKind;
use osier_types::limits::{COMPLETE_BODY_BYTES_MAX, DELETE_BODY_BYTES_MAX, DOCUMENT_BYTES_MAX};

use crate::request::bucket as buckets;
use crate::request::input::preflight;
use crate::request::list as lists;
use crate::request::policy;
use crate::request::protection as protect;
use crate::request::route::Decoder::{DeleteConfig, Form, GetConfig, PutConfig, With};
use crate::request::route::Scope::{Bucket, Object, Service};
use crate::request::route::{BodyUse, RouteSpec, document, row};
use crate::s3::request::decode::{bucket, list, multipart, object, protection};

const STORED: &str = "kept and returned; changes nothing here";
const CLASSES: &str = "archive classes are labels: objects stay readable at once";
const ACLS: &str = "only grants to the owner and to everybody; all others are refused";

const SMALL: BodyUse = document(DOCUMENT_BYTES_MAX);

/// Every operation of the S3 API, in order of precedence.
pub static ROUTES: &[RouteSpec] = &[
    // Service.
    row(
        "WriteGetObjectResponse",
        "POST",
        Service,
        "x-amz-request-route",
    ),
    row("ListBuckets", "GET", Service, "").decoder(With(list::buckets)),
    // Buckets: basics.
    row("DeleteObjects", "POST", Bucket, "delete")
        .decoder(With(list::delete_objects))
        .body(document(DELETE_BODY_BYTES_MAX)),
    row("ListObjectVersions", "GET", Bucket, "versions").decoder(With(lists::versions)),
    row("ListMultipartUploads", "GET", Bucket, "uploads").decoder(With(lists::uploads)),
    row("GetBucketAcl", "GET", Bucket, "acl").decoder(With(buckets::acl)),
    row("PutBucketAcl", "PUT", Bucket, "acl")
        .decoder(With(bucket::put_acl))
        .partial(ACLS)
        .body(SMALL),
    row("GetBucketLocation", "GET", Bucket, "location").decoder(With(buckets::location)),
    row("GetBucketVersioning", "GET", Bucket, "versioning").decoder(With(buckets::versioning)),
    row("PutBucketVersioning", "PUT", Bucket, "versioning")
        .decoder(With(buckets::put_versioning))
        .partial("without MFA delete")
        .body(SMALL),
    row("GetBucketTagging", "GET", Bucket, "tagging").decoder(With(buckets::tags)),
    row("PutBucketTagging", "PUT", Bucket, "tagging")
        .decoder(With(buckets::put_tags))
        .body(SMALL),
    row("DeleteBucketTagging", "DELETE", Bucket, "tagging").decoder(With(buckets::delete_tags)),
    row("GetBucketCors", "GET", Bucket, "cors").decoder(With(buckets::cors)),
    row("PutBucketCors", "PUT", Bucket, "cors")
        .decoder(With(buckets::put_cors))
        .body(SMALL),
    row("DeleteBucketCors", "DELETE", Bucket, "cors").decoder(With(buckets::delete_cors)),
    row("GetBucketEncryption", "GET", Bucket, "encryption").decoder(With(protect::encryption)),
    row("PutBucketEncryption", "PUT", Bucket, "encryption")
        .decoder(With(protection::put_encryption))
        .partial("one rule; not `aws:kms:dsse`")
        .body(SMALL),
    row("DeleteBucketEncryption", "DELETE", Bucket, "encryption")
        .decoder(With(protect::delete_encryption)),
    row("GetObjectLockConfiguration", "GET", Bucket, "object-lock")
        .decoder(With(protect::object_lock)),
    row("PutObjectLockConfiguration", "PUT", Bucket, "object-lock")
        .decoder(With(protection::put_object_lock))
        .body(SMALL),
    // Buckets: who may come.
    row("GetBucketPolicyStatus", "GET", Bucket, "policyStatus").decoder(With(policy::status)),
    row("GetBucketPolicy", "GET", Bucket, "policy").decoder(With(policy::get)),
    row("PutBucketPolicy", "PUT", Bucket, "policy")
        .decoder(With(policy::put))
        .body(SMALL),
    row("DeleteBucketPolicy", "DELETE", Bucket, "policy").decoder(With(policy::delete)),
    row("GetPublicAccessBlock", "GET", Bucket, "publicAccessBlock")
        .decoder(With(bucket::public_access_block)),
    row("PutPublicAccessBlock", "PUT", Bucket, "publicAccessBlock")
        .decoder(With(bucket::put_public_access_block))
        .body(SMALL),
    row(
        "DeletePublicAccessBlock",
        "DELETE",
        Bucket,
        "publicAccessBlock",
    )
    .decoder(With(bucket::delete_public_access_block)),
    row(
        "GetBucketOwnershipControls",
        "GET",
        Bucket,
        "ownershipControls",
    )
    .decoder(With(bucket::ownership)),
    row(
        "PutBucketOwnershipControls",
        "PUT",
        Bucket,
        "ownershipControls",
    )
    .decoder(With(bucket::put_ownership))
    .body(SMALL),
    row(
        "DeleteBucketOwnershipControls",
        "DELETE",
        Bucket,
        "ownershipControls",
    )
    .decoder(With(bucket::delete_ownership)),
    // Buckets: configuration documents that are kept and change nothing here.
    row("GetBucketRequestPayment", "GET", Bucket, "requestPayment")
        .decoder(GetConfig(ConfigKind::RequestPayment))
        .partial(STORED),
    row("PutBucketRequestPayment", "PUT", Bucket, "requestPayment")
        .decoder(PutConfig(
            ConfigKind::RequestPayment,
            "RequestPaymentConfiguration",
        ))
        .partial(STORED)
        .body(SMALL),
    row(
        "GetBucketAccelerateConfiguration",
        "GET",
        Bucket,
        "accelerate",
    )
    .decoder(GetConfig(ConfigKind::S3Accelerate))
    .partial(STORED),
    row(
        "PutBucketAccelerateConfiguration",
        "PUT",
        Bucket,
        "accelerate",
    )
    .decoder(PutConfig(
        ConfigKind::S3Accelerate,
        "AccelerateConfiguration",
    ))
    .partial(STORED)
    .body(SMALL),
    row(
        "GetBucketLifecycleConfiguration",
        "GET",
        Bucket,
        "lifecycle",
    )
    .decoder(GetConfig(ConfigKind::S3Lifecycle))
    .partial(STORED),
    row(
        "PutBucketLifecycleConfiguration",
        "PUT",
        Bucket,
        "lifecycle",
    )
    .decoder(PutConfig(ConfigKind::S3Lifecycle, "LifecycleConfiguration"))
    .partial(STORED)
    .body(SMALL),
    row("DeleteBucketLifecycle", "DELETE", Bucket, "lifecycle")
        .decoder(DeleteConfig(ConfigKind::S3Lifecycle))
        .partial(STORED),
    row("GetBucketWebsite", "GET", Bucket, "website")
        .decoder(GetConfig(ConfigKind::S3Website))
        .partial(STORED),
    row("PutBucketWebsite", "PUT", Bucket, "website")
        .decoder(PutConfig(ConfigKind::S3Website, "WebsiteConfiguration"))
        .partial(STORED)
        .body(SMALL),
    row("DeleteBucketWebsite", "DELETE", Bucket, "website")
        .decoder(DeleteConfig(ConfigKind::S3Website))
        .partial(STORED),
    row("GetBucketLogging", "GET", Bucket, "logging")
        .decoder(GetConfig(ConfigKind::S3Logging))
        .partial(STORED),
    row("PutBucketLogging", "PUT", Bucket, "logging")
        .decoder(PutConfig(ConfigKind::S3Logging, "BucketLoggingStatus"))
        .partial(STORED)
        .body(SMALL),
    row(
        "GetBucketNotificationConfiguration",
        "GET",
        Bucket,
        "notification",
    )
    .decoder(GetConfig(ConfigKind::S3Notification))
    .partial(STORED),
    row(
        "PutBucketNotificationConfiguration",
        "PUT",
        Bucket,
        "notification",
    )
    .decoder(PutConfig(
        ConfigKind::S3Notification,
        "NotificationConfiguration",
    ))
    .partial(STORED)
    .body(SMALL),
    // Buckets: configuration documents that are refused.
    row("GetBucketReplication", "GET", Bucket, "replication")
        .decoder(GetConfig(ConfigKind::Replication))
        .partial("answers as if never set: the document can't be put"),
    row("PutBucketReplication", "PUT", Bucket, "replication"),
    row("DeleteBucketReplication", "DELETE", Bucket, "replication"),
    row(
        "GetBucketAnalyticsConfiguration",
        "GET",
        Bucket,
        "analytics",
    )
    .also(&["id"]),
    row(
        "ListBucketAnalyticsConfigurations",
        "GET",
        Bucket,
        "analytics",
    ),
    row(
        "PutBucketAnalyticsConfiguration",
        "PUT",
        Bucket,
        "analytics",
    ),
    row(
        "DeleteBucketAnalyticsConfiguration",
        "DELETE",
        Bucket,
        "analytics",
    ),
    row(
        "GetBucketInventoryConfiguration",
        "GET",
        Bucket,
        "inventory",
    )
    .also(&["id"]),
    row(
        "ListBucketInventoryConfigurations",
        "GET",
        Bucket,
        "inventory",
    ),
    row(
        "PutBucketInventoryConfiguration",
        "PUT",
        Bucket,
        "inventory",
    ),
    row(
        "DeleteBucketInventoryConfiguration",
        "DELETE",
        Bucket,
        "inventory",
    ),
    row("GetBucketMetricsConfiguration", "GET", Bucket, "metrics").also(&["id"]),
    row("ListBucketMetricsConfigurations", "GET", Bucket, "metrics"),
    row("PutBucketMetricsConfiguration", "PUT", Bucket, "metrics"),
    row(
        "DeleteBucketMetricsConfiguration",
        "DELETE",
        Bucket,
        "metrics",
    ),
    row(
        "GetBucketIntelligentTieringConfiguration",
        "GET",
        Bucket,
        "intelligent-tiering",
    )
    .also(&["id"]),
    row(
        "ListBucketIntelligentTieringConfigurations",
        "GET",
        Bucket,
        "intelligent-tiering",
    ),
    row(
        "PutBucketIntelligentTieringConfiguration",
        "PUT",
        Bucket,
        "intelligent-tiering",
    ),
    row(
        "DeleteBucketIntelligentTieringConfiguration",
        "DELETE",
        Bucket,
        "intelligent-tiering",
    ),
    row("GetBucketAbac", "GET", Bucket, "abac"),
    row("PutBucketAbac", "PUT", Bucket, "abac"),
    row("CreateSession", "GET", Bucket, "session"),
    row(
        "CreateBucketMetadataConfiguration",
        "POST",
        Bucket,
        "metadataConfiguration",
    ),
    row(
        "GetBucketMetadataConfiguration",
        "GET",
        Bucket,
        "metadataConfiguration",
    ),
    row(
        "DeleteBucketMetadataConfiguration",
        "DELETE",
        Bucket,
        "metadataConfiguration",
    ),
    row(
        "CreateBucketMetadataTableConfiguration",
        "POST",
        Bucket,
        "metadataTable",
    ),
    row(
        "GetBucketMetadataTableConfiguration",
        "GET",
        Bucket,
        "metadataTable",
    ),
    row(
        "DeleteBucketMetadataTableConfiguration",
        "DELETE",
        Bucket,
        "metadataTable",
    ),
    row(
        "UpdateBucketMetadataAnnotationTableConfiguration",
        "PUT",
        Bucket,
        "metadataAnnotationTable",
    ),
    row(
        "UpdateBucketMetadataInventoryTableConfiguration",
        "PUT",
        Bucket,
        "metadataInventoryTable",
    ),
    row(
        "UpdateBucketMetadataJournalTableConfiguration",
        "PUT",
        Bucket,
        "metadataJournalTable",
    ),
    // Buckets: the bucket itself.
    row("Preflight", "OPTIONS", Bucket, "").decoder(With(preflight)),
    row("ListObjectsV2", "GET", Bucket, "")
        .also(&["list-type=2"])
        .decoder(With(lists::objects_v2)),
    row("ListObjects", "GET", Bucket, "").decoder(With(lists::objects)),
    row("HeadBucket", "HEAD", Bucket, "").decoder(With(buckets::head)),
    row("CreateBucket", "PUT", Bucket, "")
        .decoder(With(bucket::put))
        .partial("any `LocationConstraint` is taken; no directory buckets")
        .body(SMALL)
        .guarded(),
    row("DeleteBucket", "DELETE", Bucket, "").decoder(With(buckets::delete)),
    row("PostObject", "POST", Bucket, "")
        .decoder(Form)
        .body(BodyUse::Form)
        .guarded(),
    // Objects: multipart.
    row("CreateMultipartUpload", "POST", Object, "uploads")
        .decoder(With(multipart::initiate))
        .partial(CLASSES)
        .guarded(),
    row("UploadPartCopy", "PUT", Object, "uploadId")
        .header("x-amz-copy-source")
        .decoder(With(multipart::upload_part_copy))
        .guarded(),
    row("UploadPart", "PUT", Object, "uploadId")
        .decoder(With(multipart::upload_part))
        .body(BodyUse::Stream)
        .guarded(),
    row("CompleteMultipartUpload", "POST", Object, "uploadId")
        .decoder(With(multipart::complete))
        .body(document(COMPLETE_BODY_BYTES_MAX))
        .guarded(),
    row("AbortMultipartUpload", "DELETE", Object, "uploadId").decoder(With(lists::abort)),
    row("ListParts", "GET", Object, "uploadId").decoder(With(lists::parts)),
    // Objects: sub-resources.
    row("GetObjectAttributes", "GET", Object, "attributes").decoder(With(object::attributes)),
    row("GetObjectAcl", "GET", Object, "acl").decoder(With(object::acl)),
    row("PutObjectAcl", "PUT", Object, "acl")
        .decoder(With(object::put_acl))
        .partial(ACLS)
        .body(SMALL),
    row("GetObjectTagging", "GET", Object, "tagging").decoder(With(object::tagging)),
    row("PutObjectTagging", "PUT", Object, "tagging")
        .decoder(With(object::put_tagging))
        .body(SMALL),
    row("DeleteObjectTagging", "DELETE", Object, "tagging").decoder(With(object::delete_tagging)),
    row("GetObjectLegalHold", "GET", Object, "legal-hold").decoder(With(protect::legal_hold)),
    row("PutObjectLegalHold", "PUT", Object, "legal-hold")
        .decoder(With(protect::put_legal_hold))
        .body(SMALL),
    row("GetObjectRetention", "GET", Object, "retention").decoder(With(protect::retention)),
    row("PutObjectRetention", "PUT", Object, "retention")
        .decoder(With(protection::put_retention))
        .body(SMALL),
    row("RestoreObject", "POST", Object, "restore"),
    row("SelectObjectContent", "POST", Object, "select"),
    row("GetObjectTorrent", "GET", Object, "torrent"),
    row("RenameObject", "PUT", Object, "renameObject"),
    row("UpdateObjectEncryption", "PUT", Object, "encryption"),
    row("PutObjectAnnotation", "PUT", Object, "annotation"),
    row("GetObjectAnnotation", "GET", Object, "annotation").also(&["annotationName"]),
    row("ListObjectAnnotations", "GET", Object, "annotation"),
    row("DeleteObjectAnnotation", "DELETE", Object, "annotation"),
    // Objects: the object itself.
    row("Preflight", "OPTIONS", Object, "").decoder(With(preflight)),
    row("GetObject", "GET", Object, "").decoder(With(object::fetch)),
    row("HeadObject", "HEAD", Object, "").decoder(With(object::head)),
    row("CopyObject", "PUT", Object, "")
        .header("x-amz-copy-source")
        .decoder(With(object::copy))
        .partial(CLASSES)
        .guarded(),
    row("PutObject", "PUT", Object, "")
        .decoder(With(object::put))
        .partial(CLASSES)
        .body(BodyUse::Stream)
        .guarded(),
    row("DeleteObject", "DELETE", Object, "")
        .decoder(With(object::delete))
        .guarded(),
];
